"""The contract of a task, and the tasks that there are.

A task is one module in `apps/` with a class that fulfils `Task`. The verbs know tasks only by this contract; a new one
needs its line in `TASKS` and nothing else here or there.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from apps.errors import UsageError
from apps.settings import unknown

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf

    from apps.runs.training_config import TrainingConfig
    from apps.tuning.space import Parameter

# `call(signature, **inputs)`: asks a served model.
Signatures = Callable[..., Mapping[str, "np.ndarray"]]

# Name on the command line -> module with a `TASK`. The modules are imported when they are asked for.
TASKS = {
    "sentiment": "apps.sentiment",
    "text_generation": "apps.text_generation",
    "translation": "apps.translation",
}


class TaskConfig(Protocol):
    """What the verbs need of each task's configuration."""

    @property
    def data(self) -> Any:
        """Which records."""

    @property
    def training(self) -> "TrainingConfig":
        """How to train."""


class Processor(Protocol):
    """What turns a task's texts into the model's numbers and back; what a run keeps beside the weights."""

    @property
    def tokenizer(self) -> Any:
        """Strings to ids."""

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the model's outputs; empty for a task without classes."""


class TaskData(Processor, Protocol):
    """The batches of a task, and what is known about them."""

    def train(self, epoch: int) -> "tf.data.Dataset":
        """The training batches of an epoch (from 0), the same in each process."""

    @property
    def validation(self) -> "tf.data.Dataset | None":
        """The batches by which epochs are compared."""

    @property
    def test(self) -> "tf.data.Dataset | None":
        """The batches that are looked at once."""


class Task(ABC):
    """What `keras-seq` needs to know of a task. The module imports no TensorFlow or Keras at its top."""

    name: ClassVar[str]
    summary: ClassVar[str]
    config_class: ClassVar[type]
    # The module with `add_arguments` and `run` of `keras-seq predict`; other tasks than classifiers have their own.
    predictor: ClassVar[str] = "apps.commands.classify"
    # The validation figure that searches over settings of the text go by, if not the one by which epochs are compared.
    search_objective: ClassVar[str | None] = None
    # The section of settings that training does not depend on: `evaluate` may try others.
    later_section: ClassVar[str | None] = None

    def settled(self, config: Any) -> Any:
        """The configuration with all that may mean something else tomorrow made definite: what a run stores."""
        return config

    @abstractmethod
    def datasets(self, config: Any, tokenizer: Any = None) -> Any:
        """Open the data, as `TaskData`; learn a vocabulary unless `tokenizer` is given.

        Raises:
            DataError: when the data cannot be used; the line names the fix.
        """

    @abstractmethod
    def load_processor(self, vocabulary: Path, labels: list[str]) -> Processor:
        """What a run saved, without opening its data."""

    @abstractmethod
    def data_facts(self, data: Any, config: Any) -> dict[str, Any]:
        """What is recorded about the data, JSON values: `source`, `licence`, `digest`, `labels`, and `rows` by split.

        `unit` says what rows are, if not rows; `report` is what the pipeline says.
        """

    @abstractmethod
    def build_model(self, config: Any, processor: Processor) -> "keras.Model":
        """The model, built and untrained."""

    def start_weights(self, model: "keras.Model", data: Any, config: Any) -> None:  # noqa: B027
        """Change the weights that training starts from, where the data say more than an initializer does."""

    def layer_groups(self, model: "keras.Model", config: Any) -> list[list[Any]]:
        """The trainable weights in groups from the top of the model to its bottom, for rates that differ by layer."""
        return [model.trainable_weights]

    @abstractmethod
    def loss(self, config: Any) -> Callable[..., Any]:
        """`loss(targets, outputs)`, the mean over a batch; `loss(targets, outputs, weights)` of weighted ones."""

    def training_loss(self, model: "keras.Model", config: Any) -> Callable[..., Any] | None:
        """What takes the place of `loss` while training, if anything does."""
        return None

    def objective(self, config: Any) -> Callable[..., tuple[Any, Any]] | None:
        """What training minimises, if not simply `loss`: `objective(model, inputs, targets) -> (loss, outputs)`.

        Of weighted batches, the weights are a fourth argument.
        """
        return None

    def more_figures(self, model: "keras.Model", data: Any, config: Any) -> Callable[[], dict[str, float]] | None:
        """What is measured after each epoch beside the loss and the metrics: figures by name."""
        return None

    @abstractmethod
    def metrics(self, config: Any) -> "list[keras.metrics.Metric]":
        """New Keras metrics to be reported beside the loss."""

    @abstractmethod
    def signatures(self, model: "keras.Model", processor: Processor, config: Any) -> dict[str, "tf.function"]:
        """The functions of the served model by name, `serving_default` among them."""

    def check_inputs(self, processor: Processor, config: Any) -> Mapping[str, Mapping[str, Any]]:
        """Inputs, by signature, on which an exported model is compared with the one in memory.

        Signatures whose only input is `text` are compared without being named here.
        """
        return {}

    @abstractmethod
    def records(self, config: Any, split: str, processor: Processor) -> Any:
        """The raw records of a split (`validation`, `test`, or `all` of a file of one's own), for `evaluate`.

        Raises:
            DataError: when there is no such split.
        """

    def validation_records(self, data: Any, config: Any) -> Any:
        """The records of the validation split of data that are open already."""
        return data.records("validation")

    @abstractmethod
    def evaluate(self, call: Signatures, records: Any, labels: list[str]) -> dict[str, Any]:
        """Measure a served model on records.

        Args:
            call: `call(signature, **inputs)`, arrays or lists by the names of the signature's inputs, to its outputs.
            records: What `records` returned.
            labels: The classes of the model.

        Returns:
            The figures, as JSON values.
        """

    @abstractmethod
    def show_evaluation(self, figures: dict[str, Any]) -> Iterable[Any]:
        """The figures for people: texts and rich tables."""

    def prediction_rows(self, outputs: Mapping[str, "np.ndarray"], labels: list[str]) -> Iterator[dict[str, Any]]:
        """One dictionary for each text of a batch: the columns to be written; values are texts and numbers."""
        raise NotImplementedError(f"{type(self).__name__} must define prediction_rows(outputs, labels).")

    @abstractmethod
    def card(self, config: Any, facts: dict[str, Any], command: str) -> Any:
        """The words of the model card, as `apps.serving.model_card.Card`."""

    def search_space(self) -> "tuple[Parameter, ...]":
        """What `keras-seq tune` changes if nobody says otherwise: `SPACE` of the task's file in `apps/spaces/`."""
        return importlib.import_module(f"apps.spaces.{self.name}").SPACE


def load_task(name: str) -> Task:
    """The task of this name.

    Raises:
        UsageError: when there is none; the line names the nearest.
    """
    if name not in TASKS:
        raise UsageError(unknown("task", name, TASKS, "keras-seq --help"))
    return importlib.import_module(TASKS[name]).TASK

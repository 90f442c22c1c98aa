"""Opening a run that has been trained: its model with the best weights, without opening its data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.errors import UserError
from apps.runs.folder import RunFolder
from apps.runs.state import restore_weights

if TYPE_CHECKING:
    import keras

    from apps.task import Processor, Task


@dataclass(frozen=True)
class TrainedRun:
    """A run, ready to be measured or exported.

    Attributes:
        folder: Its folder.
        config: The task's configuration.
        processor: Tokenizer and labels.
        model: The model with the weights of the best epoch.
        facts: What is recorded about the data.
    """

    folder: RunFolder
    config: Any
    processor: "Processor"
    model: "keras.Model"
    facts: dict[str, Any]


def open_run(task: "Task", folder: RunFolder, warn: Callable[[str], None]) -> TrainedRun:
    """The model of a run with the weights of its best epoch, or of its newest checkpoint before the first epoch ended.

    It computes in float32, whatever precision it was trained in.

    Raises:
        UserError: when there is no such run, it has no checkpoint, or what it has does not fit together.
    """
    import keras

    config = folder.require().read_config(task.config_class)
    facts = folder.read_json("data.json")
    newest = folder.checkpoints.load_newest(warn)
    if newest is None:
        raise UserError(f"The run {folder.path} has no checkpoint yet; let it train for a while.")
    checkpoint = newest
    best = newest.progress.get("best")
    if best and best["step"] != newest.step:
        at_best = folder.checkpoints.load(best["step"])
        if at_best is None:
            warn(f"the best checkpoint (step {best['step']}) is missing or corrupt; using the newest one.")
        else:
            checkpoint = at_best
    keras.mixed_precision.set_dtype_policy("float32")
    processor = task.load_processor(folder.vocabulary, list(facts["labels"]))
    model = task.build_model(config, processor)
    restore_weights(model, checkpoint.arrays)
    return TrainedRun(folder, config, processor, model, facts)

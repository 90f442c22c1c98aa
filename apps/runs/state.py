"""All that a training changes, as named arrays, and back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.errors import UserError
from apps.runs.averaging import WeightAverage


@dataclass
class Progress:
    """Where a training is; kept in each checkpoint as JSON.

    Attributes:
        epoch: Epochs completed, validation included.
        batch: Batches of the current epoch that have been trained on.
        step: Batches of all epochs that have been trained on.
        steps_per_epoch: Batches in an epoch.
        seconds: Time spent so far, in all processes.
        best: `value`, `epoch` and `step` of the best validation so far, or None.
        history: The figures of each completed epoch.
        finished: Whether there is nothing left to do.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    seconds: float = 0.0
    best: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False

    @property
    def epochs_since_best(self) -> int:
        """Completed epochs after the best one."""
        return self.epoch - self.best["epoch"] if self.best else 0


def variable_groups(model: Any, optimizer: Any, metrics: list[Any], carried: list[Any]) -> dict[str, list[Any]]:
    """The variables of a training by what they are for: weights, random seeds, optimizer, metrics, carried states."""
    weights = model.weights
    known = {id(variable) for variable in weights}
    return {
        "weights": weights,
        "random": [variable for variable in model.variables if id(variable) not in known],
        "optimizer": optimizer.variables,
        "metrics": [variable for metric in metrics for variable in metric.variables],
        "carried": carried,
    }


def gather(groups: dict[str, list[Any]], average: WeightAverage | None) -> dict[str, np.ndarray]:
    """The values of all variables, named `<group>/<number>`, and of the averages."""
    arrays = {}
    for group, variables in groups.items():
        for number, variable in enumerate(variables):
            arrays[f"{group}/{number:04d}"] = np.asarray(variable.numpy())
    if average is not None:
        for number, value in enumerate(average.get()):
            arrays[f"average/{number:04d}"] = value
    return arrays


def restore(arrays: dict[str, np.ndarray], groups: dict[str, list[Any]], average: WeightAverage | None) -> None:
    """Give all variables, and the averages, the values that `gather` found.

    Raises:
        UserError: when the arrays belong to another model or optimizer.
    """
    for group, variables in groups.items():
        for variable, value in zip(variables, _values(arrays, group, [v.shape for v in variables]), strict=True):
            variable.assign(value)
    if average is not None:
        average.set(_values(arrays, "average", [value.shape for value in average.get()]))


def restore_weights(model: Any, arrays: dict[str, np.ndarray]) -> None:
    """Give a model the weights of a checkpoint that are to be used: the averages where there are any.

    Raises:
        UserError: when the arrays belong to another model.
    """
    weights = model.weights
    for variable, value in zip(weights, _values(arrays, "weights", [v.shape for v in weights]), strict=True):
        variable.assign(value)
    if any(name.startswith("average/") for name in arrays):
        trainable = model.trainable_variables
        for variable, value in zip(trainable, _values(arrays, "average", [v.shape for v in trainable]), strict=True):
            variable.assign(value)


def all_finite(arrays: dict[str, np.ndarray]) -> bool:
    """Whether no array holds an infinity or a NaN."""
    return all(np.isfinite(value).all() for value in arrays.values() if np.issubdtype(value.dtype, np.floating))


def _values(arrays: dict[str, np.ndarray], group: str, shapes: list[Any]) -> list[np.ndarray]:
    names = sorted(name for name in arrays if name.startswith(f"{group}/"))
    values = [arrays[name] for name in names]
    if len(values) != len(shapes) or not all(map(_fits, values, shapes)):
        raise UserError(
            f"The checkpoint does not fit the model: its {group} have other shapes. Was the code or the vocabulary "
            "changed since the run began? Go back to that state, or train a new run."
        )
    return values


def _fits(value: np.ndarray, shape: Any) -> bool:
    """Whether a value has a shape, in which None stands for any size."""
    return value.ndim == len(shape) and all(b is None or a == b for a, b in zip(value.shape, shape, strict=True))

"""The figure that a search goes by: its direction, and where a trial's values of it stand."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.errors import UsageError

LOWER_IS_BETTER = (
    "loss",
    "perplexity",
    "nats_per_token",
    "nats_per_character",
    "bits_per_character",
    "log_loss",
    "calibration_error",
)
HIGHER_IS_BETTER = ("accuracy", "bleu", "bleu_lowercase", "chrf", "f1", "roc_auc")
# What `training.monitor` can be: measured after each epoch, so that the best checkpoint is the best by it.
OF_EPOCHS = ("accuracy", "loss", "bleu")


@dataclass(frozen=True)
class Objective:
    """A validation figure.

    Args:
        name: One of those above.

    Raises:
        UsageError: when its direction is not known.
    """

    name: str

    def __post_init__(self) -> None:
        known = (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)
        if self.name not in known:
            raise UsageError(f"tuner.objective must be one of {', '.join(known)}. Received: {self.name}")

    @property
    def direction(self) -> str:
        """`max` or `min`."""
        return "min" if self.name in LOWER_IS_BETTER else "max"

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is better than `other`."""
        return one < other if self.direction == "min" else one > other

    def best(self, values: list[float]) -> float:
        """The best of some values."""
        return min(values) if self.direction == "min" else max(values)

    def curve(self, folder: Path) -> list[float]:
        """The figure after each epoch of a run so far; empty if it is not one that epochs have."""
        try:
            lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            entries = [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return []
        return [entry["validation"][self.name] for entry in entries if self.name in entry.get("validation", {})]

    def score(self, folder: Path) -> float | None:
        """The figure of a run that has ended: that of its best epoch, or of its report; None if there is none."""
        curve = self.curve(folder)
        if curve:
            numbers = [value for value in curve if math.isfinite(value)]
            return self.best(numbers) if numbers else math.nan
        value = read_report(folder).get("metrics", {}).get("validation", {}).get(self.name)
        return float(value) if isinstance(value, (int, float)) else None


@dataclass(frozen=True)
class Outcome:
    """What a run has come to.

    Args:
        score: The objective; None if the run has no such figure.
        curve: The objective after each epoch; the loss, if the objective is no figure of epochs.
        parameters: Weights of the model.
    """

    score: float | None
    curve: list[float]
    parameters: int | None


def read_outcome(folder: Path, objective: Objective) -> Outcome:
    """What a run has come to, from its files."""
    curve = objective.curve(folder) or Objective("loss").curve(folder)
    return Outcome(objective.score(folder), curve, read_report(folder).get("parameters"))


def read_report(folder: Path) -> dict[str, Any]:
    """The `report.json` of a run, or nothing if it has none."""
    try:
        return json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}

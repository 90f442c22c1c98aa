"""Options of a search. Imports no TensorFlow, so that help is quick."""

from dataclasses import dataclass
from typing import Literal

from apps.runs.training_config import require

Algorithm = Literal["random", "hyperband", "bayesian", "grid"]
# Those that may change while a search is interrupted: they decide how long it goes on, not what it tries.
CHANGEABLE = (
    *("trials", "minutes", "trial_minutes", "retries", "workers"),
    *("median_stop", "reruns", "rerun_seeds", "keep", "tensorboard"),
)


@dataclass(frozen=True)
class TunerConfig:
    """How settings are searched.

    Attributes:
        algorithm: How values are chosen: at `random`; `hyperband`: many short trainings, of which the best are done
            again with more epochs, up to `training.epochs` (Li et al. 2018); `bayesian`: where a Gaussian process that
            knows the trials so far hopes for most; `grid`: all combinations, the default first.
        trials: So many trials. At least 1.
        minutes: Begin no new trial after this many minutes, those before an interruption included. Above 0.
        objective: The validation figure to search by: one of each epoch, such as `accuracy`, `loss` or `bleu`, or one
            of the report of a run, such as `bits_per_character` or `chrf`. Left out, it is `training.monitor`; for text
            generation `bits_per_character` if settings of the text are searched, whose tokens then differ.
        seed: Fixes what is tried. From 1.
        trial_minutes: A trial that takes longer has failed: it hangs. Above 0.
        retries: Do a trial that crashed, was killed or hung so many times again. From 0.
        workers: Trials side by side on this machine. At least 1.
        median_stop: End a trial after an epoch if it has done worse so far than half of the others had at that time
            (but not with `hyperband`, which has its own rule, and only for figures of each epoch).
        factor: With `hyperband`: one in so many trials gets on, with so many times the epochs. At least 2.
        reruns: Train the best so many settings again at the end, to see how far luck went. From 0.
        rerun_seeds: With how many other seeds each. At least 1.
        keep: Keep the checkpoints of the best so many trials; those of others are deleted. At least 1.
        give_up: End the search if all of its first trials fail, so many of them. At least 1.
        tensorboard: Write event files for TensorBoard's HParams page.
    """

    algorithm: Algorithm = "random"
    trials: int = 30
    minutes: float | None = None
    objective: str | None = None
    seed: int = 1
    trial_minutes: float | None = None
    retries: int = 0
    workers: int = 1
    median_stop: bool = True
    factor: int = 3
    reruns: int = 0
    rerun_seeds: int = 2
    keep: int = 3
    give_up: int = 5
    tensorboard: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        least = {"trials": 1, "seed": 1, "retries": 0, "workers": 1, "factor": 2, "reruns": 0, "rerun_seeds": 1}
        for name, lowest in (least | {"give_up": 1, "keep": 1}).items():
            require(getattr(self, name) >= lowest, f"tuner.{name}", f"at least {lowest}", getattr(self, name))
        for name in ("minutes", "trial_minutes"):
            value = getattr(self, name)
            require(value is None or value > 0, f"tuner.{name}", "above 0", value)

"""The median stopping rule (Golovin et al. 2017, Google Vizier): an end to trials that half of the others outdo."""

import statistics
from collections.abc import Sequence

from apps.tuning.objective import Objective

FEWEST_TRIALS = 4


def hopeless(curve: Sequence[float], others: Sequence[Sequence[float]], objective: Objective) -> bool:
    """Whether a trial does worse than half of the others did.

    Its best figure so far is compared with the median of the others' means up to the same epoch.

    Args:
        curve: The figure after each epoch so far.
        others: The same of trials that have ended.
        objective: Which of two figures is better.

    Returns:
        False as well while there are fewer than four others of that length.
    """
    epoch = len(curve)
    if not epoch:
        return False
    means = [statistics.fmean(other[:epoch]) for other in others if len(other) >= epoch]
    return len(means) >= FEWEST_TRIALS and objective.better(statistics.median(means), objective.best(list(curve)))

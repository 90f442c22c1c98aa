"""Which settings matter: how much of the scores' variance each one explains, by a small forest."""

from collections.abc import Sequence

import numpy as np

from apps.tuning.parameter import Choice, Parameter, shown
from apps.tuning.record import TrialRecord

FEWEST_TRIALS = 8
TREES = 64


def importance(trials: Sequence[TrialRecord], parameters: Sequence[Parameter]) -> dict[str, float]:
    """The share of each setting in what a random forest explains of the scores.

    The forest is fitted to the trials; the loss of accuracy when one setting's values are shuffled among them is that
    setting's part (Breiman 2001). The parts are scaled to add up to the share of the variance that the forest explains
    for trials that its trees have not seen.

    Args:
        trials: Trials that have a score.
        parameters: What was searched.

    Returns:
        Shares by the names of settings, the largest first; empty with fewer than eight trials, or if nothing is
        explained.
    """
    if len(trials) < FEWEST_TRIALS or not parameters:
        return {}
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.inspection import permutation_importance
    except ImportError:  # the studio may stand alone
        return {}

    # Ranks do not mind a training that went astray.
    scores = np.array([trial.score for trial in trials], dtype=float)
    ranks = np.argsort(np.argsort(scores)).astype(float)
    columns, owners = [], []
    for parameter in parameters:
        values = [trial.values.get(parameter.name) for trial in trials]
        for column in _columns(parameter, values):
            columns.append(column)
            owners.append(parameter.name)
    features = np.stack(columns, axis=1)
    forest = RandomForestRegressor(TREES, min_samples_leaf=2, oob_score=True, random_state=0).fit(features, ranks)
    explained = max(0.0, float(forest.oob_score_))
    parts = permutation_importance(forest, features, ranks, n_repeats=5, random_state=0).importances_mean
    totals = {parameter.name: 0.0 for parameter in parameters}
    for owner, part in zip(owners, parts, strict=True):
        totals[owner] += max(0.0, float(part))
    whole = sum(totals.values())
    if not explained or not whole:
        return {}
    shares = {name: explained * part / whole for name, part in totals.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _columns(parameter: Parameter, values: Sequence[object]) -> list[np.ndarray]:
    """Numbers as they are, with -1 where a setting does not matter; one column a value for others."""
    numeric = not isinstance(parameter, Choice) or all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in parameter.values
    )
    if numeric:
        return [np.array([value if isinstance(value, (int, float)) else -1.0 for value in values], dtype=float)]
    names = [shown(value) for value in values]
    return [np.array([name == kind for name in names], dtype=float) for kind in sorted(set(names))]

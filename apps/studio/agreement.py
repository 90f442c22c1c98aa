"""Two classifiers on the same texts: where they agree, and which of them is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import pandas as pd

LABEL_NAMES = ("label", "labels", "class", "sentiment", "category", "target", "gold")


@dataclass(frozen=True)
class Agreement:
    """What two classifiers say about the same texts.

    Attributes:
        texts: How many have a verdict of both.
        same: How many of them have the same verdict.
        labels: The verdicts that there could be.
        counts: How many texts have a verdict of the first (row) and of the second (column).
        labelled: How many of the texts have a label that one of the models knows.
        both: How many of these both have right.
        only_first: How many only the first has right.
        only_second: How many only the second has right.
    """

    texts: int
    same: int
    labels: list[str]
    counts: list[list[int]]
    labelled: int
    both: int
    only_first: int
    only_second: int

    @property
    def accuracies(self) -> tuple[float, float] | None:
        """The accuracy of each; None without labels."""
        if not self.labelled:
            return None
        return (self.both + self.only_first) / self.labelled, (self.both + self.only_second) / self.labelled

    @property
    def p_value(self) -> float:
        """How often a fair coin would divide the texts that only one has right as unevenly, or more.

        McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947), in
        its exact form, two-sided.
        """
        tosses = self.only_first + self.only_second
        tail = sum(comb(tosses, k) for k in range(min(self.only_first, self.only_second) + 1))
        return min(1.0, 2 * tail / 2**tosses)


def measure(
    first: Sequence[str | None],
    second: Sequence[str | None],
    known: Sequence[str],
    truth: Sequence[str] | None = None,
) -> Agreement:
    """Compares verdicts.

    Args:
        first: The verdict of the first model on each text; None where there is none.
        second: Those of the second.
        known: The labels of both models.
        truth: The label of each text; upper and lower case are the same.
    """
    labels = list(dict.fromkeys([*known, *(label for label in (*first, *second) if label)]))
    place = {label: i for i, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    right = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    folded = {_folded(label) for label in labels}
    true = [_folded(label) for label in truth] if truth is not None else [""] * len(first)
    for one, other, label in zip(first, second, true, strict=True):
        if not one or not other:
            continue
        counts[place[one]][place[other]] += 1
        if label in folded:
            right[is_right(one, label), is_right(other, label)] += 1
    return Agreement(
        texts=sum(map(sum, counts)),
        same=sum(counts[i][i] for i in range(len(labels))),
        labels=labels,
        counts=counts,
        labelled=sum(right.values()),
        both=right[True, True],
        only_first=right[True, False],
        only_second=right[False, True],
    )


def is_right(verdict: str, label: str) -> bool:
    """Whether a verdict is what a label says; upper and lower case are the same."""
    return _folded(verdict) == _folded(label)


def _folded(label: str) -> str:
    """A label without what people write now so and now so."""
    return label.strip().casefold()


def likely_label_column(columns: Sequence[str]) -> str | None:
    """The column that by its name holds the labels."""
    return next((column for column in columns if column.strip().lower() in LABEL_NAMES), None)


def side_by_side(
    table: pd.DataFrame,
    names: Sequence[str],
    results: Sequence[pd.DataFrame],
    truth: str | None = None,
    known: Sequence[str] = (),
) -> pd.DataFrame:
    """The table with the verdicts of two models, disagreements first, those of the greatest confidence on top.

    Args:
        table: What was classified.
        names: The names of the models.
        results: The tables of `tables.classify`, in which verdict and probability follow the columns of `table`.
        truth: The column of the labels, if there is one.
        known: The labels of both models.
    """
    width = table.shape[1]
    added: dict[str, list] = {}
    verdicts = [[None if pd.isna(label) else str(label) for label in result.iloc[:, width]] for result in results]
    for name, result, labels in zip(names, results, verdicts, strict=True):
        added[f"{name} label"] = labels
        added[f"{name} probability"] = result.iloc[:, width + 1].tolist()
    pairs = list(zip(*verdicts, strict=True))
    added["agree"] = ["" if None in pair else "yes" if pair[0] == pair[1] else "no" for pair in pairs]
    if truth is not None:
        folded = {_folded(label) for label in known}
        added["right"] = [
            _who(pair, label) if _folded(label) in folded else ""
            for pair, label in zip(pairs, table[truth].astype(str), strict=True)
        ]
    if None in verdicts[0]:  # the same texts have a problem for both
        added["problem"] = results[0].iloc[:, -1].tolist()
    joined = table.reset_index(drop=True).copy()
    for name, values in added.items():
        while name in joined.columns:
            name += "'"
        joined[name] = values
    sureness = sum(result.iloc[:, width + 1].fillna(0.0).astype(float).to_numpy() for result in results)
    order = {"no": 0, "yes": 1, "": 2}
    # Agreements stay in the order of the file.
    keys = [(order[agree], -sureness[i] if agree == "no" else 0.0, i) for i, agree in enumerate(added["agree"])]
    return joined.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)


def _who(pair: tuple[str | None, str | None], label: str) -> str:
    """Who is right about a text."""
    first, second = pair
    if first is None or second is None:
        return ""
    return {(True, True): "both", (True, False): "first", (False, True): "second", (False, False): "neither"}[
        is_right(first, label), is_right(second, label)
    ]

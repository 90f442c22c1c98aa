"""The metrics of a model as numbers, a confusion matrix and a calibration chart."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd

from apps.serving.model_card import metric_rows

SHARES = frozenset({"accuracy", "balanced_accuracy", "f1", "macro_f1", "precision", "recall"})
"""The metrics that are shown in percent."""

NAMES = {"roc_auc": "ROC AUC", "f1": "F1", "macro_f1": "macro F1", "bleu": "BLEU", "rows": "texts"}
FIRST = ("accuracy", "roc_auc", "f1", "macro_f1", "calibration_error", "log_loss", "loss")


def metric_name(name: str) -> str:
    """A metric's name as people write it."""
    return NAMES.get(name, name.replace("_", " "))


def shown(value: float, name: str = "") -> str:
    """A number as people write it: shares in percent, counts with commas."""
    if name in SHARES:
        return f"{100 * value:.2f} %"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}"


def splits(metrics: Mapping[str, Any]) -> list[str]:
    """The splits that there are metrics of, the test set first; "" stands for metrics that name no split."""
    found = list(dict.fromkeys(split for split, _, _ in metric_rows(metrics)))
    return sorted(found, key=lambda split: (split != "test", found.index(split)))


def of_split(metrics: Mapping[str, Any], split: str) -> Mapping[str, Any]:
    """The metrics of one split."""
    return metrics[split] if split else metrics


def single_numbers(metrics: Mapping[str, Any], split: str) -> list[tuple[str, float]]:
    """The single numbers of a split, the most telling first."""
    rows = [(name, value) for found, name, value in metric_rows(metrics) if found == split]
    return sorted(rows, key=lambda row: FIRST.index(row[0]) if row[0] in FIRST else len(FIRST))


def headline_metrics(metadata: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The most telling numbers on the first split, as (split, name, value) to be shown."""
    metrics = metadata.get("metrics") or {}
    return [
        (split, metric_name(name), shown(value, name))
        for split in splits(metrics)[:1]
        for name, value in single_numbers(metrics, split)
    ]


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Values with their names below, as an HTML grid."""
    cells = "".join(
        f'<div class="fact"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in pairs
    )
    return f'<div class="facts">{cells}</div>'


def confusion_matrix(
    matrix: Sequence[Sequence[int]], labels: Sequence[str], corner: str = "true ↓ \N{NO-BREAK SPACE} predicted →"
) -> str:
    """A confusion matrix as an HTML table: rows are the true classes, columns the predicted ones.

    Args:
        matrix: The counts.
        labels: The classes.
        corner: What rows and columns are.
    """
    head = "".join(f'<th scope="col" title="{escape(label)}">{escape(label)}</th>' for label in labels)
    rows = []
    for label, counts in zip(labels, matrix, strict=True):
        total = sum(counts)
        cells = "".join(_cell(count, count / total if total else 0.0) for count in counts)
        rows.append(f'<tr><th scope="row" title="{escape(label)}">{escape(label)}</th>{cells}</tr>')
    return (
        '<div class="studio matrix-frame"><table class="matrix"><thead><tr>'
        f"<th>{escape(corner)}</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(count: int, share: float) -> str:
    """One cell: the count, and its share of the row."""
    return f'<td style="--share: {share:.3f}"><b>{count:,}</b><span>{100 * share:.1f} %</span></td>'


def calibration_bins(metrics: Mapping[str, Any]) -> list[Mapping[str, float]]:
    """The bins of the calibration, each with `confidence`, `accuracy` and `rows`; those without a text left out."""
    bins = metrics.get("calibration")
    keys = {"confidence", "accuracy", "rows"}
    if not isinstance(bins, list):
        return []
    return [entry for entry in bins if isinstance(entry, Mapping) and keys <= set(entry) and entry["rows"]]


def class_table(metrics: Mapping[str, Any]) -> pd.DataFrame | None:
    """Precision, recall and F1 of each class, if they were recorded."""
    classes = metrics.get("classes")
    if not isinstance(classes, Mapping) or not classes:
        return None
    rows = [{"class": name, **figures} for name, figures in classes.items() if isinstance(figures, Mapping)]
    return pd.DataFrame(rows).rename(columns={"f1": "F1", "rows": "texts"})


def calibration_chart(bins: Sequence[Mapping[str, float]]) -> Any:
    """Accuracy against confidence: on the diagonal, the model is as often right as it says."""
    table = pd.DataFrame(bins)
    diagonal = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    low = min(0.5, math.floor(10 * float(table[["confidence", "accuracy"]].to_numpy().min())) / 10)
    scale = alt.Scale(domain=[low, 1.0])
    across = alt.X("confidence:Q", title="how sure the model is", scale=scale, axis=alt.Axis(format="%"))
    up = alt.Y("accuracy:Q", title="how often it is right", scale=scale, axis=alt.Axis(format="%"))
    line = alt.Chart(diagonal).mark_line(strokeDash=[4, 4], color="#8a8d99", clip=True).encode(x=across, y=up)
    tooltip = [
        alt.Tooltip("confidence:Q", format=".1%"),
        alt.Tooltip("accuracy:Q", format=".1%"),
        alt.Tooltip("rows:Q", title="texts", format=","),
    ]
    points = alt.Chart(table).mark_circle(opacity=1.0, color="#6f6cf0", clip=False)
    sized = points.encode(
        x=across, y=up, size=alt.Size("rows:Q", legend=None, scale=alt.Scale(range=[60, 500])), tooltip=tooltip
    )
    path = alt.Chart(table).mark_line(color="#6f6cf0", clip=True).encode(x=across, y=up)
    return alt.layer(line, path, sized).properties(height=300)

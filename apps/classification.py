"""Measuring classifiers: figures from probabilities and true classes, and their tables."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from apps.errors import UserError
from pipelines.progress import counted

CALIBRATION_BINS = 10
WORST = 10
CHUNK = 4096
BATCH = 64
SHOWN_CHARACTERS = 160


def evaluate_records(
    call: Callable[[list[bytes]], Mapping[str, np.ndarray]], records: Iterable[Any], labels: list[str]
) -> dict[str, Any]:
    """Measure a served classifier.

    Args:
        call: A batch of texts (UTF-8) to `probabilities` [batch, classes].
        records: `(text, label, place)` of each text; they are read once, a few thousand at a time.
        labels: The classes, in the order of the probabilities.

    Returns:
        The figures of `figures`, and `worst`: the errors that the model was surest of.

    Raises:
        UserError: when there is no record.
    """
    number = {label: index for index, label in enumerate(labels)}
    all_probabilities, all_targets = [], []
    worst: list[tuple[float, int, dict[str, Any]]] = []
    iterator = iter(counted(records, "measuring", "texts"))
    count = 0
    while chunk := list(islice(iterator, CHUNK)):
        probabilities = predict_chunk(call, [record.text for record in chunk])
        targets = np.array([number[record.label] for record in chunk])
        chosen = probabilities.argmax(axis=1)
        for index in np.flatnonzero(chosen != targets):
            record = chunk[index]
            error = {
                "place": record.place,
                "label": record.label,
                "predicted": labels[chosen[index]],
                "probability": float(probabilities[index, chosen[index]]),
                "text": _shorten(record.text),
            }
            heapq.heappush(worst, (error["probability"], count + int(index), error))
            if len(worst) > WORST:
                heapq.heappop(worst)
        count += len(chunk)
        all_probabilities.append(probabilities)
        all_targets.append(targets)
    if not count:
        raise UserError("There is no text to evaluate on: choose another --split or other data.")
    result = figures(np.concatenate(all_probabilities), np.concatenate(all_targets), labels)
    result["worst"] = [error for _, _, error in sorted(worst, key=lambda item: (-item[0], item[1]))]
    return result


def predict_chunk(call: Callable[[list[bytes]], Mapping[str, np.ndarray]], texts: list[str]) -> np.ndarray:
    """Probabilities [texts, classes]; texts of like length share a batch, so that little is padding."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    result: np.ndarray | None = None
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        probabilities = call([encoded[row] for row in rows])["probabilities"]
        if result is None:
            result = np.zeros((len(encoded), probabilities.shape[1]), probabilities.dtype)
        result[rows] = probabilities
    assert result is not None
    return result


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def figures(probabilities: np.ndarray, targets: np.ndarray, labels: list[str]) -> dict[str, Any]:
    """How good probabilities are.

    Args:
        probabilities: [rows, classes], rows sum to 1.
        targets: The true class of each row, int [rows].
        labels: The names of the classes.

    Returns:
        `rows`, `accuracy`, `roc_auc` (of two classes; of more, the mean over classes against the rest; None when a
        class does not occur), `f1` (of two classes, that of the second; of more, the mean), `log_loss`,
        `calibration_error` (expected, over bins of equal width), `classes` (precision, recall, f1 and rows of each),
        `calibration` (the bins) and `confusion` (rows: true class, columns: predicted).
    """
    probabilities = np.asarray(probabilities, np.float64)
    count = len(labels)
    chosen = probabilities.argmax(axis=1)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (targets, chosen), 1)
    classes = _class_figures(confusion, labels)
    bins = calibration_bins(probabilities.max(axis=1), chosen == targets)
    f1 = [entry["f1"] for entry in classes.values()]
    chances = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, 1.0)
    return {
        "rows": len(targets),
        "accuracy": float((chosen == targets).mean()),
        "roc_auc": roc_auc(probabilities, targets),
        "f1": f1[1] if count == 2 else float(np.mean(f1)),
        "log_loss": float(-np.log(chances).mean()),
        "calibration_error": sum(
            entry["rows"] / len(targets) * abs(entry["accuracy"] - entry["confidence"]) for entry in bins
        ),
        "classes": classes,
        "calibration": bins,
        "confusion": confusion.tolist(),
    }


def _class_figures(confusion: np.ndarray, labels: list[str]) -> dict[str, dict[str, Any]]:
    right = np.diag(confusion).astype(float)
    true, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = right / np.maximum(predicted, 1)
    recall = right / np.maximum(true, 1)
    f1 = 2 * right / np.maximum(true + predicted, 1)
    return {
        label: {"precision": float(p), "recall": float(r), "f1": float(f), "rows": int(n)}
        for label, p, r, f, n in zip(labels, precision, recall, f1, true, strict=True)
    }


def roc_auc(probabilities: np.ndarray, targets: np.ndarray) -> float | None:
    """Area under the ROC curve; of more than two classes, the mean of each against the rest.

    None when a class does not occur, or nothing else does.
    """
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [_binary_auc(probabilities[:, index], targets == index) for index in classes]
    return None if None in areas else float(np.mean(areas))  # type: ignore[arg-type]


def _binary_auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The chance that a positive row has a greater score than a negative one; equal scores count half."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # mean rank of equal scores
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def calibration_bins(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """Mean confidence and accuracy in bins of equal width; empty bins are left out."""
    index = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for number in range(CALIBRATION_BINS):
        inside = index == number
        if inside.any():
            bins.append(
                {
                    "from": number / CALIBRATION_BINS,
                    "to": (number + 1) / CALIBRATION_BINS,
                    "rows": int(inside.sum()),
                    "confidence": float(confidence[inside].mean()),
                    "accuracy": float(right[inside].mean()),
                }
            )
    return bins


def show_figures(figures: dict[str, Any]) -> Iterator[Any]:
    """The figures as tables for people."""
    from apps.console import table

    labels = list(figures["classes"])
    names = {
        "rows": "texts",
        "accuracy": "accuracy",
        "roc_auc": "ROC-AUC",
        "f1": f"F1 ({labels[1]})" if len(labels) == 2 else "F1 (mean of classes)",
        "log_loss": "log loss",
        "calibration_error": "expected calibration error",
    }
    rows = [[name, figures[key]] for key, name in names.items() if figures[key] is not None]
    yield table("", ["figure", "value"], [[name, f"{v:.4f}" if isinstance(v, float) else f"{v:,}"] for name, v in rows])
    yield table(
        "Classes",
        ["class", "precision", "recall", "F1", "texts"],
        [[label, c["precision"], c["recall"], c["f1"], c["rows"]] for label, c in figures["classes"].items()],
    )
    yield table(
        "Confusion (rows: true class, columns: predicted)",
        ["", *labels],
        [[label, *counts] for label, counts in zip(labels, figures["confusion"], strict=True)],
    )
    yield table(
        "Calibration",
        ["confidence", "texts", "mean confidence", "accuracy"],
        [
            [f"{entry['from']:.1f} to {entry['to']:.1f}", entry["rows"], entry["confidence"], entry["accuracy"]]
            for entry in figures["calibration"]
        ],
    )
    if figures.get("worst"):
        yield table(
            "Worst errors",
            ["where", "label", "predicted", "probability", "text"],
            [
                [e["place"].rpartition("/")[2], e["label"], e["predicted"], e["probability"], e["text"]]
                for e in figures["worst"]
            ],
        )


def prediction_rows(outputs: Mapping[str, np.ndarray], labels: list[str]) -> Iterator[dict[str, Any]]:
    """For each text of a batch its `label`, the label's `probability`, and the probability of each class."""
    for label, probabilities in zip(outputs["label"], outputs["probabilities"], strict=True):
        row: dict[str, Any] = {"label": label.decode("utf-8", "replace"), "probability": float(probabilities.max())}
        row.update({f"probability_{name}": float(p) for name, p in zip(labels, probabilities, strict=True)})
        yield row

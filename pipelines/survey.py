"""The first reading of labelled texts: which rows there are, what they are like, and which split each belongs to."""

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.progress import counted
from pipelines.sources import BadRow, Record, Rows

UNUSED, TRAIN, VALIDATION = -1, 0, 1
_EXAMPLES = 10
_MOST_LABELS_SHARE = 0.5
_MEMORY_BYTES = 512 * 2**20


@dataclass
class Survey:
    """What one reading of a file (or published split) has found.

    Attributes:
        keys: For each usable row, 64 bits that equal texts share, whatever their case and spaces.
        labels: For each usable row, its label.
        bad_rows: How many rows could not be used.
        bad_examples: The first of them, "file:line: reason".
        digest: SHA-256 of all usable texts and labels in their order.
    """

    keys: np.ndarray
    labels: list[str]
    bad_rows: int = 0
    bad_examples: list[str] = field(default_factory=list)
    digest: str = ""


class RereadableRows:
    """Rows that are read several times: kept in memory when they are few, read again when they are many."""

    def __init__(self, rows: Callable[[], Rows]):
        self._rows = rows
        self._kept: list[Record | BadRow] | None = None

    def __iter__(self) -> Iterator[Record | BadRow]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Record | BadRow] | None = []
        size = 0
        for row in self._rows():
            if kept is not None:
                size += 200 + (len(row.text) if isinstance(row, Record) else 0)
                if size < _MEMORY_BYTES:
                    kept.append(row)
                else:
                    kept = None
            yield row
        self._kept = kept


def survey_rows(rows: RereadableRows, name: str, config: DataConfig, seed: int, known: frozenset[str] | None) -> Survey:
    """Reads all rows once.

    Args:
        rows: The rows.
        name: For the messages.
        config: What to do with bad rows.
        seed: Goes into the keys, so that another seed makes another split.
        known: The labels that may occur; None for any.

    Raises:
        DataError: There are no usable rows, more bad ones than good ones, or one bad one with `bad_rows: error`.
    """
    survey = Survey(np.zeros(0, np.uint64), [])
    keys: list[bytes] = []
    digest = hashlib.sha256()
    salt = str(seed).encode()[:64]
    for row in counted(rows, f"reading {name}", "texts"):
        row = check_label(row, known)
        if isinstance(row, BadRow):
            if config.bad_rows == "error":
                raise DataError(
                    f"{row.place}: {row.reason}; correct it, or pass over such rows with --data.bad_rows skip"
                )
            survey.bad_rows += 1
            if survey.bad_rows <= _EXAMPLES:
                survey.bad_examples.append(f"{row.place}: {row.reason}")
            continue
        text = encode_text(row.text)
        label = encode_text(row.label)
        digest.update(b"%d %d " % (len(text), len(label)) + text + label)
        keys.append(hashlib.blake2b(encode_text(" ".join(row.text.lower().split())), digest_size=8, key=salt).digest())
        survey.labels.append(sys.intern(row.label))  # one string a label, not one a row
    if not survey.labels:
        reason = f"; the first problem is {survey.bad_examples[0]}" if survey.bad_examples else ": it is empty"
        raise DataError(f"{name} has no usable row{reason}")
    if survey.bad_rows > len(survey.labels):
        raise DataError(
            f"{survey.bad_rows} of {survey.bad_rows + len(survey.labels)} rows of {name} cannot be used: check "
            f"encoding and columns; the first problem is {survey.bad_examples[0]}"
        )
    survey.keys = np.frombuffer(b"".join(keys), np.uint64)
    survey.digest = digest.hexdigest()
    return survey


def check_label(row: Record | BadRow, known: frozenset[str] | None) -> Record | BadRow:
    """The row; a bad one if its label is not among those known."""
    if known is None or isinstance(row, BadRow) or row.label in known:
        return row
    return BadRow(row.place, f"the label {row.label!r} is none of those in the training data")


def encode_text(text: str) -> bytes:
    """UTF-8 of any Python string: lone surrogates, as JSON can spell them, become question marks."""
    return text.encode("utf-8", "replace")


def order_labels(labels: list[str], name: str, first_bad_row: str | None = None) -> list[str]:
    """The distinct labels in their order: numbers by value, else text by characters.

    Args:
        labels: Of all usable rows.
        name: Of the source, for the message.
        first_bad_row: A row that could not be used, for the message: it may be why a label is missing.

    Raises:
        DataError: There is only one, or so many that the column can hardly hold classes.
    """
    counts = Counter(labels)
    if len(counts) < 2:
        remark = f"; a row that could not be used is {first_bad_row}" if first_bad_row else ""
        raise DataError(
            f"all rows of {name} have the label {next(iter(counts))!r}: a classifier needs two or more{remark}"
        )
    if len(labels) >= 20 and len(counts) > _MOST_LABELS_SHARE * len(labels):
        raise DataError(
            f"the labels of {name} are {len(counts)} different values in {len(labels)} rows: choose the column of "
            "classes with --data.label_column"
        )
    try:
        return sorted(counts, key=float)
    except ValueError:
        return sorted(counts)


def choose_rows(keys: np.ndarray, limit: int | None) -> np.ndarray:
    """bool [rows]: all rows, or `limit` of them in an order that only texts and seed decide."""
    chosen = np.ones(len(keys), bool)
    if limit is not None and limit < len(keys):
        chosen[np.argsort(keys, kind="stable")[limit:]] = False
    return chosen


def split_rows(keys: np.ndarray, labels: np.ndarray, chosen: np.ndarray, fraction: float) -> np.ndarray:
    """int8 [rows]: TRAIN, VALIDATION or UNUSED for each row.

    Stratified: each label gives its share. Equal texts are one group (of the label that comes first) and stay together,
    and which group goes where depends on text and seed alone, not on the order of the rows.
    """
    split = np.where(chosen, TRAIN, UNUSED).astype(np.int8)
    rows = np.flatnonzero(chosen)
    group_keys, first = np.unique(keys[rows], return_index=True)  # rising keys: a random order of the groups
    group_labels = labels[rows][first]
    held_out = []
    for label in np.unique(group_labels):
        groups = group_keys[group_labels == label]
        share = round(fraction * len(groups))
        # A rare label is still validated, if it can be trained on as well.
        held_out.append(groups[: max(share, 1) if fraction > 0 and len(groups) >= 3 else share])
    split[chosen & np.isin(keys, np.concatenate(held_out))] = VALIDATION
    return split

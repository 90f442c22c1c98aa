"""What every source hands out: a stream of records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Record(NamedTuple):
    """One labelled text, and where it stands."""

    text: str
    label: str
    place: str  # "reviews.csv:12"


class BadRow(NamedTuple):
    """A row that cannot be used, where it stands and why."""

    place: str
    reason: str


Rows = Iterator[Record | BadRow]


@dataclass(frozen=True)
class Source:
    """Labelled texts that can be read any number of times, each time in the same order.

    Attributes:
        name: What people call it: "imdb_reviews", "reviews.csv".
        train: Opens the training rows.
        test: Opens the test rows; None if there are none.
        unlabelled: Opens texts without labels; None if there are none.
        labels: All labels in their order, if the source knows them.
        licence: What is known of the terms of use.
        details: More to report, such as the version of a data set.
    """

    name: str
    train: Callable[[], Rows]
    test: Callable[[], Rows] | None = None
    unlabelled: Callable[[], Iterator[str]] | None = None
    labels: tuple[str, ...] | None = None
    licence: str | None = None
    details: dict[str, str] = field(default_factory=dict)


def label_text(value: object) -> str:
    """A label as text: 1, 1.0 and "1" are the same label, and so are true and "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def make_row(text: object, label: object, place: str) -> Record | BadRow:
    """A record, or the reason why these two values make none."""
    if text is None or not str(text).strip():
        return BadRow(place, "the text is empty")
    if label is None or not label_text(label) or label != label:  # NaN, as parquet files have it
        return BadRow(place, "the label is empty")
    if not isinstance(text, str):
        return BadRow(place, f"the text is not a string but {type(text).__name__}")
    if not isinstance(label, str | int | float):
        return BadRow(place, f"the label is neither text nor number but {type(label).__name__}")
    return Record(text, label_text(label), place)

"""What every source of parallel text hands out: a stream of pairs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.sources.records import BadRow


class Pair(NamedTuple):
    """A sentence, its translation, and where they stand."""

    source: str
    target: str
    place: str  # "train.en:12"


Pairs = Iterator[Pair | BadRow]


@dataclass(frozen=True)
class ParallelSource:
    """Pairs that can be read any number of times, each time in the same order.

    Attributes:
        name: What people call it: "ted_hrlr_translate", "train.en and train.de".
        train: Opens the training pairs.
        validation: Opens those for validation; None if there are none of their own.
        test: Opens those for the test; None if there are none of their own.
        languages: What the two languages are called; "" if that is not known.
        first_column: The side that comes first where the pairs are stored: "source" or "target".
        licence: What is known of the terms of use.
        details: More to report, such as the version of a data set.
    """

    name: str
    train: Callable[[], Pairs]
    validation: Callable[[], Pairs] | None = None
    test: Callable[[], Pairs] | None = None
    languages: tuple[str, str] = ("", "")
    first_column: str = "source"
    licence: str | None = None
    details: dict[str, str] = field(default_factory=dict)


def make_pair(source: str, target: str, place: str) -> Pair | BadRow:
    """A pair, or the reason why these two sentences make none."""
    if not source.strip():
        return BadRow(place, EMPTY_SOURCE)
    if not target.strip():
        return BadRow(place, EMPTY_TARGET)
    return Pair(source.strip(), target.strip(), place)


EMPTY_SOURCE, EMPTY_TARGET = "the sentence to translate is empty", "the translation is empty"

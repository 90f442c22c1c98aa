"""What every corpus hands out: a stream of pieces of text, of which documents are made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.sources.records import BadRow

PIECE_CHARACTERS = 2**16


class TextPiece(NamedTuple):
    """Some text of a document: never much more than 65,536 characters, so that a corpus of any size can be read."""

    text: str
    begins: bool  # whether the document begins with it
    place: str  # the document: "chapters/1.txt"


Pieces = Iterator[TextPiece | BadRow]


@dataclass(frozen=True)
class Corpus:
    """Documents that can be read any number of times, each time in the same order.

    Attributes:
        name: What people call it: "tiny_shakespeare", "letters.txt".
        pieces: Opens the text.
        licence: What is known of the terms of use.
        details: More to report, such as the version of a data set.
    """

    name: str
    pieces: Callable[[], Pieces]
    licence: str | None = None
    details: dict[str, str] = field(default_factory=dict)


def cut_document(text: str, place: str) -> Iterator[TextPiece]:
    """The pieces of a document that is in memory as a whole; it is cut after line ends, where that is possible."""
    start = 0
    while start < len(text):
        stop = start + PIECE_CHARACTERS
        if stop < len(text):
            line_end = text.rfind("\n", start, stop)
            stop = stop if line_end < 0 else line_end + 1
        yield TextPiece(text[start:stop], start == 0, place)
        start = stop

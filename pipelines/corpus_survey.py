"""The first reading of a corpus: how much text there is, what it is, and where its splits end."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from pipelines.corpus_config import CorpusConfig
from pipelines.errors import DataError
from pipelines.progress import counted
from pipelines.sources.corpus import read_corpus
from pipelines.sources.records import BadRow
from pipelines.sources.text_pieces import Corpus, TextPiece
from pipelines.survey import encode_text

SPLITS = ("train", "validation", "test")
_EXAMPLES = 10


@dataclass
class CorpusSurvey:
    """What one reading of a corpus has found.

    Attributes:
        characters: Of all documents, their marks included.
        documents: How many.
        digest: SHA-256 of the documents in their order.
        lines: How many could be decoded.
        bad_lines: How many could not.
        bad_examples: The first of them, "file:line: reason".
    """

    characters: int = 0
    documents: int = 0
    digest: str = ""
    lines: int = 0
    bad_lines: int = 0
    bad_examples: list[str] = field(default_factory=list)


class CorpusDigest:
    """SHA-256 of documents in their order, however they are cut into pieces."""

    def __init__(self):
        self._finished = hashlib.sha256()
        self._document = hashlib.sha256()

    def update(self, piece: TextPiece) -> None:
        """Takes the next piece of the corpus."""
        if piece.begins:
            self._finished.update(self._document.digest())
            self._document = hashlib.sha256()
        self._document.update(encode_text(piece.text))

    def hexdigest(self) -> str:
        """The digest of all that was taken so far."""
        whole = self._finished.copy()
        whole.update(self._document.digest())
        return whole.hexdigest()


def survey_corpus(corpus: Corpus, config: CorpusConfig) -> CorpusSurvey:
    """Reads all of a corpus once.

    Raises:
        DataError: There is no text, there are more bad lines than good ones, or there is one with `bad_lines: error`.
    """
    survey = CorpusSurvey()
    digest = CorpusDigest()
    pieces = read_corpus(corpus, config)
    for piece in counted(pieces, f"reading {corpus.name}", "characters", size=_characters):
        if isinstance(piece, BadRow):
            if config.bad_lines == "error":
                raise DataError(
                    f"{piece.place}: {piece.reason}; correct it, or pass over such lines with --data.bad_lines skip"
                )
            survey.bad_lines += 1
            if survey.bad_lines <= _EXAMPLES:
                survey.bad_examples.append(f"{piece.place}: {piece.reason}")
            continue
        digest.update(piece)
        survey.characters += len(piece.text)
        survey.documents += piece.begins
        survey.lines += piece.text.count("\n") + (not piece.text.endswith("\n"))
    if not survey.characters:
        reason = f"; the first problem is {survey.bad_examples[0]}" if survey.bad_examples else ": it is empty"
        raise DataError(f"{corpus.name} has no text{reason}")
    if survey.bad_lines > survey.lines:
        raise DataError(
            f"{survey.bad_lines} lines of {corpus.name} cannot be decoded, more than can; the first problem is "
            f"{survey.bad_examples[0]}"
        )
    survey.digest = digest.hexdigest()
    return survey


def _characters(piece: TextPiece | BadRow) -> int:
    return 0 if isinstance(piece, BadRow) else len(piece.text)


def split_ends(characters: int, config: CorpusConfig) -> tuple[int, int, int]:
    """Where the splits for training, validation and test end, in characters; the first begins at 0."""
    # As decimal fractions: 1 - 0.1 - 0.2 is 0.7 then, and not a little less.
    validation, test = Fraction(str(config.validation_fraction)), Fraction(str(config.test_fraction))
    return int(characters * (1 - validation - test)), int(characters * (1 - test)), characters


def divide(pieces: Iterable[TextPiece | BadRow], ends: tuple[int, ...]) -> Iterator[tuple[int, TextPiece]]:
    """(number of its split, piece) of each piece; those that reach over the end of a split are cut there."""
    position = split = 0
    for piece in pieces:
        if isinstance(piece, BadRow):
            continue
        while piece.text:
            while split < len(ends) - 1 and position >= ends[split]:
                split += 1
            # What has been added to a file since the survey stays in the last split, where it is noticed.
            size = len(piece.text) if split == len(ends) - 1 else min(len(piece.text), ends[split] - position)
            yield split, piece._replace(text=piece.text[:size])
            position += size
            piece = piece._replace(text=piece.text[size:], begins=False)

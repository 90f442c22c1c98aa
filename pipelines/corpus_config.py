"""Options of corpora: running text for language models. No TensorFlow is imported here, so that `--help` is quick."""

from dataclasses import dataclass
from typing import Literal

from pipelines.errors import DataError

CorpusSource = Literal["tfds", "file", "folder", "stdlib", "samples"]
FILE_SOURCES: tuple[CorpusSource, ...] = ("file", "folder")
# Below this a subword vocabulary has no room for pieces: padding, unknown and the 256 bytes come first.
SMALLEST_SUBWORD_VOCABULARY = 259


@dataclass(frozen=True)
class CorpusConfig:
    """Which text to read, and how to divide it.

    A corpus is a sequence of documents: the files of a folder, the records of a data set. Its splits are shares of its
    characters: the first are for training, the next for validation, the last for the test.

    Attributes:
        source: Where the text comes from. Left out, it is the file or folder that is given, else `tfds`; `stdlib`, the
            sources of Python's own standard library, and `samples` need neither files nor a network.
        name: Name of a data set of TensorFlow Datasets with a text feature, such as `tiny_shakespeare`.
        dir: Folder that holds prepared TensorFlow Datasets. Left out, it is TFDS_DATA_DIR, else ~/tensorflow_datasets.
        split: Splits of the data set that make the corpus, in their order, such as `train+unsupervised`. Left out,
            those of train, validation and test that it has.
        text_column: Feature of the data set that holds the text. Left out, it is the one called text or the like.
        file: A text file; .gz is read as well.
        folder: A folder of text files, with its sub-folders, in the order of their names; each is a document.
        pattern: Which files of the folder to read; with .gz after it as well.
        encoding: Encoding of text files; a byte order mark wins over it.
        fallback_encoding: Encoding, such as cp1252, for the lines that are not valid in `encoding`. Left out, they are
            bad lines.
        bad_lines: What to do with a line that cannot be decoded: `skip` it and report it, or stop with an `error`.
        line_ends: `unix`: every line ends with a line feed, as in prompts that people type. `keep`: as they are.
        document_marks: Put the character U+001C (file separator) before each document, so that a model learns where
            texts begin and end, and can begin one from nothing.
        limit: Use at most this many characters, the first ones. At least 1.
        validation_fraction: Share of the characters for validation. From 0 (none) to 1.
        test_fraction: Share of the characters for the test. From 0 (none) to 1; both together at most 1.
        cache: Folder that keeps the encoded corpus for the next time. Left out, it is a temporary one, gone at the end.
    """

    source: CorpusSource | None = None
    name: str = "tiny_shakespeare"
    dir: str | None = None
    split: str | None = None
    text_column: str | None = None
    file: str | None = None
    folder: str | None = None
    pattern: str = "*.txt"
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    bad_lines: Literal["skip", "error"] = "skip"
    line_ends: Literal["unix", "keep"] = "unix"
    document_marks: bool = False
    limit: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.0
    cache: str | None = None

    def __post_init__(self):
        for option in ("validation_fraction", "test_fraction"):
            value = getattr(self, option)
            if not 0 <= value <= 1:
                raise DataError(f"data.{option} must be from 0 to 1. Received: {value}")
        if self.validation_fraction + self.test_fraction > 1:
            raise DataError(
                "data.validation_fraction and data.test_fraction must be at most 1 together. Received: "
                f"{self.validation_fraction} and {self.test_fraction}"
            )
        _at_least("data.limit", self.limit, 1)
        given = [source for source in FILE_SOURCES if getattr(self, source) is not None]
        if len(given) > 1:
            raise DataError("--data.file and --data.folder exclude each other: leave one of them out")
        if given and self.source not in (None, given[0]):
            raise DataError(
                f"--data.{given[0]} and --data.source {self.source} exclude each other: leave one of them out"
            )
        if self.source in FILE_SOURCES and not given:
            raise DataError(f"--data.source {self.source} needs a path: --data.{self.source} PATH")

    @property
    def resolved_source(self) -> CorpusSource:
        """`source`, or what follows from the path that is given."""
        given: list[CorpusSource] = [source for source in FILE_SOURCES if getattr(self, source) is not None]
        return self.source or (given[0] if given else "tfds")


@dataclass(frozen=True)
class VocabularyConfig:
    """How running text becomes ids.

    Attributes:
        level: `character`: every character is a token. `word`: words with the space before them, punctuation marks and
            runs of white space; a word outside the vocabulary is unknown. `subword`: pieces of those; any text comes
            back exactly.
        vocabulary_size: Greatest size of the vocabulary, padding and unknown included. At least 3; for `subword` at
            least 259.
        min_count: Characters or words (for `subword`: pieces) seen less often in the training text stay out. At least
            1. Left out, it is 1 for characters, else 2.
        lowercase: Lower-case the text.
    """

    level: Literal["character", "word", "subword"] = "character"
    vocabulary_size: int = 8_000
    min_count: int | None = None
    lowercase: bool = False

    def __post_init__(self):
        smallest = SMALLEST_SUBWORD_VOCABULARY if self.level == "subword" else 3
        _at_least("text.vocabulary_size", self.vocabulary_size, smallest)
        _at_least("text.min_count", self.min_count, 1)

    @property
    def resolved_min_count(self) -> int:
        """`min_count`, or what follows from the level."""
        return self.min_count or (1 if self.level == "character" else 2)


@dataclass(frozen=True)
class WindowConfig:
    """How ids become batches.

    Attributes:
        cutting: `streams`: each row of a batch goes on where the same row of the batch before has ended, so that a
            state can be carried. `windows`: the rows are windows in random order, each to be read from an empty state.
            With both, an epoch has every token once.
        batch_size: Streams, or windows, side by side. At least 1.
        window: Tokens of a row of a batch. At least 1.
        reset: Where the state is to begin anew: at each `step` that begins a document, bool [batch, window]; or only
            with a `row`, bool [batch], which lets a state run on into a document that begins within a row, but needs
            no slower loop over time. Left out, it is `step` if a split has more than one document.
        shuffle: In each epoch other borders between streams and windows, and another order of the windows, fixed by
            seed and epoch.
        evaluation_batch_size: Streams into which validation and test are divided. Each but the first begins with the
            windows before it, which are read and not measured; 1 does without. At least 1.
        evaluation_lead: How many windows these are. At least 1.
        evaluation_window: Tokens of a row of a batch of validation and test. At least 1.
    """

    cutting: Literal["streams", "windows"] = "streams"
    batch_size: int = 64
    window: int = 64
    reset: Literal["step", "row"] | None = None
    shuffle: bool = True
    evaluation_batch_size: int = 16
    evaluation_lead: int = 1
    evaluation_window: int = 256

    def __post_init__(self):
        for option in ("batch_size", "window", "evaluation_batch_size", "evaluation_lead", "evaluation_window"):
            _at_least(f"batch.{option}", getattr(self, option), 1)


def _at_least(option: str, value: int | None, minimum: int) -> None:
    if value is not None and value < minimum:
        raise DataError(f"{option} must be at least {minimum}. Received: {value}")

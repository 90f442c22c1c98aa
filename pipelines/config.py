"""Options of the pipelines. No TensorFlow is imported here, so that `--help` is quick."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pipelines.errors import DataError

SourceName = Literal["tfds", "csv", "tsv", "jsonl", "parquet", "folder", "samples"]
FILE_SOURCES: tuple[SourceName, ...] = ("csv", "tsv", "jsonl", "parquet", "folder")


@dataclass(frozen=True)
class DataConfig:
    """Which records to read, and how to divide them.

    Attributes:
        source: Where the records come from. Left out, it is the kind of file that is given, else `tfds`; `samples`
            needs neither files nor a network.
        name: Name of a data set of TensorFlow Datasets, such as `imdb_reviews`, `glue/sst2` or `ag_news_subset`.
        dir: Folder that holds prepared TensorFlow Datasets. Left out, it is TFDS_DATA_DIR, else ~/tensorflow_datasets.
        csv: A CSV file whose first line names the columns; .gz is read as well, here and below.
        tsv: A file of tab-separated columns whose first line names them.
        jsonl: A file of one JSON object a line.
        parquet: A parquet file, or a folder of them.
        folder: A folder with one sub-folder a class and one .txt file a text, or with `train/` and `test/` of that
            form.
        test_file: The texts to test on, in the form of the training file (or folder).
        text_column: Column of the texts. Left out, it is the one called text, review, sentence, comment or the like.
        label_column: Column of the labels. Left out, it is the one called label, sentiment, class, rating or the like.
        encoding: Encoding of text files; a byte order mark wins over it.
        fallback_encoding: Encoding, such as cp1252, for the rows that are not valid in `encoding`. Left out, they are
            bad rows.
        unlabelled: Read the texts without labels as well that come with the data set, as IMDB's 50,000. Word
            vectors are learnt from them and, with a teacher, its answers.
        unlabelled_file: A file of more such texts, one a line.
        bad_rows: What to do with a row that cannot be used: `skip` it and report it, or stop with an `error`.
        limit: Use at most this many training rows and this many test rows, chosen by the seed, and the first this
            many texts without labels. At least 1.
        split_seed: Decides which rows are for which split, and which ones `limit` chooses. From 0. Left out, it is
            `training.seed`; with it, trainings that differ in their seed have the same data.
        validation_fraction: Share of the training rows kept for validation, the same for each label; equal texts stay
            together. From 0 (none) to 0.9.
    """

    source: SourceName | None = None
    name: str = "imdb_reviews"
    dir: str | None = None
    csv: str | None = None
    tsv: str | None = None
    jsonl: str | None = None
    parquet: str | None = None
    folder: str | None = None
    test_file: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    unlabelled: bool = False
    unlabelled_file: str | None = None
    bad_rows: Literal["skip", "error"] = "skip"
    limit: int | None = None
    split_seed: int | None = None
    validation_fraction: float = 0.1

    def __post_init__(self):
        if not 0 <= self.validation_fraction <= 0.9:
            raise DataError(f"data.validation_fraction must be from 0 to 0.9. Received: {self.validation_fraction}")
        _at_least("data.limit", self.limit, 1)
        _at_least("data.split_seed", self.split_seed, 0)
        given = [source for source in FILE_SOURCES if getattr(self, source) is not None]
        if len(given) > 1:
            options = " and ".join(f"--data.{source}" for source in given)
            raise DataError(f"{options} exclude each other: give one of them, and the test data as --data.test_file")
        if given and self.source not in (None, given[0]):
            raise DataError(
                f"--data.{given[0]} and --data.source {self.source} exclude each other: leave one of them out"
            )
        if self.test_file is not None and not given:
            raise DataError("--data.test_file goes with a training file, such as --data.csv")
        if self.source in FILE_SOURCES and not given:
            raise DataError(f"--data.source {self.source} needs a path: --data.{self.source} PATH")

    @property
    def resolved_source(self) -> SourceName:
        """`source`, or what follows from the path that is given."""
        given: list[SourceName] = [source for source in FILE_SOURCES if getattr(self, source) is not None]
        return self.source or (given[0] if given else "tfds")


@dataclass(frozen=True)
class TextConfig:
    """How texts become ids.

    Attributes:
        tokenizer: `word`: words and punctuation marks as they stand; a word outside the vocabulary is unknown.
            `subword`: WordPiece; rare words are spelt from pieces.
        vocabulary_size: Size of the vocabulary, padding and unknown included. At least 3.
        min_count: Words (for `subword`: pieces) seen less often in the training texts stay out. At least 1.
        lowercase: Lower-case the texts.
        max_length: Longest text in tokens, at least 1. Left out, texts keep their length.
        over_long: What to do with a longer text: keep its `head`, its `tail`, a `head_tail` of both, or `refuse` it:
            stop with an error that names its row.
        head_share: With `head_tail`: the share of `max_length` for the head. From 0 to 1.
    """

    tokenizer: Literal["word", "subword"] = "word"
    vocabulary_size: int = 24_000
    min_count: int = 2
    lowercase: bool = True
    max_length: int | None = 400
    over_long: Literal["head_tail", "head", "tail", "refuse"] = "head_tail"
    head_share: float = 0.5

    def __post_init__(self):
        _at_least("text.vocabulary_size", self.vocabulary_size, 3)
        _at_least("text.min_count", self.min_count, 1)
        _at_least("text.max_length", self.max_length, 1)
        if not 0 <= self.head_share <= 1:
            raise DataError(f"text.head_share must be from 0 to 1. Received: {self.head_share}")


@dataclass(frozen=True)
class BatchConfig:
    """How encoded texts become batches.

    Attributes:
        batch_size: Texts in a batch. At least 1.
        tokens: Padded tokens in a batch, instead of `batch_size`: short texts then come in larger batches. At least
            `text.max_length`.
        bucket_count: Training texts of like length go into one batch; into how many lengths to divide them. The
            boundaries are those that need the least padding. 1 does without buckets.
        buckets: The boundaries themselves, rising, in tokens; longer texts make one more bucket.
        static_shapes: Pad to the boundary of the bucket and not to the longest text of the batch, so that there are
            only as many shapes as buckets (XLA compiles once for each).
        drop_remainder: Leave out the last texts of an epoch if they do not fill a batch.
        shuffle: A new order in each epoch, fixed by seed and epoch; otherwise file order within each bucket.
        evaluation_batch_size: Texts in a batch of validation and test. At least 1.
    """

    batch_size: int = 50
    tokens: int | None = None
    bucket_count: int = 12
    buckets: tuple[int, ...] | None = None
    static_shapes: bool = False
    drop_remainder: bool = False
    shuffle: bool = True
    evaluation_batch_size: int = 128

    def __post_init__(self):
        _at_least("batch.batch_size", self.batch_size, 1)
        _at_least("batch.tokens", self.tokens, 1)
        _at_least("batch.bucket_count", self.bucket_count, 1)
        _at_least("batch.evaluation_batch_size", self.evaluation_batch_size, 1)
        buckets = self.buckets or ()
        if any(boundary < 1 for boundary in buckets) or any(low >= high for low, high in pairwise(buckets)):
            raise DataError(f"batch.buckets must be rising lengths of at least 1. Received: {list(buckets)}")


def _at_least(option: str, value: float | None, minimum: float) -> None:
    if value is not None and (not math.isfinite(value) or value < minimum):
        raise DataError(f"{option} must be at least {minimum}. Received: {value}")

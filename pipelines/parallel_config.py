"""Options of parallel text, for translation. No TensorFlow is imported here, so that `--help` is quick."""

import math
from dataclasses import dataclass
from typing import Literal

from pipelines.corpus_config import SMALLEST_SUBWORD_VOCABULARY
from pipelines.errors import DataError

ParallelSourceName = Literal["files", "tsv", "tfds", "samples"]
Level = Literal["subword", "word", "character"]
_SIDES = ("source_file", "target_file")


@dataclass(frozen=True)
class ParallelConfig:
    """Which pairs of sentences to read, and how to divide them.

    Attributes:
        source: Where the pairs come from. Left out, it is the kind of file that is given, else `samples`, which needs
            neither files nor a network. `tfds` is a translation set of TensorFlow Datasets.
        source_file: The sentences to translate, one a line; .gz is read as well, here and below.
        target_file: Their translations, in the same order.
        validation_source_file: Sentences for validation; its translations are `validation_target_file`.
        validation_target_file: Their translations.
        test_source_file: Sentences for the test; its translations are `test_target_file`.
        test_target_file: Their translations.
        tsv: A file of tab-separated columns, one pair a line. Its first line names the columns if `source_column` and
            `target_column` are names; otherwise it is a pair, too.
        validation_tsv: One for validation, of the same form.
        test_tsv: One for the test, of the same form.
        name: Name of a data set of TensorFlow Datasets, such as `ted_hrlr_translate/pt_to_en`.
        dir: Folder that holds prepared TensorFlow Datasets. Left out, it is TFDS_DATA_DIR, else ~/tensorflow_datasets.
        source_column: Column of the sentences to translate: its number, from 1, or its name; for `tfds` the name of a
            feature. Left out, it is the first.
        target_column: Column of the translations. Left out, it is the second.
        source_language: What the language of the sentences is called, such as `en`. Left out, it is the name of the
            feature or column, or the ending of the file (`train.en.gz`), if there is one.
        target_language: What the language of the translations is called.
        title: What reports and model cards call the data. Left out, it is what their files are called.
        licence: The terms of use of the data, for the same. Left out, it is what is known of the data set.
        encoding: Encoding of text files; a byte order mark wins over it.
        fallback_encoding: Encoding, such as cp1252, for the lines that are not valid in `encoding`. Left out, they are
            bad rows.
        bad_rows: What to do with a pair that cannot be used, such as one with an empty side: `skip` it and report it,
            or stop with an `error`.
        limit: Use at most this many of the training pairs and of each other file, chosen by the seed. At least 1.
        split_seed: Decides which pairs are for which split, and which ones `limit` chooses. From 0. Left out, it is
            `training.seed`; with it, trainings that differ in their seed have the same data.
        validation_fraction: Share of the training pairs kept for validation, if there are no pairs of its own. From 0
            (none) to 0.9.
        test_fraction: Share of the training pairs kept for the test, if there are no pairs of its own. From 0 (none)
            to 0.9; both together at most 0.9.
        split_by: Pairs that share the sentence of this side stay together, so that no sentence of it is in two splits.
            Left out, it is the side of the first column, whichever way is translated; for files it is `source`.
    """

    source: ParallelSourceName | None = None
    source_file: str | None = None
    target_file: str | None = None
    validation_source_file: str | None = None
    validation_target_file: str | None = None
    test_source_file: str | None = None
    test_target_file: str | None = None
    tsv: str | None = None
    validation_tsv: str | None = None
    test_tsv: str | None = None
    name: str = "ted_hrlr_translate/pt_to_en"
    dir: str | None = None
    source_column: str | None = None
    target_column: str | None = None
    source_language: str | None = None
    target_language: str | None = None
    title: str | None = None
    licence: str | None = None
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    bad_rows: Literal["skip", "error"] = "skip"
    limit: int | None = None
    split_seed: int | None = None
    validation_fraction: float = 0.05
    test_fraction: float = 0.05
    split_by: Literal["source", "target"] | None = None

    def __post_init__(self):
        for option in ("validation_fraction", "test_fraction"):
            value = getattr(self, option)
            if not 0 <= value <= 0.9:
                raise DataError(f"data.{option} must be from 0 to 0.9. Received: {value}")
        if self.validation_fraction + self.test_fraction > 0.9:
            raise DataError(
                "data.validation_fraction and data.test_fraction must be at most 0.9 together. Received: "
                f"{self.validation_fraction} and {self.test_fraction}"
            )
        _at_least("data.limit", self.limit, 1)
        _at_least("data.split_seed", self.split_seed, 0)
        for prefix in ("", "validation_", "test_"):
            given = [side for side in _SIDES if getattr(self, prefix + side) is not None]
            if len(given) == 1:
                missing = next(side for side in _SIDES if side not in given)
                raise DataError(f"--data.{prefix}{given[0]} needs its other side: --data.{prefix}{missing}")
            for option in (prefix + "source_file", prefix + "tsv"):
                kind = "tsv" if option.endswith("tsv") else "files"
                if getattr(self, option) is not None and kind != self.resolved_source:
                    raise DataError(
                        f"--data.{option} does not go with --data.source {self.resolved_source}: leave it out, or give "
                        f"the training pairs in the same form"
                    )
        if self.source == "files" and self.source_file is None:
            raise DataError("--data.source files needs paths: --data.source_file PATH --data.target_file PATH")
        if self.source == "tsv" and self.tsv is None:
            raise DataError("--data.source tsv needs a path: --data.tsv PATH")
        if self.source_column is not None and self.source_column == self.target_column:
            raise DataError(
                "data.source_column and data.target_column must be two columns. Received: "
                f"{self.source_column} for both"
            )

    @property
    def resolved_source(self) -> ParallelSourceName:
        """`source`, or what follows from the paths that are given."""
        if self.source is not None:
            return self.source
        return "files" if self.source_file is not None else "tsv" if self.tsv is not None else "samples"


@dataclass(frozen=True)
class PairTextConfig:
    """How pairs of sentences become ids.

    Attributes:
        level: `subword`: pieces of words; any sentence comes back exactly but for its white space. `character`: every
            character is a token. `word`: words, numbers and marks; one outside the vocabulary is unknown.
        target_level: The level of the translations. Left out, it is `level`.
        joint: One vocabulary for both languages, which lets them share embeddings; for two of one script.
        vocabulary_size: Greatest size of the vocabulary, or of that of the sentences to translate. At least 5; for
            `subword` at least 259.
        target_vocabulary_size: Greatest size of the vocabulary of the translations, if there are two. Left out, it is
            `vocabulary_size`.
        min_count: What is seen less often in the training pairs stays out of a vocabulary. At least 1. Left out, it is
            1 for characters, else 2.
        lowercase: Lower-case both sides.
        max_length: Longest sentence in tokens, its end included. A longer training pair is left out, a longer sentence
            of validation or test is cut. At least 2; left out, there is no limit.
        max_ratio: Training pairs whose longer side has more than this many times the tokens of the shorter one are
            left out, for they are hardly translations. Above 1; left out, all are kept.
        subword_dropout: Probability that the spelling of a training sentence passes over a piece that fits and takes a
            shorter one, anew in each epoch (MaxMatch-Dropout). From 0 to below 1; about 0.1 helps small data.
        full_stop_dropout: Probability that a training pair loses the full stops at its ends, anew in each epoch, so
            that sentences which are typed without one are known as well. From 0 to below 1.
    """

    level: Level = "subword"
    target_level: Level | None = None
    joint: bool = True
    vocabulary_size: int = 8_000
    target_vocabulary_size: int | None = None
    min_count: int | None = None
    lowercase: bool = False
    max_length: int | None = 100
    max_ratio: float | None = 4.0
    subword_dropout: float = 0.0
    full_stop_dropout: float = 0.0

    def __post_init__(self):
        for option, level in (("vocabulary_size", self.level), ("target_vocabulary_size", self.resolved_target_level)):
            _at_least(f"text.{option}", getattr(self, option), SMALLEST_SUBWORD_VOCABULARY if level == "subword" else 5)
        _at_least("text.min_count", self.min_count, 1)
        _at_least("text.max_length", self.max_length, 2)
        if self.max_ratio is not None and not self.max_ratio > 1:
            raise DataError(f"text.max_ratio must be above 1. Received: {self.max_ratio}")
        for option in ("subword_dropout", "full_stop_dropout"):
            if not 0 <= getattr(self, option) < 1:
                raise DataError(f"text.{option} must be from 0 to below 1. Received: {getattr(self, option)}")
        if self.subword_dropout and "subword" not in (self.level, self.resolved_target_level):
            raise DataError("text.subword_dropout needs subwords: set --text.level subword")
        if self.joint and (self.resolved_target_level != self.level or self.target_vocabulary_size is not None):
            raise DataError(
                "text.joint is one vocabulary: leave out text.target_level and text.target_vocabulary_size, or set "
                "--text.joint false"
            )

    @property
    def resolved_target_level(self) -> Level:
        """`target_level`, or what follows from `level`."""
        return self.target_level or self.level

    def resolved_min_count(self, level: Level) -> int:
        """`min_count`, or what follows from a level."""
        return self.min_count or (1 if level == "character" else 2)


@dataclass(frozen=True)
class PairBatchConfig:
    """How encoded pairs become batches.

    Attributes:
        tokens: Padded tokens of a batch on its longer side, at most: short pairs come in larger batches. At least 1.
            Left out, each batch has `batch_size` pairs.
        batch_size: Pairs in a batch, if `tokens` is left out. At least 1.
        bucket_count: Pairs whose two lengths are alike go into one batch; into how many lengths to divide those of each
            side. The boundaries are those that need the least padding. 1 does without buckets.
        static_shapes: Pad both sides to the boundaries of the bucket and not to the longest sentences of the batch, so
            that there are few shapes (XLA compiles once for each).
        drop_remainder: Leave out the last pairs of an epoch if they do not fill a batch.
        shuffle: A new order in each epoch, fixed by seed and epoch; otherwise file order within each bucket.
        evaluation_batch_size: Pairs in a batch of validation and test. At least 1.
    """

    tokens: int | None = 2_048
    batch_size: int = 64
    bucket_count: int = 10
    static_shapes: bool = False
    drop_remainder: bool = False
    shuffle: bool = True
    evaluation_batch_size: int = 64

    def __post_init__(self):
        for option in ("tokens", "batch_size", "bucket_count", "evaluation_batch_size"):
            _at_least(f"batch.{option}", getattr(self, option), 1)


def _at_least(option: str, value: float | None, minimum: float) -> None:
    if value is not None and (not math.isfinite(value) or value < minimum):
        raise DataError(f"{option} must be at least {minimum}. Received: {value}")

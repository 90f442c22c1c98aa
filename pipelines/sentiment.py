"""Labelled texts to batches: everything between files and a classifier."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.batching import BatchReader, EncodedTexts, find_boundaries, padding_share, plan_epoch, plan_in_order
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.encoding import EncodedSplit, encode_split, learn_tokenizer
from pipelines.errors import DataError
from pipelines.sources import Record, open_source
from pipelines.sources.unlabelled import unlabelled_texts
from pipelines.survey import (
    TRAIN,
    VALIDATION,
    RereadableRows,
    Survey,
    check_label,
    choose_rows,
    order_labels,
    split_rows,
    survey_rows,
)
from pipelines.teaching import Teacher, taught_texts
from pipelines.text import Tokenizer

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class _Split:
    """One split: its rows (which of a file's, by number) and their encoded texts."""

    rows: RereadableRows
    chosen: np.ndarray
    encoded: EncodedSplit
    reader: BatchReader


class SentimentData:
    """Batches of labelled texts, with the tokenizer and labels that a model needs. Made by `load_sentiment`.

    Attributes:
        tokenizer: Strings to ids, learnt on the training texts alone.
        labels: The name of each class id.
        report: What was read and what was done to it, as JSON has it.
        boundaries: The length buckets.
        unlabelled: Encoded texts without labels, if they were asked for and there are training data; else None.
        taught: With a teacher, the training texts and after them these with its answers; else None.
    """

    def __init__(
        self,
        splits: dict[str, _Split],
        tokenizer: Tokenizer,
        labels: list[str],
        batch: BatchConfig,
        boundaries: tuple[int, ...],
        seed: int,
        report: dict[str, Any],
        unlabelled: EncodedTexts | None = None,
        taught: EncodedTexts | None = None,
    ):
        self.tokenizer = tokenizer
        self.labels = labels
        self.report = report
        self.boundaries = boundaries
        self.unlabelled = unlabelled
        self.taught = taught
        self._splits = splits
        self._batch = batch
        self._seed = seed

    def train(self, epoch: int) -> tf.data.Dataset:
        """Batches of one epoch: (ids int32 [batch, time], labels int32 [batch]); 0 is padding.

        With a teacher, labels are probabilities, float32 [batch, labels]. The same seed and epoch give the same
        batches, in any process; `.skip(n)` continues after n of them.

        Args:
            epoch: From 0.
        """
        return self._reader.dataset(self._plan(epoch))

    @cached_property
    def _reader(self) -> BatchReader:
        return self._split("train").reader if self.taught is None else BatchReader(self.taught)

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch of training, the same for each."""
        return len(self._plan(0))

    @property
    def validation(self) -> tf.data.Dataset | None:
        """Batches of the validation split in file order, or None if there are no rows in it."""
        return self._in_order("validation")

    @property
    def test(self) -> tf.data.Dataset | None:
        """Batches of the test split in file order, or None if there is none."""
        return self._in_order("test")

    def texts(self, split: str) -> EncodedTexts:
        """The encoded texts of a split, in file order: ids, offsets and labels as arrays."""
        return self._split(split).encoded.texts

    def records(self, split: str) -> Iterator[Record]:
        """The texts of a split as they were read, in the order of `validation`, `test` and `texts`."""
        return _chosen_records(self._split(split).rows, self._split(split).chosen, frozenset(self.labels))

    def _plan(self, epoch: int):
        lengths = (self.taught or self.texts("train")).lengths
        return plan_epoch(lengths, self.boundaries, self._batch, self._seed, epoch)

    def _in_order(self, name: str) -> tf.data.Dataset | None:
        if name not in self._splits:
            return None
        split = self._splits[name]
        return split.reader.dataset(plan_in_order(split.encoded.texts.lengths, self.boundaries, self._batch))

    def _split(self, name: str) -> _Split:
        if name not in self._splits:
            there = ", ".join(self._splits) or "none"
            raise DataError(
                f"there are no {name} data (only: {there}); give a file with --data.test_file for test data"
            )
        return self._splits[name]


def load_sentiment(
    data: DataConfig,
    text: TextConfig,
    batch: BatchConfig,
    seed: int,
    tokenizer: Tokenizer | None = None,
    labels: Sequence[str] | None = None,
    splits: Sequence[str] = SPLITS,
    teacher: Teacher | None = None,
) -> SentimentData:
    """Reads labelled texts, divides them into splits, learns a vocabulary and encodes the texts.

    Args:
        data: Which records.
        text: How texts become ids.
        batch: How encoded texts become batches.
        seed: Decides the order of training, and the validation split if `data.split_seed` does not.
        tokenizer: One that exists already, of a trained model; nothing is learnt then.
        labels: The labels of a trained model, in their order; rows with others are bad rows.
        splits: Those that are wanted. With `tokenizer` and `labels`, the training file is not read for "test" alone.
        teacher: Answers for the texts without labels, which training is on as well then.

    Raises:
        DataError: The data cannot be used as they are. The message says what to change.
    """
    source = open_source(data)
    split_seed = seed if data.split_seed is None else data.split_seed
    known = None if labels is None else frozenset(labels)
    only_test = set(splits) == {"test"} and tokenizer is not None and labels is not None
    if only_test and source.test is None:
        raise DataError(f"{source.name} has no test data: give a file with --data.test_file")
    surveys: dict[str, Survey] = {}
    chosen: dict[str, tuple[RereadableRows, np.ndarray]] = {}

    if not only_test:
        rows = RereadableRows(source.train)
        surveys["train"] = survey = survey_rows(rows, source.name, data, split_seed, known)
        found = order_labels(survey.labels, source.name, next(iter(survey.bad_examples), None))
        labels = list(labels or source.labels or found)
        known = frozenset(labels)
        label_ids = _ids(survey.labels, labels)
        split = split_rows(survey.keys, label_ids, choose_rows(survey.keys, data.limit), data.validation_fraction)
        chosen["train"] = rows, split == TRAIN
        chosen["validation"] = rows, split == VALIDATION
        if len(set(label_ids[split == TRAIN].tolist())) < 2:
            raise DataError(f"fewer than two labels are left to train on ({source.name}): use more rows (--data.limit)")
    assert labels is not None
    answers = None if teacher is None else teacher(labels)
    if source.test is not None and "test" in splits:
        rows = RereadableRows(source.test)
        surveys["test"] = survey_rows(rows, f"the test data of {source.name}", data, split_seed, known)
        chosen["test"] = rows, choose_rows(surveys["test"].keys, data.limit)

    if tokenizer is None:
        training_rows, training_mask = chosen["train"]
        known = frozenset(labels)
        training_texts = (record.text for record in _chosen_records(training_rows, training_mask, known))
        tokenizer = learn_tokenizer(training_texts, text)

    label_id = {label: number for number, label in enumerate(labels)}
    encoded: dict[str, _Split] = {}
    for name in SPLITS:
        if name in splits and name in chosen and chosen[name][1].any():
            rows, mask = chosen[name]
            records = _chosen_records(rows, mask, frozenset(labels))
            numbered = ((record.text, label_id[record.label], record.place) for record in records)
            result = encode_split(numbered, tokenizer, text)
            encoded[name] = _Split(rows, mask, result, BatchReader(result.texts))

    unlabelled = taught = None
    open_unlabelled = unlabelled_texts(source, data) if "train" in encoded else None
    if open_unlabelled is not None:
        numbered = ((text, -1, "") for text in open_unlabelled())
        unlabelled = encode_split(numbered, tokenizer, replace(text, over_long="head_tail")).texts
        if answers is not None:
            labelled = encoded["train"].encoded.texts
            taught = taught_texts(labelled, unlabelled, open_unlabelled(), len(labels), answers)

    basis = encoded.get("train") or next(iter(encoded.values()))
    boundaries = batch.buckets or find_boundaries(basis.encoded.texts.lengths, batch.bucket_count)
    result_data = SentimentData(
        encoded, tokenizer, list(labels), batch, tuple(boundaries), seed, {}, unlabelled, taught
    )
    result_data.report.update(
        {"source": source.name, "licence": source.licence, **source.details},
        **_report_rows(surveys, chosen, unlabelled if data.unlabelled_file else None),
        **_report_texts(encoded, list(labels)),
        vocabulary_size=len(tokenizer.vocabulary),
        buckets=list(boundaries),
    )
    if unlabelled is not None:
        result_data.report["unlabelled_texts"] = len(unlabelled)
    if "train" in encoded:
        lengths = (taught or encoded["train"].encoded.texts).lengths
        result_data.report["padding_share"] = round(padding_share(result_data._plan(0), lengths), 4)
    return result_data


def _chosen_records(rows: RereadableRows, chosen: np.ndarray, known: frozenset[str]) -> Iterator[Record]:
    """The usable rows that `chosen` (bool [usable rows]) marks."""
    number = 0
    for row in rows:
        row = check_label(row, known)
        if not isinstance(row, Record):
            continue
        if number >= len(chosen):
            raise DataError(f"{row.place}: the file has grown while it was read: start again")
        if chosen[number]:
            yield row
        number += 1
    if number < len(chosen):
        raise DataError("a data file has become shorter while it was read: start again")


def _ids(names: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    number = {label: index for index, label in enumerate(labels)}
    return np.array([number[name] for name in names], np.int32)


def _report_rows(
    surveys: dict[str, Survey],
    chosen: dict[str, tuple[RereadableRows, np.ndarray]],
    unlabelled: EncodedTexts | None,
) -> dict[str, Any]:
    digests = {name: survey.digest for name, survey in surveys.items()}
    if unlabelled is not None:
        digests["unlabelled"] = hashlib.sha256(unlabelled.ids.tobytes() + unlabelled.offsets.tobytes()).hexdigest()
    report: dict[str, Any] = {
        "rows": {name: len(survey.labels) + survey.bad_rows for name, survey in surveys.items()},
        "bad_rows": sum(survey.bad_rows for survey in surveys.values()),
        "bad_row_examples": [example for survey in surveys.values() for example in survey.bad_examples],
        "splits": {name: int(mask.sum()) for name, (_, mask) in chosen.items()},
        "digests": digests,
        "digest": hashlib.sha256("".join(digests.values()).encode()).hexdigest(),
    }
    if "train" in surveys:
        keys = surveys["train"].keys
        report["repeated_texts"] = int(len(keys) - len(np.unique(keys)))
        if "test" in surveys:
            report["test_texts_in_train"] = int(np.isin(surveys["test"].keys, keys).sum())
    return report


def _report_texts(encoded: dict[str, _Split], labels: list[str]) -> dict[str, Any]:
    def counts(split: _Split) -> dict[str, int]:
        by_id = Counter(split.encoded.texts.labels.tolist())
        return {label: by_id[number] for number, label in enumerate(labels)}

    return {
        "cut_texts": {name: split.encoded.cut for name, split in encoded.items()},
        "longest_text": {name: split.encoded.longest for name, split in encoded.items()},
        "tokens": {name: len(split.encoded.texts.ids) for name, split in encoded.items()},
        "unknown_share": {name: round(split.encoded.unknown, 4) for name, split in encoded.items()},
        "labels": {name: counts(split) for name, split in encoded.items()},
    }

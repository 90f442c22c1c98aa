"""Parallel text to batches: everything between files and a translator."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.full_stops import without_full_stops
from pipelines.pair_batching import PairBatch, PairPlanner, PairReader, fit_count, pair_padding_share
from pipelines.pair_encoding import EncodedSide, Sides, encode_pairs, learn_language_pair
from pipelines.pair_report import notes, report_rows, report_sentences
from pipelines.pair_survey import TEST, TRAIN, VALIDATION, PairSurvey, sentence_keys, split_pairs, survey_pairs
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.sources.pairs import Pair, ParallelSource
from pipelines.sources.parallel import open_parallel
from pipelines.subword_sampling import SubwordSampler
from pipelines.survey import choose_rows
from pipelines.text import SpacedSubwordTokenizer
from pipelines.text.language_pair import LanguagePair

SPLITS = ("train", "validation", "test")
_NUMBERS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
# Random spellings make some epochs longer than the first: it is easier to halve batches than to put some together.
_SPARE_STEPS = 1.01


@dataclass(frozen=True)
class PairSplit:
    """One split: its pairs, and both of their sides encoded."""

    pairs: list[Pair]
    source: EncodedSide
    target: EncodedSide


class TranslationData:
    """Batches of pairs of sentences, with the tokenizers that a model needs. Made by `load_translation`.

    All batches are `((source, target_inputs), targets, weights)`, as `PairReader.dataset` describes them.

    Attributes:
        tokenizer: Strings to ids for both languages, learnt on the training pairs alone.
        labels: Empty: there are no classes.
        languages: What the two languages are called; "" if that is not known.
        report: What was read and what was done to it, as JSON has it; `notes` and `warnings` are lines for people.
    """

    def __init__(
        self,
        splits: dict[str, PairSplit],
        tokenizer: LanguagePair,
        languages: tuple[str, str],
        text: PairTextConfig,
        batch: PairBatchConfig,
        seed: int,
        report: dict[str, Any],
    ):
        self.tokenizer = tokenizer
        self.labels: list[str] = []
        self.languages = languages
        self.report = report
        self._splits = splits
        self._text = text
        self._batch = batch
        self._seed = seed

    def train(self, epoch: int) -> tf.data.Dataset:
        """Batches of one epoch.

        The same seed and epoch give the same batches, in any process; `.skip(n)` continues after n of them. With
        `subword_dropout` the sentences are spelt anew in each epoch, and with `full_stop_dropout` others go without.

        Args:
            epoch: From 0.
        """
        sides = self.training_sides(epoch)
        batches = self._plan(sides, epoch)
        if self._random_lengths:  # and with them the number of batches would be another in each epoch
            batches = fit_count(batches, self.steps_per_epoch)
        return PairReader(*sides, self._batch.static_shapes).dataset(batches)

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch of training, the same for each."""
        steps = len(self._plan(self.training_sides(0), 0))
        return math.ceil(_SPARE_STEPS * steps) if self._random_lengths else steps

    @property
    def _random_lengths(self) -> bool:
        return any(self._samplers) or self._text.full_stop_dropout > 0

    @property
    def validation(self) -> tf.data.Dataset | None:
        """Batches of the validation split in file order, or None if there are no pairs in it."""
        return self._in_order("validation")

    @property
    def test(self) -> tf.data.Dataset | None:
        """Batches of the test split in file order, or None if there is none."""
        return self._in_order("test")

    def records(self, split: str) -> list[Pair]:
        """The pairs of a split as they were read, in the order of `validation`, `test` and `encoded`."""
        return self._split(split).pairs

    def encoded(self, split: str) -> Sides:
        """The ids of both sides of a split, in file order, spelt as a served model does."""
        return self._split(split).source, self._split(split).target

    def training_sides(self, epoch: int) -> Sides:
        """The ids of both sides of the training pairs, in file order, as they are spelt in an epoch."""
        split = self._split("train")
        sides = []
        for number, plain in enumerate((split.source, split.target)):
            sampler = self._samplers[number]
            # A seed of its own: the order of the epoch does not depend on whether sentences are spelt anew.
            random = np.random.default_rng([self._seed % 2**63, epoch, 1 + number])
            sides.append(plain if sampler is None else sampler.sample(random))
        if self._text.full_stop_dropout:
            random = np.random.default_rng([self._seed % 2**63, epoch, 3])
            vocabularies = self.tokenizer.source.vocabulary, self.tokenizer.target.vocabulary
            return without_full_stops((sides[0], sides[1]), vocabularies, self._text.full_stop_dropout, random)
        return sides[0], sides[1]

    @cached_property
    def _samplers(self) -> list[SubwordSampler | None]:
        """For each side what spells it anew; None where nothing does."""
        dropout, pairs = self._text.subword_dropout, self._split("train").pairs
        samplers: list[SubwordSampler | None] = []
        for side in ("source", "target"):
            tokenizer = getattr(self.tokenizer, side)
            if dropout and isinstance(tokenizer.tokenizer, SpacedSubwordTokenizer):
                samplers.append(SubwordSampler([getattr(pair, side) for pair in pairs], tokenizer, dropout))
            else:
                samplers.append(None)
        return samplers

    @cached_property
    def boundaries(self) -> tuple[tuple[int, ...], ...]:
        """The length buckets of both sides, the same in each epoch."""
        source, target = self.training_sides(0)
        return PairPlanner(source.lengths, target.lengths, self._batch).boundaries

    def _plan(self, sides: Sides, epoch: int) -> list[PairBatch]:
        planner = PairPlanner(sides[0].lengths, sides[1].lengths, self._batch, self.boundaries)
        return planner.epoch(self._seed, epoch)

    def _in_order(self, name: str) -> tf.data.Dataset | None:
        if name not in self._splits:
            return None
        source, target = self.encoded(name)
        batches = PairPlanner(source.lengths, target.lengths, self._batch).in_order()
        return PairReader(source, target, self._batch.static_shapes).dataset(batches)

    def _split(self, name: str) -> PairSplit:
        if name not in self._splits:
            there = ", ".join(self._splits) or "none"
            raise DataError(
                f"there are no {name} pairs (only: {there}); give files of them, or set --data.{name}_fraction"
            )
        return self._splits[name]


def load_translation(
    data: ParallelConfig,
    text: PairTextConfig,
    batch: PairBatchConfig,
    seed: int,
    tokenizer: LanguagePair | None = None,
    splits: Sequence[str] = SPLITS,
) -> TranslationData:
    """Reads parallel text, divides it into splits, learns vocabularies and encodes the sentences.

    Args:
        data: Which pairs.
        text: How sentences become ids.
        batch: How encoded pairs become batches.
        seed: Decides the order of training, and the splits if `data.split_seed` does not.
        tokenizer: One that exists already, of a trained model; nothing is learnt then.
        splits: Those that are wanted. With `tokenizer`, files of which none is wanted are not read.

    Raises:
        DataError: The data cannot be used as they are. The message says what to change.
    """
    if tokenizer is not None and not isinstance(tokenizer, LanguagePair):
        raise DataError("the vocabulary is not that of a translation: give that of a translation run")
    source = open_parallel(data)
    split_seed = seed if data.split_seed is None else data.split_seed
    surveys, pairs = _divide(source, data, split_seed, splits, learn=tokenizer is None)
    if tokenizer is None:
        if not pairs["train"]:
            raise DataError(
                f"no training pairs are left of {source.name}: give more, or lower --data.validation_fraction and "
                "--data.test_fraction"
            )
        tokenizer = learn_language_pair(pairs["train"], text)
    report: dict[str, Any] = {"source": source.name, "licence": source.licence, **source.details}
    report |= {"languages": list(source.languages), **report_rows(surveys, pairs, seed)}
    pairs = {name: pairs[name] for name in SPLITS if name in splits and pairs.get(name)}
    sides_of = encode_pairs(pairs, tokenizer)
    report |= report_sentences(sides_of, tokenizer)
    encoded = {name: PairSplit(pairs[name], *sides) for name, sides in sides_of.items()}
    if "train" in encoded:
        encoded["train"], report["left_out"] = _filter(encoded["train"], text)
    for name in ("validation", "test"):
        if name in encoded:
            encoded[name] = _cut(encoded[name], text.max_length)
    result = TranslationData(encoded, tokenizer, source.languages, text, batch, seed, report)
    report["splits"] = {name: len(split.pairs) for name, split in encoded.items()}
    report["notes"] = list(notes(report))
    if "train" in encoded:
        report["buckets"] = {"source": list(result.boundaries[0]), "target": list(result.boundaries[1])}
        sides = result.training_sides(0)
        report["padding_share"] = round(pair_padding_share(result._plan(sides, 0), *sides), 4)
    return result


def _divide(
    source: ParallelSource, data: ParallelConfig, seed: int, splits: Sequence[str], learn: bool
) -> tuple[dict[str, PairSurvey], dict[str, list[Pair]]]:
    """Reads what is wanted. -> what was found by file (or published split), and the pairs by split."""
    surveys: dict[str, PairSurvey] = {}
    pairs: dict[str, list[Pair]] = {}
    own = {name: opened for name in ("validation", "test") if (opened := getattr(source, name)) is not None}
    if learn or any(name not in own for name in splits):
        surveys["train"] = survey = survey_pairs(source.train(), source.name, data)
        side = data.split_by or source.first_column
        keys = sentence_keys([getattr(pair, side) for pair in survey.pairs], seed)
        fractions = [0.0 if name in own else getattr(data, f"{name}_fraction") for name in ("validation", "test")]
        split = split_pairs(keys, choose_rows(keys, data.limit), *fractions)
        for name, number in _NUMBERS.items():
            pairs[name] = [survey.pairs[row] for row in np.flatnonzero(split == number)]
    for name, opened in own.items():
        if name in splits:
            surveys[name] = survey = survey_pairs(opened(), f"the {name} data of {source.name}", data)
            keys = sentence_keys([pair.source for pair in survey.pairs], seed)
            pairs[name] = [survey.pairs[row] for row in np.flatnonzero(choose_rows(keys, data.limit))]
    return surveys, pairs


def _cut(split: PairSplit, max_length: int | None) -> PairSplit:
    return PairSplit(split.pairs, split.source.cut(max_length), split.target.cut(max_length))


def _filter(split: PairSplit, text: PairTextConfig) -> tuple[PairSplit, dict[str, int]]:
    """The training pairs without those that are too long or too unlike in length, and how many these were."""
    lengths = np.stack([split.source.lengths, split.target.lengths])
    shorter, longer = lengths.min(axis=0), lengths.max(axis=0)
    too_long = longer > (text.max_length or np.inf)
    unlike = ~too_long & (longer > (text.max_ratio or np.inf) * shorter)
    kept = ~too_long & ~unlike
    counts = {"too_long": int(too_long.sum()), "unlike_lengths": int(unlike.sum())}
    if not kept.any():
        raise DataError(
            f"all training pairs are left out, {counts['too_long']} as too long and {counts['unlike_lengths']} for "
            "their unlike lengths: raise --text.max_length and --text.max_ratio"
        )
    if kept.all():
        return split, counts
    pairs = [pair for pair, keep in zip(split.pairs, kept.tolist(), strict=True) if keep]
    return PairSplit(pairs, split.source.choose(kept), split.target.choose(kept)), counts

"""Running text to batches: everything between files and a language model."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import tensorflow as tf

from pipelines.corpus_config import CorpusConfig, VocabularyConfig, WindowConfig
from pipelines.corpus_survey import SPLITS, CorpusSurvey, divide, split_ends, survey_corpus
from pipelines.corpus_vocabulary import learn_text_tokenizer
from pipelines.encoded_corpus import EncodedCorpus, EncodedText, encode_corpus
from pipelines.errors import DataError
from pipelines.sources.corpus import open_corpus, read_corpus
from pipelines.sources.text_pieces import Corpus, TextPiece
from pipelines.streams import Cutting, Streams, Windows, shuffled_streams, shuffled_windows, stream_dataset
from pipelines.text import Tokenizer


class TextData:
    """Batches of running text, with the tokenizer that a model needs. Made by `load_text_generation`.

    All batches are `((ids, reset), targets, weights)`, as `stream_dataset` describes them. Their shapes are always the
    same; the weights say what counts, so that a mean over tokens is `sum(weights * losses) / sum(weights)`.

    Attributes:
        tokenizer: Strings to ids, learnt on the training text alone.
        report: What was read and what was done to it, as JSON has it.
        resets_steps: Whether `reset` is given for each step, or for each row.
    """

    def __init__(
        self, corpus: EncodedCorpus, tokenizer: Tokenizer, batch: WindowConfig, seed: int, pieces, report: dict
    ):
        self.tokenizer = tokenizer
        self.report = report
        documents = max(len(text.starts) for text in corpus.splits.values())
        self.resets_steps = documents > 1 if batch.reset is None else batch.reset == "step"
        self._corpus = corpus
        self._batch = batch
        self._seed = seed
        self._pieces = pieces

    def train(self, epoch: int) -> tf.data.Dataset:
        """Batches of one epoch, cut as the options say; every token is in one of them.

        The same seed and epoch give the same batches, in any process; `.skip(n)` continues after n of them.

        Args:
            epoch: From 0.
        """
        text = self._text("train")
        if text.pairs < self._batch.window:
            raise DataError(
                f"the training text has {len(text.ids)} tokens, too few for a window of {self._batch.window}: give "
                "more text, or lower --batch.window"
            )
        return self._dataset(text, self._cutting(epoch if self._batch.shuffle else None))

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch of training, the same for each."""
        return self._cutting(None).steps

    @property
    def validation(self) -> tf.data.Dataset | None:
        """The validation text as contiguous streams, for a state that is carried; None if there is none.

        The first `evaluation_lead` batches only lead to the streams, unless there is one stream: all their weights
        are 0.
        """
        return self._in_order("validation")

    @property
    def test(self) -> tf.data.Dataset | None:
        """The test text in the form of `validation`; None if there is none."""
        return self._in_order("test")

    def windows(self, split: str, window: int = 256, batch_size: int | None = None) -> tf.data.Dataset:
        """The text of a split as windows one after the other, each to be read from an empty state.

        This is how models without a state are measured; nanoGPT's figures on tiny Shakespeare are of windows of 256.

        Args:
            split: "train", "validation" or "test".
            window: Tokens of a window.
            batch_size: Windows in a batch. Left out, it is `evaluation_batch_size`.
        """
        text = self._text(split)
        return self._dataset(text, Windows(text.pairs, batch_size or self._batch.evaluation_batch_size, window))

    def text(self, split: str) -> EncodedText:
        """The ids of a split, and where its documents begin."""
        return self._text(split)

    def pieces(self, split: str) -> Iterator[TextPiece]:
        """The text of a split as it was read, piece by piece."""
        number = SPLITS.index(split)
        return (piece for of_split, piece in self._pieces() if of_split == number)

    def bits_per_character(self, nats_per_token: float, split: str) -> float:
        """What a mean loss in nats per token of a split is in bits per character."""
        text = self._text(split)
        return nats_per_token / math.log(2) * len(text.ids) / text.characters

    def _cutting(self, epoch: int | None) -> Cutting:
        """How the training text is cut in an epoch; None for the order of the text."""
        size = self._text("train").pairs, self._batch.batch_size, self._batch.window
        streams = self._batch.cutting == "streams"
        if epoch is None:
            return Streams(*size) if streams else Windows(*size)
        shuffled = shuffled_streams if streams else shuffled_windows
        return shuffled(*size, self._seed, epoch)

    def _in_order(self, split: str) -> tf.data.Dataset | None:
        text = self._corpus.splits[split]
        if not text.pairs:
            return None
        size = self._batch.evaluation_batch_size
        lead = self._batch.evaluation_lead if size > 1 else 0
        return self._dataset(text, Streams(text.pairs, size, self._batch.evaluation_window, lead=lead))

    def _dataset(self, text: EncodedText, cutting: Cutting) -> tf.data.Dataset:
        return stream_dataset(text, cutting, self.resets_steps)

    def _text(self, split: str) -> EncodedText:
        text = self._corpus.splits.get(split)
        if text is None or not text.pairs:
            there = ", ".join(name for name, other in self._corpus.splits.items() if other.pairs) or "none"
            raise DataError(
                f"there is no {split} text (only: {there}): set --data.validation_fraction and --data.test_fraction"
            )
        return text


def load_text_generation(
    data: CorpusConfig,
    text: VocabularyConfig,
    batch: WindowConfig,
    seed: int,
    tokenizer: Tokenizer | None = None,
) -> TextData:
    """Reads a corpus, divides it into splits, learns a vocabulary and encodes the text.

    Args:
        data: Which text, and its splits.
        text: How text becomes ids.
        batch: How ids become batches.
        seed: Decides the order of training.
        tokenizer: One that exists already, of a trained model; nothing is learnt then.

    Raises:
        DataError: The text cannot be used as it is. The message says what to change.
    """
    corpus = open_corpus(data)
    survey = survey_corpus(corpus, data)
    ends = split_ends(survey.characters, data)

    def pieces() -> Iterator[tuple[int, TextPiece]]:
        return divide(read_corpus(corpus, data), ends)

    if tokenizer is None:
        if not ends[0]:
            raise DataError(
                f"no training text is left of the {survey.characters} characters of {corpus.name}: give more, or "
                "lower --data.validation_fraction and --data.test_fraction"
            )
        tokenizer = learn_text_tokenizer((piece.text for split, piece in pieces() if split == 0), text)
    encoded = encode_corpus(pieces(), tokenizer, survey.digest, ends, data.cache)
    for split, fraction in (("validation", data.validation_fraction), ("test", data.test_fraction)):
        if fraction and not encoded.splits[split].pairs:
            raise DataError(
                f"{corpus.name} is too short: its {survey.characters} characters leave no {split} text: give more, or "
                f"set --data.{split}_fraction 0"
            )
    return TextData(encoded, tokenizer, batch, seed, pieces, _report(corpus, survey, encoded, tokenizer))


def _report(corpus: Corpus, survey: CorpusSurvey, encoded: EncodedCorpus, tokenizer: Tokenizer) -> dict[str, Any]:
    splits = {name: text for name, text in encoded.splits.items() if len(text.ids)}

    def each(value) -> dict[str, Any]:
        return {name: value(text) for name, text in splits.items()}

    return {
        "source": corpus.name,
        "licence": corpus.licence,
        **corpus.details,
        "documents": survey.documents,
        "bad_lines": survey.bad_lines,
        "bad_line_examples": survey.bad_examples,
        "digest": survey.digest,
        "characters": each(lambda text: text.characters),
        "tokens": each(lambda text: len(text.ids)),
        "characters_per_token": each(lambda text: round(text.characters / len(text.ids), 4)),
        "unknown_share": each(lambda text: round(text.unknown / len(text.ids), 6)),
        "vocabulary_size": len(tokenizer.vocabulary),
    }

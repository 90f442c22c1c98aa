"""From texts to ids, many at a time: counting words, and encoding whole splits."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import tensorflow as tf

from pipelines.batching import EncodedTexts
from pipelines.config import TextConfig
from pipelines.errors import DataError
from pipelines.progress import announce, counted
from pipelines.reading_ahead import read_ahead
from pipelines.survey import encode_text
from pipelines.text import SubwordTokenizer, Tokenizer, WordTokenizer, cut

_TEXTS_AT_A_TIME = 512
_TOKENIZERS: dict[str, type[WordTokenizer] | type[SubwordTokenizer]] = {
    "word": WordTokenizer,
    "subword": SubwordTokenizer,
}


@dataclass(frozen=True)
class EncodedSplit:
    """The texts of a split, and what was done to them.

    Attributes:
        texts: The encoded texts.
        cut: How many texts were too long.
        longest: Tokens of the longest text before cutting.
        unknown: Share of unknown tokens, from 0 to 1.
    """

    texts: EncodedTexts
    cut: int
    longest: int
    unknown: float


def learn_tokenizer(texts: Iterable[str], config: TextConfig) -> Tokenizer:
    """Learns a vocabulary.

    Args:
        texts: The training texts, and no others.
        config: Kind and size of the tokenizer.

    Raises:
        DataError: No word is frequent enough.
    """
    empty = WordTokenizer(["", "[UNK]"], config.lowercase)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def count(strings):
        words, _, counts = tf.unique_with_counts(empty.words(strings).flat_values)
        return words, counts

    counts: Counter[str] = Counter()
    for words, numbers in apply_in_order(_groups(counted(texts, "counting words", "texts")), count):
        for word, number in zip(words.tolist(), numbers.tolist(), strict=True):
            counts[word.decode()] += number
    announce("learning the vocabulary")
    tokenizer = _TOKENIZERS[config.tokenizer].learn(counts, config.vocabulary_size, config.min_count, config.lowercase)
    if len(tokenizer.vocabulary) < 3:
        raise DataError(f"no word occurs {config.min_count} times in the training texts: lower --text.min_count")
    return tokenizer


def encode_split(records: Iterable[tuple[str, int, str]], tokenizer: Tokenizer, config: TextConfig) -> EncodedSplit:
    """Encodes the texts of a split and cuts those that are too long.

    Args:
        records: (text, label id, place) of each text.
        tokenizer: Applied in the graph, exactly as a served model does.
        config: Greatest length, and what to do beyond it.

    Raises:
        DataError: A text is too long and `over_long` is "refuse".
    """
    labels: list[int] = []
    places: list[str] = []
    refuse = config.over_long == "refuse"
    records = counted(records, "encoding", "texts")

    def texts() -> Iterator[str]:
        for text, label, place in records:
            labels.append(label)
            if refuse:
                places.append(place)
            yield text

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def encode(strings):
        ids = tokenizer.encode(strings)
        kept = cut(ids, config.max_length, config.over_long, config.head_share)
        return kept.flat_values, kept.row_lengths(), ids.row_lengths()

    parts, lengths, full_lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    read = 0
    for ids, kept_lengths, row_lengths in apply_in_order(_groups(texts()), encode):
        if refuse and config.max_length is not None and row_lengths.max() > config.max_length:
            row = int(np.argmax(row_lengths > config.max_length))
            raise DataError(
                f"{places[read + row]}: the text has {row_lengths[row]} tokens, more than {config.max_length}: raise "
                "--text.max_length, or let it be cut with --text.over_long head_tail"
            )
        read += len(row_lengths)
        parts.append(ids)
        lengths.append(kept_lengths)
        full_lengths.append(row_lengths)
    all_ids = np.concatenate(parts)
    full = np.concatenate(full_lengths)
    kept = np.concatenate(lengths)
    return EncodedSplit(
        EncodedTexts(all_ids, np.concatenate([[0], np.cumsum(kept)]).astype(np.int64), np.array(labels, np.int32)),
        cut=int((full > kept).sum()),
        longest=int(full.max(initial=0)),
        unknown=float((all_ids == 1).mean()) if len(all_ids) else 0.0,
    )


def apply_in_order(groups: Iterable[Sequence[str]], function) -> Iterator[tuple[np.ndarray, ...]]:
    """Applies a graph function to groups of texts, several at a time; results come in the order of the groups."""
    failures: list[Exception] = []

    def encoded() -> Iterator[np.ndarray]:
        try:
            for group in groups:
                yield np.array([encode_text(text) for text in group], object)
        except Exception as error:  # tf.data would make a long tf.errors.UnknownError of it
            failures.append(error)

    dataset = tf.data.Dataset.from_generator(encoded, output_signature=tf.TensorSpec([None], tf.string))
    yield from read_ahead(dataset, function, os.cpu_count()).as_numpy_iterator()
    if failures:
        raise failures[0]


def _groups(texts: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(texts)
    while group := list(islice(remaining, _TEXTS_AT_A_TIME)):
        yield group

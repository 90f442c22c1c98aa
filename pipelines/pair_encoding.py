"""Pairs of sentences as ids: learning the vocabularies, encoding whole splits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.corpus_vocabulary import group_texts
from pipelines.encoding import apply_in_order
from pipelines.errors import DataError
from pipelines.parallel_config import Level, PairTextConfig
from pipelines.progress import announce, counted
from pipelines.sources.pairs import Pair
from pipelines.text import CharacterTokenizer, SpacedSubwordTokenizer, SpacedWordTokenizer
from pipelines.text.language_pair import LanguagePair
from pipelines.text.sentence import END, END_ID, START, SentenceTokenizer, marked_tokenizer

_LEVELS: dict[Level, Any] = {
    "subword": SpacedSubwordTokenizer,
    "word": SpacedWordTokenizer,
    "character": CharacterTokenizer,
}
_NOTHING = ["", "[UNK]", START, END]


@dataclass(frozen=True)
class EncodedSide:
    """The sentences of one side, encoded, in memory; each ends with the end mark.

    Attributes:
        ids: int32 [all tokens], the sentences one after the other.
        offsets: int64 [sentences + 1]; sentence n is ids[offsets[n]:offsets[n + 1]].
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 [sentences], the end marks included."""
        return np.diff(self.offsets)

    def part(self, start: int, stop: int) -> "EncodedSide":
        """The sentences from number `start` to before `stop`."""
        offsets = self.offsets[start : stop + 1]
        return EncodedSide(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def choose(self, rows: np.ndarray) -> "EncodedSide":
        """Those sentences that `rows` (bool [sentences]) marks."""
        lengths = self.lengths
        return side_of(self.ids[np.repeat(rows, lengths)], lengths[rows])

    def cut(self, max_length: int | None) -> "EncodedSide":
        """The sentences with at most `max_length` tokens, of which the last is still the end mark."""
        lengths = self.lengths
        if max_length is None or not (lengths > max_length).any():
            return self
        places = np.arange(len(self.ids)) - np.repeat(self.offsets[:-1], lengths)
        kept = (places < max_length - 1) | (self.ids == END_ID)
        return side_of(self.ids[kept], np.minimum(lengths, max_length))


Sides = tuple[EncodedSide, EncodedSide]


def side_of(ids: np.ndarray, lengths: np.ndarray) -> EncodedSide:
    """Sentences by their lengths."""
    return EncodedSide(ids.astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def learn_language_pair(pairs: Sequence[Pair], config: PairTextConfig) -> LanguagePair:
    """Learns one vocabulary, or two.

    Args:
        pairs: The training pairs, and no others.
        config: Levels and sizes.

    Raises:
        DataError: Nothing is frequent enough.
    """
    sources, targets = (pair.source for pair in pairs), (pair.target for pair in pairs)
    source_counts = _count(sources, config.level, config.lowercase)
    target_counts = _count(targets, config.resolved_target_level, config.lowercase)
    if config.joint:
        joint = _learn(source_counts + target_counts, config.level, config.vocabulary_size, config)
        return LanguagePair(joint, joint)
    target_size = config.target_vocabulary_size or config.vocabulary_size
    return LanguagePair(
        _learn(source_counts, config.level, config.vocabulary_size, config),
        _learn(target_counts, config.resolved_target_level, target_size, config),
    )


def _learn(counts: Counter[str], level: Level, size: int, config: PairTextConfig) -> SentenceTokenizer:
    announce("learning the vocabulary")
    min_count = config.resolved_min_count(level)
    # The marks are among the bytes of subwords; elsewhere they take two places.
    places = size if level == "subword" else size - 2
    tokenizer = marked_tokenizer(_LEVELS[level].learn(counts, places, min_count, config.lowercase))
    if len(tokenizer.vocabulary) <= len(_NOTHING):
        raise DataError(f"nothing occurs {min_count} times in the training pairs: lower --text.min_count")
    return SentenceTokenizer(tokenizer)


def _count(sentences: Iterable[str], level: Level, lowercase: bool) -> Counter[str]:
    """How often each word, or character, was seen."""
    total: Counter[bytes] = Counter()
    sentences = counted(sentences, "counting words", "sentences")
    for words, numbers in apply_in_order(group_texts(sentences), _counter(level == "character", lowercase)):
        total.update(dict(zip(words.tolist(), numbers.tolist(), strict=True)))
    return Counter({word.decode(): number for word, number in total.items()})


@lru_cache
def _counter(characters: bool, lowercase: bool) -> Any:
    """The graph that counts. Subwords are learnt from the words that the tokenizer of words makes."""
    divider = SentenceTokenizer((CharacterTokenizer if characters else SpacedWordTokenizer)(_NOTHING, lowercase))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def count(strings):
        words, _, counts = tf.unique_with_counts(divider.words(strings).flat_values)
        return words, counts

    return count


def encode_pairs(splits: Mapping[str, Sequence[Pair]], tokenizer: LanguagePair) -> dict[str, Sides]:
    """Both sides of all splits, encoded; with one vocabulary, by one graph."""
    texts = {
        side: [getattr(pair, side) for pairs in splits.values() for pair in pairs] for side in ("source", "target")
    }
    if tokenizer.joint:
        both = encode_side(texts["source"] + texts["target"], tokenizer.source)
        source, target = both.part(0, len(both) // 2), both.part(len(both) // 2, len(both))
    else:
        source = encode_side(texts["source"], tokenizer.source)
        target = encode_side(texts["target"], tokenizer.target)
    ends = np.cumsum([len(pairs) for pairs in splits.values()]).tolist()
    starts = [0, *ends[:-1]]
    return {
        name: (source.part(start, end), target.part(start, end))
        for name, start, end in zip(splits, starts, ends, strict=True)
    }


def encode_side(sentences: Iterable[str], tokenizer: SentenceTokenizer) -> EncodedSide:
    """Encodes the sentences of one side, in the graph, exactly as a served model does."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def encode(strings):
        ids = tokenizer.encode(strings)
        return ids.flat_values, ids.row_lengths()

    sentences = counted(sentences, "encoding", "sentences")
    parts = list(apply_in_order(group_texts(sentences), encode))
    ids = np.concatenate([np.zeros(0, np.int32), *(part for part, _ in parts)])
    return side_of(ids, np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in parts)]))


def unknown_share(side: EncodedSide, tokenizer: SentenceTokenizer) -> float:
    """The share of tokens, the end marks left out, that stand for what the tokenizer has not learnt."""
    words = side.ids[side.ids != END_ID]
    return float(tokenizer.unknown(words).mean()) if len(words) else 0.0

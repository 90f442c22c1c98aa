"""Random spellings of training sentences: another one in each epoch, so that a model learns how pieces make words."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipelines.corpus_vocabulary import group_texts
from pipelines.encoding import apply_in_order
from pipelines.pair_encoding import EncodedSide, side_of
from pipelines.text import SpacedSubwordTokenizer
from pipelines.text.sentence import END_ID, SentenceTokenizer
from pipelines.text.spaced_subword import BYTE_TOKENS

_LONGEST_SEGMENT = 32  # characters; what is longer is spelt part by part, as the tokenizer does


class SubwordSampler:
    """MaxMatch-Dropout: at each place of a word, the longest piece that fits is passed over with some probability.

    Hiraoka (2022), "MaxMatch-Dropout: Subword Regularization for WordPiece"; for longest-match tokenizers what
    BPE-dropout (Provilkov et al. 2020) is for merges. Then the next shorter one is tried in the same way; the shortest
    is always taken. A character that is a piece is never spelt from its bytes.

    The pieces that fit at each place of each distinct word are looked up once, so that an epoch costs a few array
    operations for each piece of the longest word.

    Args:
        sentences: The training sentences of one side.
        tokenizer: Of subwords.
        dropout: The probability, from 0 to below 1.
    """

    def __init__(self, sentences: Sequence[str], tokenizer: SentenceTokenizer, dropout: float):
        assert isinstance(tokenizer.tokenizer, SpacedSubwordTokenizer)
        self._dropout = dropout
        numbers, self._word_counts = _number_words(sentences, tokenizer)
        self._words = np.array([number for sentence in numbers for number in sentence], np.int64)
        self._look_up(list(numbers.distinct), tokenizer.vocabulary)

    def sample(self, random: np.random.Generator) -> EncodedSide:
        """All sentences, spelt anew; each ends with the end mark."""
        starts, stops = self._word_starts[self._words], self._word_starts[self._words + 1]
        under_way = np.arange(len(self._words))
        places = starts
        found_words, found_ids = [], []
        while len(under_way):
            passed_over = random.geometric(1 - self._dropout, len(under_way)) - 1
            chosen = self._first_fit[places] + np.minimum(passed_over, self._fit_counts[places] - 1)
            found_words.append(under_way)
            found_ids.append(self._fit_ids[chosen])
            places = places + self._fit_lengths[chosen]
            unfinished = places < stops[under_way]
            under_way, places = under_way[unfinished], places[unfinished]
        sentence_of_word = np.repeat(np.arange(len(self._word_counts)), self._word_counts)
        words = np.concatenate([*found_words, np.zeros(0, np.int64)])
        sentences = sentence_of_word[words]
        # Stable: the pieces of a word were found in their order. End marks come last of all.
        order = np.argsort(words, kind="stable")
        ids = np.concatenate([*found_ids, np.zeros(0, np.int64)])[order]
        pieces = np.bincount(sentences, minlength=len(self._word_counts))
        ends = np.cumsum(pieces)
        return side_of(np.insert(ids, ends, END_ID), pieces + 1)

    def _look_up(self, words: list[bytes], vocabulary: list[str]) -> None:
        """The pieces that fit at each byte of each distinct word, the longest first."""
        id_of_piece = {
            bytes([BYTE_TOKENS.index(token)]) if token in _BYTES else token.encode(): id
            for id, token in enumerate(vocabulary)
            if id > 1
        }
        longest = max(map(len, id_of_piece))
        counts, ids, lengths = [], [], []
        for word in words:
            for start in range(len(word)):
                fits = 0
                if not _inside_character(word, start):
                    for stop in range(min(start + longest, len(word)), start, -1):
                        if not _inside_character(word, stop) and (id := id_of_piece.get(word[start:stop])) is not None:
                            ids.append(id)
                            lengths.append(stop - start)
                            fits += 1
                if not fits:
                    ids.append(id_of_piece[word[start : start + 1]])
                    lengths.append(1)
                    fits = 1
                counts.append(fits)
        self._fit_counts = np.array(counts, np.int64)
        self._first_fit = np.cumsum(self._fit_counts) - self._fit_counts
        self._fit_ids, self._fit_lengths = np.array(ids, np.int32), np.array(lengths, np.int64)
        self._word_starts = np.cumsum([0, *map(len, words)])


_BYTES = frozenset(BYTE_TOKENS)


def _inside_character(word: bytes, place: int) -> bool:
    """Whether a place of UTF-8 is within a character."""
    return place < len(word) and word[place] & 0xC0 == 0x80


class _Numbers(list):
    """For each sentence the numbers of its words; `distinct` is the words by number."""

    def __init__(self):
        super().__init__()
        self.distinct: dict[bytes, int] = {}


def _number_words(sentences: Sequence[str], tokenizer: SentenceTokenizer) -> tuple[_Numbers, np.ndarray]:
    """The words of each sentence as numbers, and how many there are."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def divide(strings):
        words = tokenizer.words(strings)
        return words.flat_values, words.row_lengths()

    numbers = _Numbers()
    parts_of_word: dict[bytes, list[int]] = {}
    for words, counts in apply_in_order(group_texts(sentences), divide):
        of_words = []
        for word in words.tolist():
            if word not in parts_of_word:
                parts_of_word[word] = [
                    numbers.distinct.setdefault(part, len(numbers.distinct)) for part in _cut_long(word)
                ]
            of_words.append(parts_of_word[word])
        ends = np.cumsum(counts)
        for start, stop in zip((ends - counts).tolist(), ends.tolist(), strict=True):
            numbers.append([number for parts in of_words[start:stop] for number in parts])
    return numbers, np.array([len(sentence) for sentence in numbers], np.int64)


def _cut_long(word: bytes) -> list[bytes]:
    text = word.decode()
    starts = range(0, len(text), _LONGEST_SEGMENT)
    return [text[start : start + _LONGEST_SEGMENT].encode() for start in starts]

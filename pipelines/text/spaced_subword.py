"""Pieces of words with their spaces, for language models: learnt by the `tokenizers` package, applied in the graph."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.exact import ExactTokenizer
from pipelines.text.tokenizer import PADDING, UNKNOWN

LONGEST_PIECE = 16  # characters
_LONGEST_SEGMENT = 32  # characters; what is longer (a line of 200 dashes) is spelt part by part
_BETWEEN = "\0"  # stands between the words that the pieces are learnt from
# The 256 bytes: those of ASCII are characters, the rest are parts of characters that are no pieces themselves.
BYTE_TOKENS = tuple(chr(byte) if byte < 128 else f"<0x{byte:02X}>" for byte in range(256))


class SpacedSubwordTokenizer(ExactTokenizer):
    """Words and their spaces, spelt from the longest pieces that fit, from left to right; what is no piece, from bytes.

    Nothing is unknown: any text comes back as it was. `words` divides a text first; no piece reaches over such a
    border.

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown, not used); the 256
            bytes are among the others.
        lowercase: Lower-case the texts.

    Raises:
        DataError: A byte is missing in the vocabulary.
    """

    kind = "spaced_subword"

    def __init__(self, vocabulary: Sequence[str], lowercase: bool = False):
        super().__init__(vocabulary, lowercase)
        missing = set(BYTE_TOKENS).difference(self._tokens)
        if missing:
            raise DataError(f"a vocabulary of subwords needs every byte as a token. Missing: {min(missing)!r}")
        written = [self._written(token, id) for id, token in enumerate(self._tokens)]
        self._longest_piece = max(map(len, written[2:]))
        with tf.device("CPU"), tf.init_scope():
            self._id_of_bytes = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(written[2:]), tf.range(2, len(written), dtype=tf.int64)
                ),
                default_value=-1,
            )

    @classmethod
    def learn(
        cls, counts: Mapping[str, int], vocabulary_size: int, min_count: int, lowercase: bool
    ) -> "SpacedSubwordTokenizer":
        """A tokenizer of pieces learnt from counted words by byte pair encoding, on characters.

        Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units". The same words give the
        same pieces.

        Args:
            counts: How often each word was seen, as `words` divides texts.
            vocabulary_size: Size of the vocabulary at most, padding, unknown and the bytes included.
            min_count: Pairs of pieces seen less often are not joined, and characters seen less often stay bytes.
            lowercase: Whether the counted texts were lower-cased.
        """
        from tokenizers import Tokenizer as Learner
        from tokenizers import models, pre_tokenizers, trainers

        places = vocabulary_size - 2 - len(BYTE_TOKENS)
        kept = _learnable(counts, max(1, places // 3), min_count)
        learner = Learner(models.BPE())
        learner.pre_tokenizer = pre_tokenizers.Split(_BETWEEN, "removed")
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_count,
            max_token_length=LONGEST_PIECE,
            show_progress=False,
        )
        learner.train_from_iterator(_repeated(kept), trainer)
        ids = learner.get_vocab()
        pieces = [piece for piece in sorted(ids, key=ids.__getitem__) if piece not in BYTE_TOKENS and piece != UNKNOWN]
        return cls([PADDING, UNKNOWN, *BYTE_TOKENS, *pieces[:places]], lowercase)

    def _written(self, token: str, id: int) -> bytes:
        return bytes([BYTE_TOKENS.index(token)]) if token in BYTE_TOKENS else super()._written(token, id)

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        ids = self._ids_of_words(words)
        return ids.with_flat_values(tf.gather(self._token_of_id, ids.flat_values))

    def _ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        unique, places = tf.unique(words.flat_values)
        parts = _cut_long(unique)
        spelt = parts.with_values(self._spell(parts.values)).merge_dims(1, 2)
        return words.with_flat_values(tf.gather(spelt, places)).merge_dims(1, 2)

    def _spell(self, words: tf.Tensor) -> tf.RaggedTensor:
        """string [words] -> ragged int32 [words, pieces].

        All words take a piece at a time; those that are through leave the loop. Pieces are compared byte by byte, so
        that the single bytes are the last resort.
        """
        whole = self._id_of_bytes.lookup(words)
        lengths = tf.strings.length(words)
        found = whole >= 0
        todo = tf.where(~found & (lengths > 0))[:, 0]  # numbers of the words under way

        def take_a_piece(todo, starts, rows, ids):
            candidates = tf.minimum(tf.gather(lengths, todo) - starts, self._longest_piece)
            owner = tf.repeat(tf.range(tf.size(todo)), candidates)
            sizes = tf.ragged.range(1, candidates + 1).values
            pieces = tf.strings.substr(tf.gather(words, tf.gather(todo, owner)), tf.gather(starts, owner), sizes)
            piece_ids = self._id_of_bytes.lookup(pieces)
            sizes = tf.where(piece_ids < 0, 0, sizes)
            longest = tf.math.segment_max(sizes, owner)
            chosen = (sizes > 0) & (sizes == tf.gather(longest, owner))
            starts += longest
            rows = tf.concat([rows, todo], 0)
            ids = tf.concat([ids, tf.boolean_mask(piece_ids, chosen)], 0)
            unfinished = starts < tf.gather(lengths, todo)
            return tf.boolean_mask(todo, unfinished), tf.boolean_mask(starts, unfinished), rows, ids

        _, _, rows, ids = tf.while_loop(
            lambda todo, *_: tf.size(todo) > 0,
            take_a_piece,
            (todo, tf.zeros_like(todo, tf.int32), tf.where(found)[:, 0], tf.boolean_mask(whole, found)),
            shape_invariants=tuple(tf.TensorShape([None]) for _ in range(4)),
        )
        order = tf.argsort(rows, stable=True)
        return tf.RaggedTensor.from_value_rowids(
            tf.cast(tf.gather(ids, order), tf.int32),
            tf.gather(rows, order),
            nrows=tf.size(words, tf.int64),
            validate=False,
        )


def _cut_long(words: tf.Tensor) -> tf.RaggedTensor:
    """string [words] -> ragged strings [words, parts]: parts of at most 32 characters, so that the loop is short."""
    lengths = tf.strings.length(words, unit="UTF8_CHAR")
    parts = tf.maximum(1, (lengths + _LONGEST_SEGMENT - 1) // _LONGEST_SEGMENT)
    starts = _LONGEST_SEGMENT * tf.ragged.range(parts).values
    sizes = tf.fill(tf.shape(starts), _LONGEST_SEGMENT)
    cut = tf.strings.substr(tf.repeat(words, parts), starts, sizes, unit="UTF8_CHAR")
    return tf.RaggedTensor.from_row_lengths(cut, tf.cast(parts, tf.int64), validate=False)


def _learnable(counts: Mapping[str, int], most_characters: int, min_count: int) -> dict[str, int]:
    """The words whose characters are frequent enough to be pieces; ASCII is among the bytes in any case."""
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    others = sorted((item for item in characters.items() if ord(item[0]) > 127), key=lambda item: (-item[1], item[0]))
    alphabet = {chr(code) for code in range(1, 128)}
    alphabet.update(character for character, count in others[:most_characters] if count >= min_count)
    return {word: count for word, count in counts.items() if alphabet.issuperset(word)}


def _repeated(counts: Mapping[str, int]) -> Iterator[str]:
    """Texts in which each word stands as often as it was counted."""
    for word, count in counts.items():
        for start in range(0, count, 10_000):
            yield _BETWEEN.join([word] * min(10_000, count - start))

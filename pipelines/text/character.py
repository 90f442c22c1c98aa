"""Characters as tokens."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.exact import ExactTokenizer, most_frequent
from pipelines.text.tokenizer import PADDING, UNKNOWN, UNKNOWN_ID


class CharacterTokenizer(ExactTokenizer):
    """Every character (Unicode code point) is a token; one outside the vocabulary is unknown, and decoded as U+FFFD.

    Args:
        vocabulary: The character of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.

    Example:
        >>> tokenizer = CharacterTokenizer(["", "[UNK]", "a", "b", "\\n"])
        >>> tokenizer.encode(tf.constant(["ab\\nc", ""]))
        <tf.RaggedTensor [[2, 3, 4, 1], []]>

    Raises:
        DataError: A token of the vocabulary is more than one character.
    """

    kind = "character"

    def __init__(self, vocabulary: Sequence[str], lowercase: bool = False):
        super().__init__(vocabulary, lowercase)
        for token in self._tokens[2:]:
            if len(token) != 1:
                raise DataError(f"each token of a vocabulary of characters is one character. Received: {token!r}")
        # No character has the code -1, but a table needs an entry.
        codes = [-1, *(ord(token) for token in self._tokens[2:])]
        with tf.device("CPU"), tf.init_scope():
            self._id_of_code = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(codes, tf.int64), tf.range(UNKNOWN_ID, UNKNOWN_ID + len(codes), dtype=tf.int64)
                ),
                default_value=UNKNOWN_ID,
            )

    @classmethod
    def learn(
        cls, counts: Mapping[str, int], vocabulary_size: int, min_count: int, lowercase: bool
    ) -> "CharacterTokenizer":
        """A tokenizer of the most frequent characters; those of equal count in the order of their code points.

        Args:
            counts: How often each character was seen.
            vocabulary_size: Size of the vocabulary at most, padding and unknown included.
            min_count: Characters seen less often stay out.
            lowercase: Whether the counted texts were lower-cased.
        """
        return cls([PADDING, UNKNOWN, *most_frequent(counts, vocabulary_size - 2, min_count)], lowercase)

    def words(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, characters]."""
        return tf.strings.unicode_split(self.clean(strings), "UTF-8")

    def encode(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged int32 [batch, characters]."""
        with tf.device("CPU"):
            codes = tf.strings.unicode_decode(self.clean(strings) if self.lowercase else strings, "UTF-8")
            ids = self._id_of_code.lookup(tf.cast(codes.flat_values, tf.int64))
            return codes.with_flat_values(tf.cast(ids, tf.int32))

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return words

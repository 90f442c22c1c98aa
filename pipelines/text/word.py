"""Words and punctuation marks as tokens."""

from collections import Counter
from collections.abc import Mapping

import tensorflow as tf

from pipelines.text.tokenizer import PADDING, UNKNOWN, Tokenizer


class WordTokenizer(Tokenizer):
    """Words and punctuation marks as they stand; a word outside the vocabulary is unknown.

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.

    Example:
        >>> tokenizer = WordTokenizer(["", "[UNK]", "a", "fine", "film", "."])
        >>> tokenizer.encode(tf.constant(["A fine film.", ""]))
        <tf.RaggedTensor [[2, 3, 4, 5], []]>
    """

    kind = "word"

    @classmethod
    def learn(cls, counts: Mapping[str, int], vocabulary_size: int, min_count: int, lowercase: bool) -> "WordTokenizer":
        """A tokenizer of the most frequent words; those of equal count in the order of their characters.

        Args:
            counts: How often each word was seen, as `words` splits them.
            vocabulary_size: Size of the vocabulary, padding and unknown included.
            min_count: Words seen less often stay out.
            lowercase: Whether the counted texts were lower-cased.
        """
        frequent = Counter({word: count for word, count in counts.items() if count >= min_count and word})
        ranked = sorted(frequent.items(), key=lambda item: (-item[1], item[0]))
        return cls([PADDING, UNKNOWN, *(word for word, _ in ranked[: vocabulary_size - 2])], lowercase)

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return words

    def _ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return words.with_flat_values(tf.cast(self._id_of_token.lookup(words.flat_values), tf.int32))

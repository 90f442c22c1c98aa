"""Words with the space before them as tokens, for language models."""

from collections.abc import Mapping

import tensorflow as tf

from pipelines.text.exact import ExactTokenizer, most_frequent
from pipelines.text.tokenizer import PADDING, UNKNOWN


class SpacedWordTokenizer(ExactTokenizer):
    """Words, numbers, marks and runs of white space as they stand; one outside the vocabulary is unknown.

    The space before a word belongs to it: " cat" and "cat" are two tokens. `words` says where a text is divided.
    Unknown words are decoded as " [UNK]".

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.

    Example:
        >>> tokenizer = SpacedWordTokenizer(["", "[UNK]", "The", " cat", " sat", ".", "\\n"])
        >>> tokenizer.decode(tokenizer.encode(tf.constant(["The cat sat.\\n"])))
        <tf.Tensor: numpy=array([b'The cat sat.\\n'])>
    """

    kind = "spaced_word"
    _unknown_text = f" {UNKNOWN}"

    @classmethod
    def learn(
        cls, counts: Mapping[str, int], vocabulary_size: int, min_count: int, lowercase: bool
    ) -> "SpacedWordTokenizer":
        """A tokenizer of the most frequent words, rising ids for falling counts, as an adaptive softmax wants them.

        Args:
            counts: How often each word was seen, as `words` divides texts.
            vocabulary_size: Size of the vocabulary at most, padding and unknown included.
            min_count: Words seen less often stay out.
            lowercase: Whether the counted texts were lower-cased.
        """
        return cls([PADDING, UNKNOWN, *most_frequent(counts, vocabulary_size - 2, min_count)], lowercase)

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return words

    def _ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return words.with_flat_values(tf.cast(self._id_of_token.lookup(words.flat_values), tf.int32))

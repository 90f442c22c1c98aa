"""What is common to the tokenizers of running text: decoded, the tokens are the text again, white space and all."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from pipelines.text.tokenizer import PADDING_ID, UNKNOWN_ID, Tokenizer

# One alternative after the other takes what it can: a mark between documents; a Chinese or Japanese character; a word,
# a number (three digits at a time) or a run of other marks, each with one space before it; white space of one sort.
# The double negation is a letter of any other script.
_IDEOGRAPH = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTERS = rf"(?:[^\P{{L}}{_IDEOGRAPH}]|\p{{M}})+"
_SEGMENT = (
    rf"\x1c|[{_IDEOGRAPH}]| ?{_LETTERS}(?:['\x{{2019}}]{_LETTERS})*| ?\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}\x1c]+"
    r"|(?:\r?\n)+| +|\t+|\s"
)
_BORDER = b"\xff"  # occurs in no valid UTF-8


class ExactTokenizer(Tokenizer):
    """Tokenizers of running text, for language models. Nothing is normalised but, if wanted, case.

    `decode(encode(text))` is the text, as far as it is made of known tokens; invalid UTF-8 becomes U+FFFD.

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.
    """

    escaped = True  # tokens hold white space: vocabulary.txt has it escaped

    def __init__(self, vocabulary: Sequence[str], lowercase: bool = False):
        super().__init__(vocabulary, lowercase)
        with tf.device("CPU"), tf.init_scope():
            self._text_of_id = tf.constant([self._written(token, id) for id, token in enumerate(self._tokens)])

    def words(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, segments]: words, numbers, marks, each with the space before it.

        Put together again the segments are the text, so that nothing between them is lost.
        """
        bordered = tf.strings.regex_replace(self.clean(strings), _SEGMENT, b"\\0" + _BORDER)
        segments = tf.strings.split(bordered, _BORDER)
        return tf.ragged.boolean_mask(segments, tf.not_equal(segments, ""))  # what stands behind the last border

    def clean(self, strings: tf.Tensor) -> tf.Tensor:
        """string [batch] -> string [batch]: valid UTF-8, in lower case if that is wanted."""
        strings = tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")
        return tf.strings.lower(strings, encoding="utf-8") if self.lowercase else strings

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Ids, ragged or padded [batch, tokens] -> string [batch], valid UTF-8.

        What `encode` has dropped does not come back: case, if it was lowered, and unknown tokens.
        """
        with tf.device("CPU"):
            if not isinstance(ids, tf.RaggedTensor):
                ids = tf.RaggedTensor.from_tensor(ids, ragged_rank=1)
            values = ids.flat_values
            values = tf.where((values >= 0) & (values < len(self._tokens)), values, UNKNOWN_ID)
            joined = tf.strings.reduce_join(ids.with_flat_values(tf.gather(self._text_of_id, values)), axis=-1)
            return tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8", errors="replace")

    def texts_of(self, ids: tf.Tensor) -> tf.Tensor:
        """What each id adds to a text, as bytes: int [...] -> string [...]. A piece can be part of a character."""
        with tf.device("CPU"):
            return tf.gather(self._text_of_id, ids)

    def _written(self, token: str, id: int) -> bytes:
        """What `decode` writes for a token."""
        if id == PADDING_ID:
            return b""
        return (self._unknown_text if id == UNKNOWN_ID else token).encode()

    _unknown_text = "\ufffd"


def most_frequent(counts: Mapping[str, int], number: int, min_count: int) -> list[str]:
    """At most so many of what was counted at least `min_count` times; equal counts in the order of the characters."""
    frequent = (item for item in counts.items() if item[1] >= min_count)
    return [token for token, _ in sorted(frequent, key=lambda item: (-item[1], item[0]))[:number]]

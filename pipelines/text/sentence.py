"""Sentences of one language as ids, with a mark before the first and after the last one."""

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.exact import ExactTokenizer
from pipelines.text.spaced_subword import SpacedSubwordTokenizer
from pipelines.text.tokenizer import PADDING_ID, UNKNOWN_ID

# What ASCII has for this: start of text and end of text. No clean sentence holds them.
START, END = "\x02", "\x03"
START_ID, END_ID = 2, 3

_INVISIBLE = r"[\p{Cf}\p{Co}]+"  # soft hyphens, zero-width joiners, byte order marks
_WHITE_SPACE = r"[\p{Cc}\p{Z}]+"
# The first word gets the space that all others have, so that it is the same token; ideographs have none.
_FIRST_WORD = r"^[^\p{Han}\p{Hiragana}\p{Katakana}]"
_FIRST_BYTES = 256  # of tokens that stand for one byte, in a vocabulary of subwords


class SentenceTokenizer(tf.Module):
    """An `ExactTokenizer` for sentences: `encode` ends them with the end mark, `decode` stops at it.

    A sentence comes back as it was, but for white space, which becomes single spaces, characters that only format,
    which go, and, if that is wanted, case.

    Args:
        tokenizer: Its vocabulary has the start mark "\\x02" as id 2 and the end mark "\\x03" as id 3: see
            `marked_tokenizer`.

    Raises:
        DataError: The vocabulary has not.
    """

    def __init__(self, tokenizer: ExactTokenizer):
        super().__init__(name="sentence_tokenizer")
        if tokenizer.vocabulary[START_ID : END_ID + 1] != [START, END]:
            raise DataError(
                "a vocabulary for translation has the marks of start and end as ids 2 and 3. Received: "
                f"{tokenizer.vocabulary[START_ID : END_ID + 1]}; give that of a translation run"
            )
        self.tokenizer = tokenizer
        with tf.device("CPU"), tf.init_scope():
            self._token_of_id = tf.constant(tokenizer.vocabulary)

    @property
    def vocabulary(self) -> list[str]:
        """The token of each id."""
        return self.tokenizer.vocabulary

    def clean(self, strings: tf.Tensor) -> tf.Tensor:
        """string [batch] -> string [batch]: white space as single spaces, one of them before the first word."""
        strings = tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")
        strings = tf.strings.regex_replace(strings, _INVISIBLE, "")
        strings = tf.strings.strip(tf.strings.regex_replace(strings, _WHITE_SPACE, " "))
        return tf.strings.regex_replace(strings, _FIRST_WORD, r" \0")

    def words(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, words]: what a vocabulary is learnt from."""
        with tf.device("CPU"):
            return self.tokenizer.words(self.clean(strings))

    def tokenize(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, tokens]: the pieces, for people to read; one an id, the end too."""
        with tf.device("CPU"):
            pieces = self.tokenizer.tokenize(self.clean(strings))
            return tf.concat([pieces, _column(pieces, END)], axis=1)

    def encode(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged int32 [batch, tokens], each row with the end mark."""
        with tf.device("CPU"):
            ids = self.tokenizer.encode(self.clean(strings))
            return tf.concat([ids, _column(ids, END_ID)], axis=1)

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Ids, ragged or padded [..., tokens] -> string [...]: the sentences, up to their end marks."""
        with tf.device("CPU"):
            if isinstance(ids, tf.RaggedTensor):
                ids = ids.to_tensor(PADDING_ID)
            rows = tf.reshape(ids, [-1, tf.shape(ids)[-1]])
            before_end = tf.cumsum(tf.cast(tf.equal(rows, END_ID), tf.int32), axis=1) < 1
            rows = tf.where(before_end & tf.not_equal(rows, START_ID), rows, PADDING_ID)
            return tf.reshape(tf.strings.strip(self.tokenizer.decode(rows)), tf.shape(ids)[:-1])

    def read(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids [...] -> string [...]: the token of each, as `tokenize` has it; padding is ""."""
        with tf.device("CPU"):
            return tf.gather(self._token_of_id, ids)

    def unknown(self, ids):
        """Which ids stand for what was not learnt, of an array: unknown, and bytes of characters outside ASCII."""
        if isinstance(self.tokenizer, SpacedSubwordTokenizer):
            return (ids == UNKNOWN_ID) | ((ids >= 2 + 128) & (ids < 2 + _FIRST_BYTES))
        return ids == UNKNOWN_ID


def marked_tokenizer(tokenizer: ExactTokenizer) -> ExactTokenizer:
    """The tokenizer with the marks as ids 2 and 3 of its vocabulary; the other tokens keep their order."""
    padding, unknown, *tokens = tokenizer.vocabulary
    others = [token for token in tokens if token not in (START, END)]
    return type(tokenizer)([padding, unknown, START, END, *others], lowercase=tokenizer.lowercase)


def _column(ragged: tf.RaggedTensor, value: str | int) -> tf.RaggedTensor:
    """A column of one value for each row."""
    values = tf.fill([ragged.nrows()], tf.constant(value, ragged.dtype))
    return tf.RaggedTensor.from_uniform_row_length(values, 1)

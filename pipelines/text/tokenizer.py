"""The contract of all tokenizers: strings to ids and back, in TensorFlow core ops."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.normalize import normalize, split_words

PADDING, UNKNOWN = "", "[UNK]"
PADDING_ID, UNKNOWN_ID = 0, 1

# No space before what closes, none after what opens.
_NO_SPACE_BEFORE = r" ([.,!?;:%)\]}…”»。，、！？；：）」』]+)"  # noqa: RUF001
_NO_SPACE_AFTER = r"([(\[{“«（「『]) "  # noqa: RUF001
_BETWEEN_CJK = r"([\p{Han}\p{Hiragana}\p{Katakana}。，、！？；：]) ([\p{Han}\p{Hiragana}\p{Katakana}])"  # noqa: RUF001


class Tokenizer(tf.Module):
    """Strings to ids and back. What is common to word and subword tokenizers.

    A `tf.Module` of core ops: it traces inside `tf.function` and travels with a SavedModel that has it as an attribute.
    Any bytes can be encoded: invalid UTF-8 becomes U+FFFD, which is usually unknown.

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.

    Raises:
        DataError: The vocabulary does not begin so, or names a token twice.
    """

    kind: str
    escaped = False  # whether tokens hold what a line of vocabulary.txt cannot

    def __init__(self, vocabulary: Sequence[str], lowercase: bool = True):
        super().__init__(name=f"{self.kind}_tokenizer")
        check_vocabulary(vocabulary)
        self._tokens = tuple(vocabulary)
        self.lowercase = bool(lowercase)
        with tf.device("CPU"), tf.init_scope():  # strings live on the CPU
            self._token_of_id = tf.constant(self._tokens, tf.string)
            # No text makes the word "[UNK]": it is split at its brackets.
            self._id_of_token = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(self._tokens[1:], tf.string), tf.range(1, len(self._tokens), dtype=tf.int64)
                ),
                default_value=UNKNOWN_ID,
            )

    @property
    def vocabulary(self) -> list[str]:
        """The token of each id."""
        return list(self._tokens)

    def words(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, words]: normalised words and punctuation marks."""
        return split_words(normalize(strings, self.lowercase))

    def tokenize(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged strings [batch, tokens]: the pieces, for people to read; one an id."""
        with tf.device("CPU"):  # many small operations on strings: nothing for an accelerator
            return self._pieces_of_words(self.words(strings))

    def encode(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged int32 [batch, tokens]."""
        with tf.device("CPU"):
            return self._ids_of_words(self.words(strings))

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Ids, ragged or padded [batch, tokens] -> string [batch].

        What `encode` has dropped does not come back: case, spaces and unknown words.
        """
        with tf.device("CPU"):
            if not isinstance(ids, tf.RaggedTensor):
                ids = tf.RaggedTensor.from_tensor(ids, ragged_rank=1)
            ids = tf.ragged.boolean_mask(ids, tf.not_equal(ids, PADDING_ID))
            values = ids.flat_values
            values = tf.where((values >= 0) & (values < len(self._tokens)), values, UNKNOWN_ID)
            joined = self._join(ids.with_flat_values(tf.gather(self._token_of_id, values)))
            joined = tf.strings.regex_replace(joined, _NO_SPACE_BEFORE, r"\1")
            joined = tf.strings.regex_replace(joined, _NO_SPACE_AFTER, r"\1")
            for _ in range(2):  # a character between two spaces belongs to both matches
                joined = tf.strings.regex_replace(joined, _BETWEEN_CJK, r"\1\2")
            return joined

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments besides the vocabulary, as JSON has them."""
        return {"lowercase": self.lowercase}

    def save(self, directory) -> None:
        """Writes vocabulary.txt (one token a line) and tokenizer.json (its kind and settings) into `directory`."""
        from pipelines.text.storage import save_tokenizer

        save_tokenizer(self, directory)

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        raise NotImplementedError

    def _ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        raise NotImplementedError

    def _join(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        return tf.strings.reduce_join(tokens, axis=-1, separator=" ")


def check_vocabulary(vocabulary: Sequence[str]) -> None:
    """Refuses what is no vocabulary of this project."""
    if list(vocabulary[:2]) != [PADDING, UNKNOWN]:
        raise DataError(f'a vocabulary starts with "" and "{UNKNOWN}". Received: {list(vocabulary[:2])}')
    if len(set(vocabulary)) != len(vocabulary):
        seen: set[str] = set()
        twice = next(token for token in vocabulary if token in seen or seen.add(token))  # type: ignore[func-returns-value]
        raise DataError(f"the vocabulary has the token {twice!r} twice: remove one of them")

"""Sequences that begin with given tokens."""

import keras
from keras import ops

from keras_seq.decoding.constraint import FORBIDDEN, Constraint


@keras.saving.register_keras_serializable(package="keras_seq")
class ForcedPrefix(Constraint):
    """Begin every sequence with given tokens: a prompt, or the beginning of a translation.

    Args:
        tokens: Integers `[length]` for all rows or `[batch, length]`, as a list, an array or a tensor. -1 leaves the
            choice free, so that shorter prefixes are filled up with it.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    def __init__(self, tokens):
        self.tokens = tokens
        if len(ops.convert_to_tensor(tokens).shape) not in (1, 2):
            raise ValueError(f"Argument `tokens` must be [length] or [batch, length]. Received: tokens={tokens}")

    def __call__(self, logits, position):
        """The logits with the token of the prefix alone."""
        tokens = ops.cast(self.tokens, "int32")
        tokens = ops.reshape(tokens, (-1, ops.shape(tokens)[-1]))  # [batch or 1, length]
        last = ops.shape(tokens)[1] - 1
        forced = ops.take(tokens, ops.minimum(position.time, last), axis=1)
        forced = ops.where(position.time <= last, forced, -1)
        forced = ops.reshape(forced, (-1, 1, 1))
        allowed = ops.equal(ops.reshape(ops.arange(logits.shape[-1], dtype="int32"), (1, 1, -1)), forced)
        return ops.where(ops.logical_or(allowed, forced < 0), logits, FORBIDDEN)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"tokens": self.tokens}

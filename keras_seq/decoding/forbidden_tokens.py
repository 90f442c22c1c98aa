"""Tokens that never come."""

import keras
import numpy as np
from keras import ops

from keras_seq.decoding.constraint import FORBIDDEN, Constraint


@keras.saving.register_keras_serializable(package="keras_seq")
class ForbiddenTokens(Constraint):
    """Never choose some tokens, such as padding, the unknown word or the start token.

    Args:
        tokens: List of ids.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    def __init__(self, tokens):
        self.tokens = [int(token) for token in tokens]
        if any(token < 0 for token in self.tokens):
            raise ValueError(f"Argument `tokens` must be ids from 0 on. Received: tokens={tokens}")

    def __call__(self, logits, position):
        """The logits without these tokens."""
        size = logits.shape[-1]
        if any(token >= size for token in self.tokens):
            raise ValueError(f"Forbidden tokens must be below the vocabulary size {size}. Received: {self.tokens}")
        cost = np.zeros(size, "float32")
        cost[self.tokens] = FORBIDDEN
        return logits + ops.convert_to_tensor(cost)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"tokens": self.tokens}

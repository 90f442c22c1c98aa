"""A smallest length."""

import keras
from keras import ops

from keras_seq.decoding.constraint import FORBIDDEN, Constraint
from keras_seq.decoding.length_limit import end_column, length_argument, limit_tensor


@keras.saving.register_keras_serializable(package="keras_seq")
class MinimumLength(Constraint):
    """No end token before there are `length` other tokens.

    Args:
        length: Integer, or integer tensor `[batch]` with a length for each row.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    def __init__(self, length):
        self.length = length_argument(length)

    def __call__(self, logits, position):
        """The logits without the end token while a sequence is too short."""
        short = ops.less(position.time, limit_tensor(self.length))
        return ops.where(ops.logical_and(short, end_column(logits, position)), FORBIDDEN, logits)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"length": self.length}

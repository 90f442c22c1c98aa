"""A largest length."""

import keras
from keras import ops

from keras_seq.decoding.constraint import FORBIDDEN, Constraint
from keras_seq.decoding.length_limit import end_column, length_argument, limit_tensor


@keras.saving.register_keras_serializable(package="keras_seq")
class MaximumLength(Constraint):
    """Nothing but the end token once there are `length` other tokens.

    Unlike the `max_length` of `decode`, which breaks off, it makes a sequence end, and it can differ from row to row.

    Args:
        length: Integer, or integer tensor `[batch]` with a length for each row.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    def __init__(self, length):
        self.length = length_argument(length)

    def __call__(self, logits, position):
        """The logits with the end token alone once a sequence is long enough."""
        full = ops.greater_equal(position.time, limit_tensor(self.length))
        other = ops.logical_not(end_column(logits, position))
        return ops.where(ops.logical_and(full, other), FORBIDDEN, logits)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"length": self.length}

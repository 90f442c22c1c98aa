"""The last valid step."""

import keras
from keras import ops

from keras_seq.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class LastPooling(Pooling):
    """The output of the last valid step.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.

    Output shape:
        `[batch, features]`; zeros for a row with no valid step.
    """

    def pool(self, sequences, mask):
        """Choose the last step whose mask is true."""
        position = ops.cumsum(ops.cast(mask, "int32"), axis=1)
        chosen = ops.logical_and(mask, position == ops.max(position, axis=1, keepdims=True))  # [batch, time]
        return ops.sum(ops.where(chosen[..., None], sequences, ops.zeros_like(sequences)), axis=1)

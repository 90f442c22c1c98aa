"""The mean over the valid steps."""

import keras
from keras import ops

from keras_seq.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class MeanPooling(Pooling):
    """The mean of the valid steps.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.

    Output shape:
        `[batch, features]`; zeros for a row with no valid step.
    """

    def pool(self, sequences, mask):
        """Sum over the valid steps, divided by their number; summed in float32 also for half precision."""
        kept = ops.cast(ops.where(mask[..., None], sequences, ops.zeros_like(sequences)), "float32")
        count = ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True)
        return ops.cast(ops.sum(kept, axis=1) / ops.maximum(count, 1.0), sequences.dtype)

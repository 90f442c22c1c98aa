"""The maximum over the valid steps."""

import keras
from keras import ops

from keras_seq.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class MaxPooling(Pooling):
    """The greatest value of each feature over the valid steps.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.

    Output shape:
        `[batch, features]`; zeros for a row with no valid step.
    """

    def pool(self, sequences, mask):
        """Take the maximum with the steps that are not valid out of the way."""
        lowest = ops.full_like(sequences, -1e4)  # in the range of every floating dtype, float16 included
        greatest = ops.max(ops.where(mask[..., None], sequences, lowest), axis=1)
        return ops.where(ops.any(mask, axis=1, keepdims=True), greatest, ops.zeros_like(greatest))

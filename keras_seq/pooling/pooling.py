"""What the pooling layers share: masks in, one vector a row out."""

import keras
from keras import ops


class Pooling(keras.layers.Layer):
    """From a sequence `[batch, time, features]` to one vector a row, over the valid steps.

    A subclass defines `pool(sequences, mask)` for a boolean mask `[batch, time]`. A row with no valid step gives zeros.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequences, mask=None):
        """Pool over the steps where the mask is true, or over all."""
        if mask is None:
            mask = ops.ones(ops.shape(sequences)[:2], dtype="bool")
        return self.pool(sequences, ops.cast(mask, "bool"))

    def pool(self, sequences, mask):
        """Pool `[batch, time, features]` over the steps of a boolean mask `[batch, time]`."""
        raise NotImplementedError(f"{type(self).__name__} must define pool(sequences, mask).")

    def compute_mask(self, sequences, mask=None):
        """A pooled sequence has no steps, so no mask."""
        return

    def compute_output_shape(self, sequences_shape):
        """`[batch, features]`."""
        return (sequences_shape[0], sequences_shape[-1])

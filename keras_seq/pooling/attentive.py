"""A learnt weighted mean over the valid steps."""

import keras
from keras import ops

from keras_seq.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class AttentivePooling(Pooling):
    """A mean of the valid steps with learnt weights (Yang et al. 2016, "Hierarchical Attention Networks").

        u_t = tanh(h_t W + b)
        a = softmax over the valid steps of (u_t v)
        output = sum over t of a_t * h_t

    Args:
        units: Size of the hidden layer that scores a step. Defaults to the number of features.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.

    Output shape:
        `[batch, features]`; zeros for a row with no valid step.
    """

    def __init__(self, units=None, **kwargs):
        super().__init__(**kwargs)
        if units is not None and (not isinstance(units, int) or units <= 0):
            raise ValueError(f"Argument `units` must be a positive integer or None. Received: units={units!r}")
        self.units = units

    def build(self, sequences_shape):
        """Create the weights for sequences `[batch, time, features]`."""
        features = sequences_shape[-1]
        units = self.units or features
        self.kernel = self.add_weight(shape=(features, units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
        self.context = self.add_weight(shape=(units, 1), initializer="glorot_uniform", name="context")
        self.built = True

    def weights_of_steps(self, sequences, mask):
        """The weight of each step, float32 `[batch, time]`: zero where the mask is false, else summing to one."""
        hidden = ops.tanh(ops.matmul(sequences, self.kernel) + ops.cast(self.bias, sequences.dtype))
        scores = ops.cast(ops.matmul(hidden, self.context), "float32")[..., 0]
        scores = ops.where(mask, scores, ops.full_like(scores, -1e9))
        return ops.where(mask, ops.softmax(scores, axis=1), ops.zeros_like(scores))

    def pool(self, sequences, mask):
        """The weighted mean over the valid steps."""
        weights = ops.cast(self.weights_of_steps(sequences, mask), sequences.dtype)
        kept = ops.where(mask[..., None], sequences, ops.zeros_like(sequences))
        return ops.sum(kept * weights[..., None], axis=1)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "units": self.units}

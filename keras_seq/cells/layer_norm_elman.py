"""The Elman network with layer normalisation."""

import keras
from keras import ops

from keras_seq.cells.elman import ElmanCell


def layer_norm_elman_step(projected, h, recurrent_kernel, gain, bias, epsilon, activation):
    """One step of the layer-normalised Elman network, `[batch, units]` in and out."""
    total = ops.add(projected, ops.matmul(h, recurrent_kernel))
    return activation(ops.layer_normalization(total, gain, bias, epsilon=epsilon))


@keras.saving.register_keras_serializable(package="keras_seq")
class LayerNormElmanCell(ElmanCell):
    """The Elman network with the layer normalisation of Ba et al. (2016), "Layer Normalization", equation 4.

        h_t = tanh(LN(x_t W + h_{t-1} U; a, b))
        LN(z; a, b) = a * (z - mean(z)) / sqrt(variance(z) + epsilon) + b

    with `W` = `kernel`, `U` = `recurrent_kernel`, the gain `a` = `gain` and the shift `b` = `bias`. The sum is what the
    paper normalises, so only the product `x_t W` is computed before the loop. The same cell and weights as
    `LayerNormSimpleRNNCell` of TensorFlow Addons, and here under that name too.

    Args:
        units: Positive integer, size of the state and the output.
        epsilon: Small number that is added to the variance. Defaults to `1e-3`.
        **kwargs: Arguments of `ElmanCell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LayerNormElmanCell(4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(self, units, epsilon=1e-3, **kwargs):
        super().__init__(units, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.gain = self.add_weight(shape=(self.units,), initializer="ones", name="gain")

    def input_bias(self):
        """None: the bias is added to what is normalised."""
        return

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h]`."""
        recurrent_kernel, gain, bias = map(self.computed, (self.recurrent_kernel, self.gain, self.bias))
        h = layer_norm_elman_step(projected, states[0], recurrent_kernel, gain, bias, self.epsilon, self.activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "epsilon": self.epsilon}


# Its name in TensorFlow Addons.
LayerNormSimpleRNNCell = LayerNormElmanCell

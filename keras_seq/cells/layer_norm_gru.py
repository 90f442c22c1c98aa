"""Gated recurrent unit with layer normalisation."""

import keras
from keras import ops

from keras_seq.cells.gru import GRUCell


def normalised_gates(product, gain, bias, epsilon):
    """Normalise `[..., 3 * units]`: both gates as one vector, the candidate as another. Returns the two."""
    split = [2 * (product.shape[-1] // 3)]
    products, gains = ops.split(product, split, axis=-1), ops.split(gain, split)
    biases = [None, None] if bias is None else ops.split(bias, split)
    return [ops.layer_normalization(p, a, b, epsilon=epsilon) for p, a, b in zip(products, gains, biases, strict=True)]


def layer_norm_gru_step(projected, h, recurrent_kernel, gain, bias, epsilon, activation, recurrent_activation):
    """One step: projected `[batch, 3 * units]`, normalised already; h `[batch, units]` to the new h."""
    h_gates, h_h = normalised_gates(ops.matmul(h, recurrent_kernel), gain, bias, epsilon)
    x_z, x_r, x_h = ops.split(projected, 3, axis=-1)
    h_z, h_r = ops.split(h_gates, 2, axis=-1)
    z = recurrent_activation(x_z + h_z)
    candidate = activation(x_h + recurrent_activation(x_r + h_r) * h_h)
    return z * h + (1 - z) * candidate


@keras.saving.register_keras_serializable(package="keras_seq")
class LayerNormGRUCell(GRUCell):
    """The GRU with the layer normalisation of Ba et al. (2016), "Layer Normalization".

        (z, r) = LN(x_t W_zr; a_zr) + b_zr + LN(h_{t-1} U_zr; a'_zr) + b'_zr        both gates are one vector
        g_t = tanh(LN(x_t W_h; a_h) + b_h + sigmoid(r) * (LN(h_{t-1} U_h; a'_h) + b'_h))
        h_t = sigmoid(z) * h_{t-1} + (1 - sigmoid(z)) * g_t
        LN(v; a) = a * (v - mean(v)) / sqrt(variance(v) + epsilon)

    with `W` = `kernel`, `U` = `recurrent_kernel`, the gains `a` = `kernel_gain` and `a'` = `recurrent_gain`, each a
    concatenation in the order z, r, h, and the shifts `b`, `b'` = the two rows of `bias`. `z` keeps the old state, as
    in `GRUCell`; in the paper it is the other way round.

    Args:
        units: Positive integer, size of the state and the output.
        epsilon: Small number that is added to the variance. Defaults to `1e-3`.
        **kwargs: Arguments of `GRUCell`, except `reset_after`: the reset gate comes after the matrix product.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LayerNormGRUCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(self, units, epsilon=1e-3, **kwargs):
        super().__init__(units, reset_after=True, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        width = self.gates * self.units
        self.kernel_gain = self.add_weight(shape=(width,), initializer="ones", name="kernel_gain")
        self.recurrent_gain = self.add_weight(shape=(width,), initializer="ones", name="recurrent_gain")

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., 3 * units]`, normalised."""
        product = ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))
        gain = self.computed(self.kernel_gain)
        return ops.concatenate(normalised_gates(product, gain, self.input_bias(), self.epsilon), axis=-1)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 3 * units]`, states `[h]`."""
        recurrent_kernel, gain = self.computed(self.recurrent_kernel), self.computed(self.recurrent_gain)
        bias, activation, recurrent_activation = self.recurrent_bias(), self.activation, self.recurrent_activation
        h = states[0]
        h = layer_norm_gru_step(
            projected, h, recurrent_kernel, gain, bias, self.epsilon, activation, recurrent_activation
        )
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        config = super().get_config()
        del config["reset_after"]
        return {**config, "epsilon": self.epsilon}

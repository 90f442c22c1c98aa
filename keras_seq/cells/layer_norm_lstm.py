"""LSTM with layer normalisation."""

import keras
from keras import ops

from keras_seq.cells.lstm import LSTMCell


def layer_norm_lstm_step(
    projected, h, c, recurrent_kernel, recurrent_gain, state_gain, state_bias, epsilon, activation, recurrent_activation
):
    """One step: projected `[batch, 4 * units]`, normalised already; h and c `[batch, units]` to the new h and c."""
    inner = ops.layer_normalization(ops.matmul(h, recurrent_kernel), recurrent_gain, epsilon=epsilon)
    i, f, g, o = ops.split(ops.add(projected, inner), 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    normalised = ops.layer_normalization(c, state_gain, state_bias, epsilon=epsilon)
    return recurrent_activation(o) * activation(normalised), c


@keras.saving.register_keras_serializable(package="keras_seq")
class LayerNormLSTMCell(LSTMCell):
    """The LSTM with the layer normalisation of Ba et al. (2016), "Layer Normalization".

        (i, f, g, o) = LN(x_t W; a_x) + LN(h_{t-1} U; a_h) + b            all gates are normalised as one vector
        c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
        h_t = sigmoid(o) * tanh(LN(c_t; a_c) + b_c)
        LN(z; a) = a * (z - mean(z)) / sqrt(variance(z) + epsilon)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order i, f, c, o; the gains
    `a_x`, `a_h`, `a_c` = `kernel_gain`, `recurrent_gain`, `state_gain`; the shift `b_c` = `state_bias`. The paper's
    shifts of the two sums only ever appear added, so they are one bias here. `c_t` is carried on as it is, as in the
    paper; TensorFlow Addons' cell of this name carried the normalised one.

    Args:
        units: Positive integer, size of both states and of the output.
        epsilon: Small number that is added to the variance. Defaults to `1e-3`.
        **kwargs: Arguments of `LSTMCell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, each `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LayerNormLSTMCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(self, units, epsilon=1e-3, **kwargs):
        super().__init__(units, **kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        width, units = self.gates * self.units, self.units
        self.kernel_gain = self.add_weight(shape=(width,), initializer="ones", name="kernel_gain")
        self.recurrent_gain = self.add_weight(shape=(width,), initializer="ones", name="recurrent_gain")
        self.state_gain = self.add_weight(shape=(units,), initializer="ones", name="state_gain")
        self.state_bias = None
        if self.use_bias:
            self.state_bias = self.add_weight(shape=(units,), initializer="zeros", name="state_bias")

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., 4 * units]`, normalised."""
        product = ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))
        gain, bias = self.computed(self.kernel_gain), self.computed(self.bias)
        return ops.layer_normalization(product, gain, bias, epsilon=self.epsilon)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[h, c]`."""
        h, c = states
        h, c = layer_norm_lstm_step(
            projected,
            h,
            c,
            self.computed(self.recurrent_kernel),
            self.computed(self.recurrent_gain),
            self.computed(self.state_gain),
            self.computed(self.state_bias),
            self.epsilon,
            self.activation,
            self.recurrent_activation,
        )
        return h, [h, c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "epsilon": self.epsilon}

"""Long short-term memory."""

import keras
from keras import activations, ops

from keras_seq.cells.kernel_cell import KernelCell


def lstm_step(projected, h, c, recurrent_kernel, activation, recurrent_activation):
    """One step of the LSTM: projected `[batch, 4 * units]`, h and c `[batch, units]` to the new h and c."""
    i, f, g, o = ops.split(ops.add(projected, ops.matmul(h, recurrent_kernel)), 4, axis=-1)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
    h = recurrent_activation(o) * activation(c)
    return h, c


@keras.saving.register_keras_serializable(package="keras_seq")
class LSTMCell(KernelCell):
    """The LSTM of Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

        i_t = sigmoid(x_t W_i + h_{t-1} U_i + b_i)        input gate
        f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)        forget gate
        g_t = tanh(x_t W_c + h_{t-1} U_c + b_c)           candidate
        o_t = sigmoid(x_t W_o + h_{t-1} U_o + b_o)        output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order i, f, c, o: the same
    cell and weights as Keras' `LSTMCell`.

    Args:
        units: Positive integer, size of both states and of the output.
        activation: Activation of the candidate and of the output. Defaults to `"tanh"`.
        recurrent_activation: Activation of the gates. Defaults to `"sigmoid"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        unit_forget_bias: Whether the forget gate's bias starts at one (Jozefowicz et al. 2015). Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.LSTMCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, each `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LSTMCell(4), return_state=True)
    >>> output, h, c = layer(np.random.random((32, 10, 8)))
    >>> output.shape
    (32, 4)
    """

    gates = 4

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        unit_forget_bias=True,
        **kwargs,
    ):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gate's part is one with `unit_forget_bias`."""
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        units = self.units
        parts = [self.bias_initializer((units,), dtype=dtype), ops.ones((units,), dtype=dtype)]
        return ops.concatenate([*parts, self.bias_initializer((2 * units,), dtype=dtype)])

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[h, c]`."""
        recurrent_kernel = self.computed(self.recurrent_kernel)
        h, c = states
        h, c = lstm_step(projected, h, c, recurrent_kernel, self.activation, self.recurrent_activation)
        return h, [h, c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }

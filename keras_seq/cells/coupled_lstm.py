"""LSTM whose input gate is what its forget gate leaves."""

import keras
from keras import ops

from keras_seq.cells.lstm import LSTMCell


def coupled_lstm_step(projected, h, c, recurrent_kernel, activation, recurrent_activation):
    """One step: projected `[batch, 3 * units]`, h and c `[batch, units]` to the new h and c."""
    f, g, o = ops.split(ops.add(projected, ops.matmul(h, recurrent_kernel)), 3, axis=-1)
    f = recurrent_activation(f)
    c = f * c + (1 - f) * activation(g)
    h = recurrent_activation(o) * activation(c)
    return h, c


@keras.saving.register_keras_serializable(package="keras_seq")
class CoupledLSTMCell(LSTMCell):
    """The LSTM with coupled input and forget gate (CIFG) of Greff et al. (2017), "LSTM: A Search Space Odyssey".

        f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)        forget gate
        g_t = tanh(x_t W_c + h_{t-1} U_c + b_c)           candidate
        o_t = sigmoid(x_t W_o + h_{t-1} U_o + b_o)        output gate
        c_t = f_t * c_{t-1} + (1 - f_t) * g_t
        h_t = o_t * tanh(c_t)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order f, c, o. The cell
    writes as much as it forgets, so its state stays bounded; it has three quarters of the weights of an `LSTMCell`.

    Args:
        units: Positive integer, size of both states and of the output.
        **kwargs: Arguments of `LSTMCell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, each `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.CoupledLSTMCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    gates = 3

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gate's part is one with `unit_forget_bias`."""
        bias = self.bias_initializer(shape, dtype=dtype)
        if not self.unit_forget_bias:
            return bias
        return ops.concatenate([ops.ones((self.units,), dtype=dtype), bias[self.units :]])

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 3 * units]`, states `[h, c]`."""
        recurrent_kernel = self.computed(self.recurrent_kernel)
        h, c = states
        h, c = coupled_lstm_step(projected, h, c, recurrent_kernel, self.activation, self.recurrent_activation)
        return h, [h, c]

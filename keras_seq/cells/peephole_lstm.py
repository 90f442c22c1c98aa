"""LSTM whose gates see the cell state."""

import keras
from keras import initializers, ops

from keras_seq.cells.lstm import LSTMCell


def peephole_lstm_step(projected, h, c, recurrent_kernel, peepholes, activation, recurrent_activation):
    """One step: projected `[batch, 4 * units]`, h and c `[batch, units]`, three peepholes `[units]` to the new h, c."""
    p_i, p_f, p_o = peepholes
    i, f, g, o = ops.split(ops.add(projected, ops.matmul(h, recurrent_kernel)), 4, axis=-1)
    c = recurrent_activation(f + p_f * c) * c + recurrent_activation(i + p_i * c) * activation(g)
    h = recurrent_activation(o + p_o * c) * activation(c)
    return h, c


@keras.saving.register_keras_serializable(package="keras_seq")
class PeepholeLSTMCell(LSTMCell):
    """The LSTM with peephole connections of Gers and Schmidhuber (2000), "Recurrent Nets that Time and Count".

        i_t = sigmoid(x_t W_i + h_{t-1} U_i + p_i * c_{t-1} + b_i)        input gate
        f_t = sigmoid(x_t W_f + h_{t-1} U_f + p_f * c_{t-1} + b_f)        forget gate
        g_t = tanh(x_t W_c + h_{t-1} U_c + b_c)                           candidate
        c_t = f_t * c_{t-1} + i_t * g_t
        o_t = sigmoid(x_t W_o + h_{t-1} U_o + p_o * c_t + b_o)            output gate
        h_t = o_t * tanh(c_t)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order i, f, c, o, and the
    peepholes `p_i`, `p_f`, `p_o` = `input_peephole`, `forget_peephole`, `output_peephole`, one number a unit. A gate
    that sees its cell can measure time (Gers et al. 2002, "Learning Precise Timing with LSTM Recurrent Networks").

    Args:
        units: Positive integer, size of both states and of the output.
        peephole_initializer: Initializer of the peepholes; with `"zeros"` the cell starts as an `LSTMCell`. Defaults to
            `"glorot_uniform"`.
        **kwargs: Arguments of `LSTMCell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, each `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.PeepholeLSTMCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(self, units, peephole_initializer="glorot_uniform", **kwargs):
        super().__init__(units, **kwargs)
        self.peephole_initializer = initializers.get(peephole_initializer)

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.input_peephole, self.forget_peephole, self.output_peephole = (
            self.add_weight(shape=(self.units,), initializer=self.peephole_initializer, name=f"{gate}_peephole")
            for gate in ("input", "forget", "output")
        )

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[h, c]`."""
        recurrent_kernel = self.computed(self.recurrent_kernel)
        peepholes = [self.computed(p) for p in (self.input_peephole, self.forget_peephole, self.output_peephole)]
        activation, recurrent_activation = self.activation, self.recurrent_activation
        h, c = states
        h, c = peephole_lstm_step(projected, h, c, recurrent_kernel, peepholes, activation, recurrent_activation)
        return h, [h, c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "peephole_initializer": initializers.serialize(self.peephole_initializer)}

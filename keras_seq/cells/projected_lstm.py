"""LSTM with a recurrent projection."""

import keras
from keras import initializers, ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.lstm import LSTMCell, lstm_step


def projected_lstm_step(projected, h, c, recurrent_kernel, projection_kernel, activation, recurrent_activation):
    """One step: projected `[batch, 4 * units]`, h `[batch, projection]`, c `[batch, units]` to the new h and c."""
    wide, c = lstm_step(projected, h, c, recurrent_kernel, activation, recurrent_activation)
    return ops.matmul(wide, projection_kernel), c


@keras.saving.register_keras_serializable(package="keras_seq")
class ProjectedLSTMCell(LSTMCell):
    """The LSTM with a recurrent projection layer (LSTMP) of Sak et al. (2014), "Long Short-Term Memory Based RNNs".

        i_t = sigmoid(x_t W_i + h_{t-1} U_i + b_i)        input gate
        f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)        forget gate
        g_t = tanh(x_t W_c + h_{t-1} U_c + b_c)           candidate
        o_t = sigmoid(x_t W_o + h_{t-1} U_o + b_o)        output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = (o_t * tanh(c_t)) P

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order i, f, c, o, and `P` =
    `projection_kernel`. What is fed back and put out has the size of the projection, so a wide memory costs few
    recurrent weights. The same cell as PyTorch's `nn.LSTM(proj_size=...)`; the paper's peepholes are left out.

    Args:
        units: Positive integer, size of the state `c`.
        projection: Positive integer, size of the state `h` and of the output.
        projection_initializer: Initializer of `projection_kernel`. Defaults to `"glorot_uniform"`.
        **kwargs: Arguments of `LSTMCell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, `[batch, projection]` and `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ProjectedLSTMCell(64, projection=4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(self, units, projection, projection_initializer="glorot_uniform", **kwargs):
        super().__init__(units, **kwargs)
        self.projection = check_units(projection, "projection")
        self.projection_initializer = initializers.get(projection_initializer)
        self.state_size = [self.projection, self.units]
        self.output_size = self.projection

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.projection_kernel = self.add_weight(
            shape=(self.units, self.projection), initializer=self.projection_initializer, name="projection_kernel"
        )

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[h, c]`."""
        recurrent_kernel, projection_kernel = (
            self.computed(self.recurrent_kernel),
            self.computed(self.projection_kernel),
        )
        activation, recurrent_activation = self.activation, self.recurrent_activation
        h, c = states
        h, c = projected_lstm_step(
            projected, h, c, recurrent_kernel, projection_kernel, activation, recurrent_activation
        )
        return h, [h, c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "projection": self.projection,
            "projection_initializer": initializers.serialize(self.projection_initializer),
        }

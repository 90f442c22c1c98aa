"""The minimal LSTM that runs in parallel."""

import keras
from keras import activations, ops

from keras_seq.cells.linear_cell import LinearCell


@keras.saving.register_keras_serializable(package="keras_seq")
class MinLSTMCell(LinearCell):
    """The minLSTM of Feng et al. (2024), "Were RNNs All We Needed?".

        f_t = sigmoid(x_t W_f + b_f)                                        forget gate
        i_t = sigmoid(x_t W_i + b_i)                                        input gate
        g_t = x_t W_h + b_h                                                 candidate
        h_t = (f_t * h_{t-1} + i_t * g_t) / (f_t + i_t)

    with `W` = `kernel` and `b` = `bias`, each a concatenation in the order f, i, h: an LSTM whose gates and candidate
    no longer see the state, whose gates add up to one, and which has no output gate. `Recurrent` runs it in parallel
    over time.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Optional activation of the candidate; the paper has none. Defaults to `None`.
        unit_forget_bias: Whether the forget gate's bias starts at one. Defaults to `False`.
        **kwargs: Further arguments of `LinearCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.MinLSTMCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    gates = 3

    def __init__(self, units, activation=None, unit_forget_bias=False, **kwargs):
        super().__init__(units, **kwargs)
        self.activation = activations.get(activation)
        self.unit_forget_bias = unit_forget_bias

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gate's part is one with `unit_forget_bias`."""
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        rest = super().initial_bias((2 * self.units,), dtype)
        return ops.concatenate([ops.ones((self.units,), dtype=dtype), rest])

    def coefficients(self, projected):
        """Map projected `[..., 3 * units]` to `(a, b)`, each `[..., units]`."""
        f, i, g = ops.split(projected, 3, axis=-1)
        # f / (f + i) as one sigmoid: both gates may be too small for a quotient.
        forget = ops.softplus(-i) - ops.softplus(-f)
        return ops.sigmoid(forget), ops.sigmoid(-forget) * self.activation(g)

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
            "unit_forget_bias": self.unit_forget_bias,
        }

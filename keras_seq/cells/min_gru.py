"""The minimal GRU that runs in parallel."""

import keras
from keras import activations, ops

from keras_seq.cells.linear_cell import LinearCell


@keras.saving.register_keras_serializable(package="keras_seq")
class MinGRUCell(LinearCell):
    """The minGRU of Feng et al. (2024), "Were RNNs All We Needed?".

        z_t = sigmoid(x_t W_z + b_z)                    update gate
        g_t = x_t W_h + b_h                             candidate
        h_t = (1 - z_t) * h_{t-1} + z_t * g_t

    with `W` = `kernel` and `b` = `bias`, each a concatenation in the order z, h: a GRU whose gate and candidate no
    longer see the state. `Recurrent` runs it in parallel over time.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Optional activation of the candidate; the paper has none. Defaults to `None`.
        **kwargs: Further arguments of `LinearCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.MinGRUCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    gates = 2

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(units, **kwargs)
        self.activation = activations.get(activation)

    def coefficients(self, projected):
        """Map projected `[..., 2 * units]` to `(a, b)`, each `[..., units]`."""
        z, g = ops.split(projected, 2, axis=-1)
        # sigmoid(-z) is 1 - sigmoid(z) without the loss of digits where z is large.
        return ops.sigmoid(-z), ops.sigmoid(z) * self.activation(g)

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}

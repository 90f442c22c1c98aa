"""The minimal gated unit."""

import keras
from keras import activations, ops

from keras_seq.cells.kernel_cell import KernelCell


def mgu_step(projected, h, recurrent_kernel, activation, recurrent_activation):
    """One step of the minimal gated unit: projected `[batch, 2 * units]`, h `[batch, units]` to the new h."""
    x_f, x_h = ops.split(projected, 2, axis=-1)
    u_f, u_h = ops.split(recurrent_kernel, 2, axis=-1)
    f = recurrent_activation(x_f + ops.matmul(h, u_f))
    candidate = activation(x_h + ops.matmul(f * h, u_h))
    return (1 - f) * h + f * candidate


@keras.saving.register_keras_serializable(package="keras_seq")
class MGUCell(KernelCell):
    """The MGU of Zhou et al. (2016), "Minimal Gated Unit for Recurrent Neural Networks": a GRU with one gate.

        f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)              forget gate
        g_t = tanh(x_t W_h + (f_t * h_{t-1}) U_h + b_h)         candidate
        h_t = (1 - f_t) * h_{t-1} + f_t * g_t

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order f, h.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Activation of the candidate. Defaults to `"tanh"`.
        recurrent_activation: Activation of the gate. Defaults to `"sigmoid"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers of `KernelCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.MGUCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    gates = 2

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, **kwargs):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 2 * units]`, states `[h]`."""
        recurrent_kernel = self.computed(self.recurrent_kernel)
        h = mgu_step(projected, states[0], recurrent_kernel, self.activation, self.recurrent_activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation)}

"""Gated recurrent unit, with the reset gate before or after the matrix product."""

import keras
from keras import activations, ops

from keras_seq.cells.kernel_cell import KernelCell


def gru_step(projected, h, recurrent_kernel, recurrent_bias, activation, recurrent_activation):
    """One step of the GRU with the reset gate after the product: projected `[batch, 3 * units]`, h `[batch, units]`."""
    inner = ops.matmul(h, recurrent_kernel)
    if recurrent_bias is not None:
        inner = ops.add(inner, recurrent_bias)
    x_z, x_r, x_h = ops.split(projected, 3, axis=-1)
    h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
    z = recurrent_activation(x_z + h_z)
    candidate = activation(x_h + recurrent_activation(x_r + h_r) * h_h)
    return z * h + (1 - z) * candidate


def gru_step_reset_before(projected, h, recurrent_kernel, activation, recurrent_activation):
    """One step of the GRU with the reset gate before the product; shapes as in `gru_step`."""
    units = h.shape[-1]
    x_z, x_r, x_h = ops.split(projected, 3, axis=-1)
    h_z, h_r = ops.split(ops.matmul(h, recurrent_kernel[:, : 2 * units]), 2, axis=-1)
    z = recurrent_activation(x_z + h_z)
    candidate = activation(x_h + ops.matmul(recurrent_activation(x_r + h_r) * h, recurrent_kernel[:, 2 * units :]))
    return z * h + (1 - z) * candidate


@keras.saving.register_keras_serializable(package="keras_seq")
class GRUCell(KernelCell):
    """The gated recurrent unit of Cho et al. (2014).

        z_t = sigmoid(x_t W_z + h_{t-1} U_z + b_z)                    update gate
        r_t = sigmoid(x_t W_r + h_{t-1} U_r + b_r)                    reset gate
        g_t = tanh(x_t W_h + r_t * (h_{t-1} U_h + b'_h) + b_h)        candidate, `reset_after=True`
        g_t = tanh(x_t W_h + (r_t * h_{t-1}) U_h + b_h)               candidate, `reset_after=False`
        h_t = z_t * h_{t-1} + (1 - z_t) * g_t

    with `W` = `kernel`, `U` = `recurrent_kernel`, each a concatenation in the order z, r, h. The first kind is cuDNN's
    and Keras' default; the second is the one of Cho et al. (2014, version 1). With `reset_after=True` `bias` has two
    rows: one for the inputs, one (b') for the state. The same cell and weights as Keras' `GRUCell`.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Activation of the candidate. Defaults to `"tanh"`.
        recurrent_activation: Activation of the gates. Defaults to `"sigmoid"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        reset_after: Whether the reset gate is applied after the matrix product. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.GRUCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.GRUCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        reset_after=True,
        **kwargs,
    ):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def bias_shape(self):
        """Two rows with `reset_after`: the inputs' bias and the state's."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self):
        """The row of the bias that belongs to the inputs, or None."""
        bias = self.computed(self.bias)
        return bias[0] if self.use_bias and self.reset_after else bias

    def recurrent_bias(self):
        """The row of the bias that belongs to the state, or None."""
        return self.computed(self.bias)[1] if self.use_bias and self.reset_after else None

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 3 * units]`, states `[h]`."""
        recurrent_kernel = self.computed(self.recurrent_kernel)
        activation, recurrent_activation = self.activation, self.recurrent_activation
        if self.reset_after:
            bias = self.recurrent_bias()
            h = gru_step(projected, states[0], recurrent_kernel, bias, activation, recurrent_activation)
        else:
            h = gru_step_reset_before(projected, states[0], recurrent_kernel, activation, recurrent_activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }

"""sLSTM: the scalar memory of xLSTM, with exponential gates."""

import keras
import numpy as np
from keras import ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.kernel_cell import KernelCell

LOG_FORGET = {"sigmoid": ops.log_sigmoid, "exponential": lambda x: x}


def slstm_step(projected, h, c, n, m, recurrent_kernel, activation, log_forget):
    """One step of the sLSTM: projected `[batch, 4 * units]`, states `[batch, units]` to the new h, c, n and m."""
    i, f, z, o = ops.split(ops.add(projected, product_by_head(h, recurrent_kernel)), 4, axis=-1)
    kept = ops.where(n == 0, i, log_forget(f) + m)  # where nothing is stored yet, only the input counts
    m = ops.maximum(kept, i)
    i, f = ops.exp(i - m), ops.exp(kept - m)
    c = f * c + i * activation(z)
    n = f * n + i
    return ops.sigmoid(o) * c / n, c, n, m


def product_by_head(h, recurrent_kernel):
    """The product of h `[batch, units]` with a kernel `[heads, size, gates * size]`: `[batch, gates * units]`."""
    heads, size, width = recurrent_kernel.shape
    if heads == 1:
        return ops.matmul(h, recurrent_kernel[0])
    inner = ops.einsum("bhd,hde->bhe", ops.reshape(h, (-1, heads, size)), recurrent_kernel)
    by_gate = ops.transpose(ops.reshape(inner, (-1, heads, width // size, size)), (0, 2, 1, 3))
    return ops.reshape(by_gate, (-1, heads * width))


@keras.saving.register_keras_serializable(package="keras_seq")
class SLSTMCell(KernelCell):
    """The sLSTM of Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory".

        i_t = exp(x_t W_i + h_{t-1} R_i + b_i)                     input gate
        f_t = sigmoid(x_t W_f + h_{t-1} R_f + b_f), or exp         forget gate
        z_t = tanh(x_t W_z + h_{t-1} R_z + b_z)                    candidate
        o_t = sigmoid(x_t W_o + h_{t-1} R_o + b_o)                 output gate
        c_t = f_t * c_{t-1} + i_t * z_t
        n_t = f_t * n_{t-1} + i_t                                  normaliser
        h_t = o_t * c_t / n_t

    with `W` = `kernel`, `b` = `bias`, each a concatenation in the order i, f, z, o, and `R` = `recurrent_kernel`, which
    has one block a head: the units of a head see each other, not those of other heads. An exponential gate can revise
    what was stored, however much it was; so that it cannot overflow, `c` and `n` are kept divided by `exp(m_t)`, with

        m_t = max(log f_t + m_{t-1}, log i_t)                      stabiliser

    (and `m_t = log i_t` where nothing is stored yet, n = 0), which leaves `h_t` as it is.

    Args:
        units: Positive integer, size of each state and of the output; a multiple of `heads`.
        heads: Positive integer, number of heads. Defaults to `1`.
        forget_activation: `"sigmoid"` or `"exponential"`. Defaults to `"sigmoid"`.
        forget_bias: Pair `(first, last)`: the forget gate's bias starts between them, spread evenly over the units of a
            head, so that each remembers for another time. Defaults to `(3.0, 6.0)`.
        activation: Activation of the candidate. Defaults to `"tanh"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.LSTMCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c, n, m]`, each `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.SLSTMCell(8, heads=2))
    >>> layer(np.random.random((32, 10, 4))).shape
    (32, 8)
    """

    gates = 4

    def __init__(
        self,
        units,
        heads=1,
        forget_activation="sigmoid",
        forget_bias=(3.0, 6.0),
        activation="tanh",
        use_bias=True,
        **kwargs,
    ):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.heads = check_heads(heads, self.units)
        self.forget_activation = check_forget_activation(forget_activation)
        self.forget_bias = tuple(forget_bias)
        self.state_size = [self.units] * 4

    def recurrent_shape(self):
        """One block a head."""
        size = self.units // self.heads
        return (self.heads, size, 4 * size)

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gate's is `forget_bias`."""
        units = self.units
        i, z, o = (self.bias_initializer((units,), dtype=dtype) for _ in range(3))
        first, last = self.forget_bias
        f = np.tile(np.linspace(first, last, units // self.heads), self.heads)
        return ops.concatenate([i, ops.convert_to_tensor(f, dtype=dtype), z, o])

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[h, c, n, m]`."""
        kernel, log_forget = self.computed(self.recurrent_kernel), LOG_FORGET[self.forget_activation]
        h, c, n, m = states
        h, c, n, m = slstm_step(projected, h, c, n, m, kernel, self.activation, log_forget)
        return h, [h, c, n, m]

    @property
    def free_states(self):
        """The memory, its normaliser and its stabiliser belong together: they start empty."""
        return [0]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "forget_activation": self.forget_activation,
            "forget_bias": self.forget_bias,
        }


def check_heads(heads, units):
    """Return `heads`, or raise the error that both cells of xLSTM give where it does not divide the units."""
    if units % check_units(heads, "heads"):
        raise ValueError(f"Argument `units` must be a multiple of `heads`. Received: units={units}, heads={heads}")
    return heads


def check_forget_activation(forget_activation):
    """Return `forget_activation`, or raise the error that both cells of xLSTM give for an unknown one."""
    if forget_activation not in LOG_FORGET:
        raise ValueError(
            f"Argument `forget_activation` must be one of {list(LOG_FORGET)}. Received: {forget_activation!r}"
        )
    return forget_activation

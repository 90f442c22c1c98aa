"""mLSTM: the matrix memory of xLSTM."""

import math

import keras
import numpy as np
from keras import initializers, ops, regularizers

from keras_seq.cells.cell import RecurrentCell, check_units
from keras_seq.cells.slstm import LOG_FORGET, check_forget_activation, check_heads


def mlstm_step(q, k, v, i, f, c, n, m, log_forget):
    """One step of the mLSTM, without the output gate, to the new h, c, n and m.

    q, k, v and n are `[batch, heads, size]`, the gates' i and f and m are `[batch, heads]`, c is
    `[batch, heads, size, size]`.
    """
    kept = log_forget(f) + m
    # The 0 stands for the 1 in the denominator, which becomes exp(-m) and could overflow as the gates could.
    m = ops.maximum(ops.maximum(kept, i), 0)
    i, f = ops.expand_dims(ops.exp(i - m), -1), ops.expand_dims(ops.exp(kept - m), -1)
    c = ops.expand_dims(f, -1) * c + ops.expand_dims(i * v, -1) * ops.expand_dims(k, -2)
    n = f * n + i * k
    found = ops.squeeze(ops.matmul(c, ops.expand_dims(q, -1)), -1)
    weight = ops.maximum(ops.abs(ops.sum(n * q, axis=-1)), ops.exp(-m))
    return found / ops.expand_dims(weight, -1), c, n, m


@keras.saving.register_keras_serializable(package="keras_seq")
class MLSTMCell(RecurrentCell):
    """The mLSTM of Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory".

    Each head has a matrix `C` as its memory: what is stored is a value under a key, what is read is found by a query.

        q_t = x_t W_q + b_q                                        query
        k_t = (x_t W_k + b_k) / sqrt(size)                         key
        v_t = x_t W_v + b_v                                        value
        o_t = sigmoid(x_t W_o + b_o)                               output gate
        i_t = exp(x_t w_i + b_i)                                   input gate, one number a head
        f_t = sigmoid(x_t w_f + b_f), or exp                       forget gate, one number a head
        C_t = f_t * C_{t-1} + i_t * (v_t outer k_t)
        n_t = f_t * n_{t-1} + i_t * k_t                            normaliser
        h_t = o_t * (C_t q_t) / max(|n_t . q_t|, 1)

    with `W` = `kernel` and `b` = `bias`, each a concatenation in the order q, k, v, o, i, f; head by head in q, k, v
    and o. Nothing but the memory itself is recurrent. So that an exponential gate cannot overflow, `C` and `n` are kept
    divided by `exp(m_t)`, with

        m_t = max(log f_t + m_{t-1}, log i_t, 0)                   stabiliser

    which leaves `h_t` as it is, since the 1 in the denominator becomes `exp(-m_t)`.

    Args:
        units: Positive integer, size of the output; a multiple of `heads`.
        heads: Positive integer, number of heads, each of `size = units / heads`. A sequence has a memory of
            `units * size` numbers. Defaults to `4`.
        forget_activation: `"sigmoid"` or `"exponential"`. Defaults to `"sigmoid"`.
        forget_bias: Pair `(first, last)`: the forget gate's bias starts between them, spread evenly over the heads.
            Defaults to `(3.0, 6.0)`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`. Defaults to `"glorot_uniform"`.
        bias_initializer: Initializer of `bias`, without the forget gate's part. Defaults to `"zeros"`.
        kernel_regularizer: Regularizer of `kernel`.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[n, C, m]`: `[batch, heads * size]`, `[batch, heads * size * size]` and `[batch, heads]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.MLSTMCell(8, heads=2))
    >>> layer(np.random.random((32, 10, 4))).shape
    (32, 8)
    """

    def __init__(
        self,
        units,
        heads=4,
        forget_activation="sigmoid",
        forget_bias=(3.0, 6.0),
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.heads = check_heads(heads, self.units)
        self.forget_activation = check_forget_activation(forget_activation)
        self.forget_bias = tuple(forget_bias)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.size = self.units // self.heads
        # First a state of the output's size: on JAX, `keras.layers.RNN` takes the one from the other.
        self.state_size = [self.units, self.units * self.size, self.heads]
        self.output_size = self.units

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        width = 4 * self.units + 2 * self.heads
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = (
            self.add_weight(shape=(width,), initializer=self.initial_bias, name="bias") if self.use_bias else None
        )
        self.built = True

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gate's is `forget_bias`."""
        rest = self.bias_initializer((shape[0] - self.heads,), dtype=dtype)
        first, last = self.forget_bias
        return ops.concatenate([rest, ops.convert_to_tensor(np.linspace(first, last, self.heads), dtype=dtype)])

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., 4 * units + 2 * heads]` with one matrix product."""
        projected = ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))
        return ops.add(projected, self.computed(self.bias)) if self.use_bias else projected

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units + 2 * heads]`, states `[n, C, m]`."""
        units, heads, size = self.units, self.heads, self.size
        places = [units, 2 * units, 3 * units, 4 * units, 4 * units + heads]
        q, k, v, o, i, f = ops.split(projected, places, axis=-1)
        q, k, v, n = (ops.reshape(part, (-1, heads, size)) for part in (q, k, v, states[0]))
        c, m = ops.reshape(states[1], (-1, heads, size, size)), states[2]
        h, c, n, m = mlstm_step(q, k / math.sqrt(size), v, i, f, c, n, m, LOG_FORGET[self.forget_activation])
        h = ops.sigmoid(o) * ops.reshape(h, (-1, units))
        return h, [ops.reshape(n, (-1, units)), ops.reshape(c, (-1, units * size)), m]

    @property
    def free_states(self):
        """Normaliser, memory and stabiliser belong together: they start empty."""
        return []

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "units": self.units,
            "heads": self.heads,
            "forget_activation": self.forget_activation,
            "forget_bias": self.forget_bias,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
        }

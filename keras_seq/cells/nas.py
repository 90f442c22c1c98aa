"""The cell that neural architecture search found."""

import keras
from keras import initializers, ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.kernel_cell import KernelCell


def nas_step(projected, h, c, recurrent_kernel, bias, projection_kernel):
    """One step: projected `[batch, 8 * units]`, h `[batch, output_size]`, c `[batch, units]` to the new h and c."""
    inner = ops.matmul(h, recurrent_kernel)
    if bias is not None:
        inner = ops.add(inner, bias)
    x = ops.split(projected, 8, axis=-1)
    m = ops.split(inner, 8, axis=-1)
    q = ops.tanh(ops.sigmoid(x[0] + m[0]) * ops.relu(x[1] + m[1]))
    r = ops.tanh(ops.sigmoid(x[2] + m[2]) + ops.relu(x[3] * m[3]))
    s = ops.tanh(ops.tanh(x[4] + m[4]) * ops.sigmoid(x[5] + m[5]))
    v = ops.sigmoid(ops.tanh(x[6] + m[6]) + ops.sigmoid(x[7] + m[7]))
    c = ops.tanh(q + c) * r
    h = ops.tanh(c * ops.tanh(s + v))
    return h if projection_kernel is None else ops.matmul(h, projection_kernel), c


@keras.saving.register_keras_serializable(package="keras_seq")
class NASCell(KernelCell):
    """The cell of Zoph and Le (2016), "Neural Architecture Search with Reinforcement Learning".

        x_k = x_t W_k,    m_k = h_{t-1} U_k + b_k                  k = 1 ... 8
        q = tanh(sigmoid(x_1 + m_1) * relu(x_2 + m_2))
        r = tanh(sigmoid(x_3 + m_3) + relu(x_4 * m_4))
        s = tanh(tanh(x_5 + m_5) * sigmoid(x_6 + m_6))
        v = sigmoid(tanh(x_7 + m_7) + sigmoid(x_8 + m_8))
        c_t = tanh(q + c_{t-1}) * r
        h_t = tanh(c_t * tanh(s + v)) P

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, each a concatenation in the order 1 ... 8, and `P` =
    `projection_kernel`, which is left out without `projection`. The bias belongs to the recurrent product, since one
    branch multiplies it with the inputs. TensorFlow Addons has the same equations, with the states the other way round.

    Args:
        units: Positive integer, size of the state `c`.
        projection: Optional size of the state `h` and of the output. Defaults to `None`: they have the size `units`.
        use_bias: Whether the cell has a bias. Defaults to `False`.
        recurrent_initializer: Initializer of `recurrent_kernel`. Defaults to `"glorot_uniform"`.
        projection_initializer: Initializer of `projection_kernel`. Defaults to `"glorot_uniform"`.
        **kwargs: Further arguments of `KernelCell`, except `activation`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, c]`, `[batch, output_size]` and `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.NASCell(16, projection=4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    gates = 8

    def __init__(
        self,
        units,
        projection=None,
        use_bias=False,
        recurrent_initializer="glorot_uniform",
        projection_initializer="glorot_uniform",
        **kwargs,
    ):
        # The search fixed all activations, so the cell takes none.
        super().__init__(
            units, activation="tanh", use_bias=use_bias, recurrent_initializer=recurrent_initializer, **kwargs
        )
        self.projection = None if projection is None else check_units(projection, "projection")
        self.projection_initializer = initializers.get(projection_initializer)
        self.output_size = self.projection or self.units
        self.state_size = [self.output_size, self.units]

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.projection_kernel = None
        if self.projection:
            self.projection_kernel = self.add_weight(
                shape=(self.units, self.projection), initializer=self.projection_initializer, name="projection_kernel"
            )

    def input_bias(self):
        """None: the bias is added to the recurrent product."""
        return

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 8 * units]`, states `[h, c]`."""
        weights = self.recurrent_kernel, self.bias, self.projection_kernel
        recurrent_kernel, bias, projection_kernel = map(self.computed, weights)
        h, c = states
        h, c = nas_step(projected, h, c, recurrent_kernel, bias, projection_kernel)
        return h, [h, c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        config = super().get_config()
        del config["activation"]
        return {
            **config,
            "projection": self.projection,
            "projection_initializer": initializers.serialize(self.projection_initializer),
        }

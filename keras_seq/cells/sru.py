"""The simple recurrent unit."""

import math

import keras
from keras import initializers, ops

from keras_seq.cells.linear_cell import LinearCell


def sru_step(u, f, r, highway, c, peephole=None):
    """One step of the SRU; all tensors `[batch, units]`, `f` and `r` before their sigmoid, `peephole` `[2, units]`."""
    if peephole is not None:
        f, r = f + peephole[0] * c, r + peephole[1] * c
    f, r = ops.sigmoid(f), ops.sigmoid(r)
    c = f * c + (1 - f) * u
    return r * c + (1 - r) * highway, c


@keras.saving.register_keras_serializable(package="keras_seq")
class SRUCell(LinearCell):
    """The simple recurrent unit of Lei et al. (2018), "Simple Recurrent Units for Highly Parallelizable Recurrence".

        f_t = sigmoid(x_t W_f + v_f * c_{t-1} + b_f)                 forget gate
        r_t = sigmoid(x_t W_r + v_r * c_{t-1} + b_r)                 reset gate
        c_t = f_t * c_{t-1} + (1 - f_t) * (x_t W)                    light recurrence
        h_t = r_t * c_t + (1 - r_t) * x_t * alpha                    highway connection

    with `W, W_f, W_r` = `kernel` in this order, `b_f, b_r` = `bias` and, with `peephole=True`, `v_f, v_r` = the rows of
    `peephole`. Where the inputs have another size than the state, the highway takes `x_t W_h` in place of `x_t`, and
    `W_h` is the last part of `kernel`. `alpha`, the scaling correction, keeps the variance of the inputs over many
    layers; it is sqrt(1 + 2 exp(b)), where b is the highway bias, and part of the initial `W_h` where there is one.

    Without `v_f` and `v_r`, as in the paper's first version, the state is a linear function of the one before it, and
    `Recurrent` runs all steps in parallel; with them, as in the published version, step follows step.

    Args:
        units: Positive integer, size of the state and the output.
        peephole: Whether the gates see the state, through `v_f` and `v_r`. Defaults to `False`.
        highway_bias: Initial value of `b_r`; the further below zero, the more of its inputs a layer hands on.
            Defaults to `0.0`.
        rescale: Whether `alpha` is as above; otherwise it is 1. Defaults to `True`.
        use_bias: Whether the gates have a bias. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`. Defaults to `"lecun_uniform"`, as in the paper.
        peephole_initializer: Initializer of `peephole`. Defaults to `"zeros"`.
        **kwargs: Further arguments of `LinearCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `c`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.SRUCell(4), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(
        self,
        units,
        peephole=False,
        highway_bias=0.0,
        rescale=True,
        use_bias=True,
        kernel_initializer="lecun_uniform",
        peephole_initializer="zeros",
        **kwargs,
    ):
        super().__init__(units, use_bias=use_bias, kernel_initializer=kernel_initializer, **kwargs)
        self.peephole = peephole
        self.highway_bias = highway_bias
        self.rescale = rescale
        self.peephole_initializer = initializers.get(peephole_initializer)
        self.peephole_kernel = None
        self.linear = not peephole
        self.alpha = math.sqrt(1 + 2 * math.exp(highway_bias)) if rescale else 1.0

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        self.gates = 3 if input_shape[-1] == self.units else 4
        super().build(input_shape)
        if self.peephole:
            self.peephole_kernel = self.add_weight(
                shape=(2, self.units), initializer=self.peephole_initializer, name="peephole"
            )

    def bias_shape(self):
        """Only the two gates have a bias."""
        return (2 * self.units,)

    def initial_kernel(self, shape, dtype=None):
        """Value of the kernel before training, the highway's part scaled by `alpha`."""
        kernel = super().initial_kernel(shape, dtype)
        if self.gates == 3:
            return kernel
        units = self.units
        return ops.concatenate([kernel[:, : 3 * units], self.alpha * kernel[:, 3 * units :]], axis=-1)

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training: that of the reset gate is `highway_bias`."""
        forget = super().initial_bias((self.units,), dtype=dtype)
        return ops.concatenate([forget, ops.full((self.units,), self.highway_bias, dtype=dtype)])

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., 4 * units]`: u, f, r and the highway."""
        inputs = ops.cast(inputs, self.compute_dtype)
        projected = ops.matmul(inputs, self.computed(self.kernel))
        if self.gates == 3:
            projected = ops.concatenate([projected, self.alpha * inputs], axis=-1)
        if self.bias is None:
            return projected
        bias, units = self.computed(self.bias), self.units
        return ops.add(projected, ops.pad(bias, [[units, units]]))

    def coefficients(self, projected):
        """Map projected `[..., 4 * units]` to `(a, b)`, each `[..., units]`; only without peepholes."""
        u, f, _, _ = ops.split(projected, 4, axis=-1)
        f = ops.sigmoid(f)
        return f, (1 - f) * u

    def read_out(self, projected, states):
        """Map projected `[..., 4 * units]` and the states `[c]` to outputs `[..., units]`; only without peepholes."""
        _, _, r, highway = ops.split(projected, 4, axis=-1)
        r = ops.sigmoid(r)
        return r * states[0] + (1 - r) * highway

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, 4 * units]`, states `[c]`."""
        u, f, r, highway = ops.split(projected, 4, axis=-1)
        h, c = sru_step(u, f, r, highway, states[0], self.computed(self.peephole_kernel))
        return h, [c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "peephole": self.peephole,
            "highway_bias": self.highway_bias,
            "rescale": self.rescale,
            "peephole_initializer": initializers.serialize(self.peephole_initializer),
        }

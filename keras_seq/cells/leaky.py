"""Leaky units: each unit keeps a part of its last value."""

import keras
import numpy as np
from keras import ops

from keras_seq.cells.elman import elman_step
from keras_seq.cells.kernel_cell import KernelCell


def leaky_step(projected, h, recurrent_kernel, leak, activation):
    """One step of leaky units: projected and h `[batch, units]`, leak `[units]`."""
    return leak * h + (1 - leak) * elman_step(projected, h, recurrent_kernel, activation)


@keras.saving.register_keras_serializable(package="keras_seq")
class LeakyCell(KernelCell):
    """The Elman network with leaky units.

        h_t = a * h_{t-1} + (1 - a) * tanh(x_t W + h_{t-1} U + b)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`, and one `a` in [0, 1) a unit: 0 is an Elman unit, near
    1 one that changes slowly and so remembers long. Units of different `a` see different time scales (Jaeger et al.
    2007, "Optimization and Applications of Echo State Networks with Leaky-Integrator Neurons", where 1 - a is the
    leaking rate; Bengio et al. 2013, "Advances in Optimizing Recurrent Networks").

    Args:
        units: Positive integer, size of the state and the output.
        leak: The `a` of all units, or a pair `(first, last)` between which the units' are spread evenly. Defaults to
            `0.5`.
        learned: Whether the `a` are trained, from `leak` on, as the sigmoid of the weight `leak`. Defaults to `False`.
        activation: Activation function. Defaults to `"tanh"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.SimpleRNNCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LeakyCell(4, leak=(0.0, 0.99)))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(self, units, leak=0.5, learned=False, activation="tanh", use_bias=True, **kwargs):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.leak = _check_leak(leak, learned)
        self.learned = learned

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.leak_logit = (
            self.add_weight(shape=(self.units,), initializer=self.initial_leak_logit, name="leak")
            if self.learned
            else None
        )

    def initial_leaks(self):
        """The `a` of every unit before training, as a NumPy array `[units]`."""
        first, last = self.leak if isinstance(self.leak, tuple) else (self.leak, self.leak)
        return np.linspace(first, last, self.units)

    def initial_leak_logit(self, shape, dtype=None):
        """Value of the weight `leak` before training."""
        leaks = self.initial_leaks()
        return ops.convert_to_tensor(np.log(leaks / (1 - leaks)), dtype=dtype)

    def leaks(self):
        """The `a` of every unit, `[units]`."""
        if self.learned:
            return ops.sigmoid(self.computed(self.leak_logit))
        return ops.convert_to_tensor(self.initial_leaks(), dtype=self.compute_dtype)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h]`."""
        h = leaky_step(projected, states[0], self.computed(self.recurrent_kernel), self.leaks(), self.activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "leak": self.leak, "learned": self.learned}


def _check_leak(leak, learned):
    """`leak` as a float or a pair of floats."""
    pair = isinstance(leak, (list, tuple))
    values = list(leak) if pair else [leak]
    numbers = all(isinstance(value, (int, float)) and 0 <= value < 1 for value in values)
    if not numbers or (pair and len(values) != 2):
        raise ValueError(f"Argument `leak` must be a number in [0, 1) or a pair of them. Received: leak={leak!r}")
    if learned and not all(values):
        raise ValueError(f"A learned leak is a sigmoid, which is never 0: start from above 0. Received: leak={leak!r}")
    return tuple(float(value) for value in values) if pair else float(leak)

"""The clockwork network: modules that tick at rates of their own."""

import keras
import numpy as np
from keras import ops

from keras_seq.cells.elman import elman_step
from keras_seq.cells.kernel_cell import KernelCell

# Above these integers a half-precision clock cannot count in steps of one.
LARGEST_PERIOD = {"float16": 2048, "bfloat16": 256}


def clockwork_step(projected, h, clock, recurrent_kernel, periods, activation):
    """One step: projected and h `[batch, units]`, clock `[batch, modules]`, periods `[modules]`."""
    batch, units, modules = ops.shape(h)[0], h.shape[-1], clock.shape[-1]
    candidate = elman_step(projected, h, recurrent_kernel, activation)
    ticks = ops.broadcast_to(ops.expand_dims(clock < 0.5, -1), (batch, modules, units // modules))
    h = ops.where(ops.reshape(ticks, (batch, units)), candidate, h)
    clock = clock + 1
    return h, ops.where(clock > periods - 0.5, ops.zeros_like(clock), clock)


@keras.saving.register_keras_serializable(package="keras_seq")
class ClockworkCell(KernelCell):
    """The network of Koutnik et al. (2014), "A Clockwork RNN".

        h_t[i] = tanh(x_t W_i + h_{t-1} U_i + b_i)    where t mod T_i = 0, counting t from 0
        h_t[i] = h_{t-1}[i]                           elsewhere

    for the module i, a block of `units / modules` units with period `T_i`; `W` = `kernel`, `U` = `recurrent_kernel`,
    `b` = `bias`. `U` has a block from module j to module i only where `T_j >= T_i`: slow modules speak to fast ones,
    never the other way. (The other blocks of `recurrent_kernel` are not used.)

    The clock is a state: for each module the number of steps since it ticked, so that it does not grow with the
    sequence. A masked step leaves it alone: time is counted in valid steps.

    Args:
        units: Positive integer, size of the state and the output; a multiple of the number of modules.
        periods: Positive integers, the period of each module. Defaults to `(1, 2, 4, 8)` or, where `units` is not a
            multiple of four, to as many of them as divide it (1 always does).
        activation: Activation function. Defaults to `"tanh"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.SimpleRNNCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h, clock]`: `[batch, units]` and `[batch, modules]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ClockworkCell(8, periods=(1, 2, 4, 16)))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 8)
    """

    def __init__(self, units, periods=None, activation="tanh", use_bias=True, **kwargs):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        if periods is None:
            periods = (1, 2, 4, 8)[: max(count for count in (1, 2, 3, 4) if self.units % count == 0)]
        self.periods = _check_periods(periods, self.units, self.compute_dtype)
        self.state_size = [self.units, len(self.periods)]

    def connections(self):
        """Which entries of the recurrent kernel are used: a NumPy array of zeros and ones, `[units, units]`."""
        periods = np.repeat(self.periods, self.units // len(self.periods))
        return (periods[:, None] >= periods[None, :]).astype("float32")

    def initial_recurrent_kernel(self, shape, dtype=None):
        """Value of the recurrent kernel before training; zero where it is not used."""
        kernel = super().initial_recurrent_kernel(shape, dtype)
        return kernel * ops.convert_to_tensor(self.connections(), dtype=kernel.dtype)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h, clock]`."""
        connections = ops.convert_to_tensor(self.connections(), dtype=self.compute_dtype)
        recurrent_kernel = self.computed(self.recurrent_kernel) * connections
        h, clock = states
        periods = ops.convert_to_tensor(self.periods, dtype=self.compute_dtype)
        h, clock = clockwork_step(projected, h, clock, recurrent_kernel, periods, self.activation)
        return h, [h, clock]

    @property
    def free_states(self):
        """The clock counts from zero."""
        return [0]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "periods": self.periods}


def _check_periods(periods, units, dtype):
    """`periods` as a tuple of integers that fit the units and what a clock of the dtype can count."""
    periods = tuple(periods) if isinstance(periods, (list, tuple)) else ()
    if not periods or not all(isinstance(period, int) and period > 0 for period in periods):
        raise ValueError(f"Argument `periods` must list positive integers. Received: periods={periods}")
    if units % len(periods):
        raise ValueError(
            f"Argument `units` must be a multiple of the number of periods, {len(periods)}. Received: units={units}"
        )
    largest = LARGEST_PERIOD.get(dtype)
    if largest and max(periods) > largest:
        raise ValueError(f"A clock in {dtype} counts to {largest}: use float32. Received: periods={periods}")
    return periods

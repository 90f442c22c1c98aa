"""The independently recurrent network: every unit sees its own past alone."""

import keras
from keras import initializers, ops

from keras_seq.cells.kernel_cell import KernelCell


def indrnn_step(projected, h, recurrent_kernel, activation):
    """One step: projected and h `[batch, units]`, recurrent kernel `[units]`."""
    return activation(projected + recurrent_kernel * h)


@keras.saving.register_keras_serializable(package="keras_seq")
class MagnitudeLimit(keras.constraints.Constraint):
    """Keeps every number of a weight between `-limit` and `limit`.

    Args:
        limit: Positive number.
    """

    def __init__(self, limit):
        self.limit = limit

    def __call__(self, value):
        """Return the value, clipped."""
        return ops.clip(value, -self.limit, self.limit)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"limit": self.limit}


@keras.saving.register_keras_serializable(package="keras_seq")
class IndRNNCell(KernelCell):
    """The IndRNN of Li et al. (2018), "Independently Recurrent Neural Network: Building a Longer and Deeper RNN".

        h_t = relu(x_t W + u * h_{t-1} + b)

    with `W` = `kernel`, `u` = `recurrent_kernel`, one number a unit, and `b` = `bias`. Units talk to each other in the
    next layer only. Over T steps a gradient is multiplied with `u` to the power of T, so the paper keeps `|u|` at most
    2^(1/T): `recurrent_clip=2 ** (1 / time)`.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Activation function. Defaults to `"relu"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        recurrent_initializer: Initializer of `recurrent_kernel`. Defaults to a uniform distribution from zero to one,
            as in the paper.
        recurrent_clip: Optional positive number that no recurrent weight exceeds in magnitude, neither at first nor
            after a step of an optimizer. Defaults to `None`.
        **kwargs: Further arguments of `KernelCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.IndRNNCell(4, recurrent_clip=2 ** (1 / 10)))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(
        self, units, activation="relu", use_bias=True, recurrent_initializer=None, recurrent_clip=None, **kwargs
    ):
        if recurrent_initializer is None:
            recurrent_initializer = initializers.RandomUniform(0.0, 1.0)
        super().__init__(
            units, activation=activation, use_bias=use_bias, recurrent_initializer=recurrent_initializer, **kwargs
        )
        if recurrent_clip is not None and not recurrent_clip > 0:
            raise ValueError(
                f"Argument `recurrent_clip` must be a positive number. Received: recurrent_clip={recurrent_clip}"
            )
        self.recurrent_clip = recurrent_clip

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        if self.recurrent_clip is not None:
            self.recurrent_kernel.constraint = MagnitudeLimit(self.recurrent_clip)

    def recurrent_shape(self):
        """One recurrent weight a unit."""
        return (self.units,)

    def initial_recurrent_kernel(self, shape, dtype=None):
        """Value of the recurrent weights before training, clipped as they are after each step of an optimizer."""
        value = super().initial_recurrent_kernel(shape, dtype)
        return value if self.recurrent_clip is None else MagnitudeLimit(self.recurrent_clip)(value)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h]`."""
        h = indrnn_step(projected, states[0], self.computed(self.recurrent_kernel), self.activation)
        return h, [h]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "recurrent_clip": self.recurrent_clip}

"""The Elman network: the plain recurrent cell."""

import keras
from keras import ops

from keras_seq.cells.kernel_cell import KernelCell


def elman_step(projected, h, recurrent_kernel, activation):
    """One step of the Elman network, `[batch, units]` in and out."""
    return activation(ops.add(projected, ops.matmul(h, recurrent_kernel)))


@keras.saving.register_keras_serializable(package="keras_seq")
class ElmanCell(KernelCell):
    """The vanilla recurrent cell of Elman (1990), "Finding Structure in Time".

        h_t = tanh(x_t W + h_{t-1} U + b)

    with `W` = `kernel`, `U` = `recurrent_kernel`, `b` = `bias`. The same cell and weights as Keras' `SimpleRNNCell`.

    Args:
        units: Positive integer, size of the state and the output.
        activation: Activation function. Defaults to `"tanh"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.SimpleRNNCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `h`, `[batch, units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ElmanCell(4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[h]`."""
        h = elman_step(projected, states[0], self.computed(self.recurrent_kernel), self.activation)
        return h, [h]

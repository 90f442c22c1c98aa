"""The higher-order recurrent network: a step sees several states of the past."""

import keras
from keras import ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.kernel_cell import KernelCell


def higher_order_step(projected, states, recurrent_kernel, activation):
    """One step: projected `[batch, units]`, `order` states `[batch, units]`, kernel `[order, units, units]`."""
    order, units = len(states), states[0].shape[-1]
    kernel = ops.reshape(recurrent_kernel, (order * units, units))
    # One product with all states side by side is the sum of the products.
    return activation(ops.add(projected, ops.matmul(ops.concatenate(states, axis=-1), kernel)))


@keras.saving.register_keras_serializable(package="keras_seq")
class HigherOrderCell(KernelCell):
    """The higher-order network of Soltani and Jiang (2016), "Higher Order Recurrent Neural Networks".

        h_t = tanh(x_t W + h_{t-1} U_1 + h_{t-2} U_2 + ... + h_{t-n} U_n + b)

    with `W` = `kernel`, `U_k` = `recurrent_kernel[k - 1]`, `b` = `bias`. A gradient can go back n steps at a time. With
    n = 1 it is `ElmanCell`. States before the first step are zero.

    Args:
        units: Positive integer, size of each state and of the output.
        order: Positive integer, how many states of the past a step sees. Defaults to `2`.
        activation: Activation function. Defaults to `"tanh"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        **kwargs: Initializers and regularizers as in `keras.layers.SimpleRNNCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List `[h_{t-1}, ..., h_{t-n}]`, each `[batch, units]`, the oldest last.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.HigherOrderCell(4, order=3))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(self, units, order=2, activation="tanh", use_bias=True, **kwargs):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.order = check_units(order, "order")
        self.state_size = [self.units] * self.order

    def recurrent_shape(self):
        """One recurrent kernel a state of the past."""
        return (self.order, self.units, self.units)

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states from the newest to the oldest."""
        states = list(states)
        h = higher_order_step(projected, states, self.computed(self.recurrent_kernel), self.activation)
        return h, [h, *states[:-1]]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "order": self.order}

"""The Jordan network: the output feeds back."""

import keras
from keras import activations, initializers, ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.kernel_cell import KernelCell


def jordan_step(projected, y, recurrent_kernel, output_kernel, output_bias, activation, output_activation):
    """One step of the Jordan network: projected `[batch, units]`, y `[batch, outputs]` to the new y."""
    h = activation(ops.add(projected, ops.matmul(y, recurrent_kernel)))
    y = ops.matmul(h, output_kernel)
    return output_activation(y if output_bias is None else ops.add(y, output_bias))


@keras.saving.register_keras_serializable(package="keras_seq")
class JordanCell(KernelCell):
    """The network of Jordan (1986), "Serial Order: A Parallel Distributed Processing Approach".

        h_t = tanh(x_t W + y_{t-1} U + b)
        y_t = tanh(h_t V + c)

    with `W` = `kernel`, `U` = `recurrent_kernel` (the back projections), `b` = `bias`, `V` = `output_kernel`, `c` =
    `output_bias`. What the network remembers is what it put out: the state is `y`, not the hidden layer as in
    `ElmanCell`. Teacher forcing is to step from the true output.

    Args:
        units: Positive integer, size of the hidden layer.
        outputs: Positive integer, size of the output and the state. Defaults to `units`.
        activation: Activation of the hidden layer. Defaults to `"tanh"`.
        output_activation: Activation of the output. Defaults to `"tanh"`, which keeps what feeds back bounded.
        use_bias: Whether the hidden layer and the output have a bias. Defaults to `True`.
        output_initializer: Initializer of `output_kernel`. Defaults to `"glorot_uniform"`.
        **kwargs: Initializers and regularizers as in `keras.layers.SimpleRNNCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `y`, `[batch, outputs]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.JordanCell(16, outputs=4))
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(
        self,
        units,
        outputs=None,
        activation="tanh",
        output_activation="tanh",
        use_bias=True,
        output_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        self.outputs = self.units if outputs is None else check_units(outputs, "outputs")
        self.output_activation = activations.get(output_activation)
        self.output_initializer = initializers.get(output_initializer)
        self.state_size = self.outputs
        self.output_size = self.outputs

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        super().build(input_shape)
        self.output_kernel = self.add_weight(
            shape=(self.units, self.outputs), initializer=self.output_initializer, name="output_kernel"
        )
        self.output_bias = (
            self.add_weight(shape=(self.outputs,), initializer=self.bias_initializer, name="output_bias")
            if self.use_bias
            else None
        )

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, units]`, states `[y]`."""
        y = jordan_step(
            projected,
            states[0],
            self.computed(self.recurrent_kernel),
            self.computed(self.output_kernel),
            self.computed(self.output_bias),
            self.activation,
            self.output_activation,
        )
        return y, [y]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "output_activation": activations.serialize(self.output_activation),
            "output_initializer": initializers.serialize(self.output_initializer),
        }

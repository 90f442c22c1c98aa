"""What cells with a kernel, a recurrent kernel and a bias share: their arguments, weights and config."""

from keras import activations, initializers, ops, regularizers

from keras_seq.cells.cell import RecurrentCell, check_units


class KernelCell(RecurrentCell):
    """A cell with the three weights of Keras' own recurrent layers: `kernel`, `recurrent_kernel` and `bias`.

    Its weights have the names, shapes and gate order of Keras' cell of the same kind, so that
    `cell.set_weights(keras_cell.get_weights())` carries a trained layer over unchanged.

    Args:
        units: Positive integer, size of the output.
        activation: Activation of the candidate and, in an LSTM, of the cell's output.
        use_bias: Whether the cell has a bias.
        kernel_initializer: Initializer of `kernel`, which maps the inputs.
        recurrent_initializer: Initializer of `recurrent_kernel`, which maps the state.
        bias_initializer: Initializer of `bias`.
        kernel_regularizer: Regularizer of `kernel`.
        recurrent_regularizer: Regularizer of `recurrent_kernel`.
    """

    gates = 1

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.state_size: int | list[int] = self.units
        self.output_size = self.units

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"The last dimension of the inputs must be known. Received: input_shape={input_shape}")
        width = self.gates * self.units
        self.kernel = self.add_weight(
            shape=(features, width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=self.recurrent_shape(),
            initializer=self.initial_recurrent_kernel,
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        self.bias = (
            self.add_weight(shape=self.bias_shape(), initializer=self.initial_bias, name="bias")
            if self.use_bias
            else None
        )
        self.built = True

    def recurrent_shape(self) -> tuple[int, ...]:
        """Shape of the recurrent kernel: it maps the output, which is fed back."""
        return (self.output_size, self.gates * self.units)

    def initial_recurrent_kernel(self, shape, dtype=None):
        """Value of the recurrent kernel before training."""
        return self.recurrent_initializer(shape, dtype=dtype)

    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias; the gated cells have one entry a gate and unit."""
        return (self.gates * self.units,)

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training."""
        return self.bias_initializer(shape, dtype=dtype)

    def input_bias(self):
        """The bias that is added to the projected inputs, in the compute dtype, or None."""
        return self.computed(self.bias)

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., gates * units]` with one matrix product."""
        projected = ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))
        bias = self.input_bias()
        return projected if bias is None else ops.add(projected, bias)

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
        }

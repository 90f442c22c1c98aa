"""The contract of a cell whose recurrence is linear in its state."""

from keras import initializers, ops, regularizers

from keras_seq.cells.cell import RecurrentCell, check_units


class LinearCell(RecurrentCell):
    """A cell with the state `c_t = a_t * c_{t-1} + b_t`, where `a` and `b` depend on the inputs alone.

    Since all `a` and `b` can be computed before the first state is known, `Recurrent` runs such a cell in parallel over
    time (`keras_seq/recurrent/linear_scan.py`); stepped, it gives the same numbers. The products are elementwise: units
    see each other's past in the next layer only.

    A subclass sets `gates` and defines `coefficients`; it may define `read_out`. It gets a `kernel` `[features, gates *
    units]` and a `bias` `[gates * units]`. One whose step needs the state after all (as SRU's peepholes do) overrides
    `step` and says `linear = False` for itself.

    Args:
        units: Positive integer, size of the state and the output.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`. Defaults to `"glorot_uniform"`.
        bias_initializer: Initializer of `bias`. Defaults to `"zeros"`.
        kernel_regularizer: Optional regularizer of `kernel`.
        bias_regularizer: Optional regularizer of `bias`.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List with the state `c`, `[batch, units]`.
    """

    gates = 1
    linear = True

    def __init__(
        self,
        units,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.state_size: int | list[int] = self.units
        self.output_size = self.units

    def build(self, input_shape):
        """Create the weights for inputs `[batch, features]`."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"The last dimension of the inputs must be known. Received: input_shape={input_shape}")
        self.kernel = self.add_weight(
            shape=self.kernel_shape(features),
            initializer=self.initial_kernel,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = (
            self.add_weight(
                shape=self.bias_shape(), initializer=self.initial_bias, regularizer=self.bias_regularizer, name="bias"
            )
            if self.use_bias
            else None
        )
        self.built = True

    def kernel_shape(self, features) -> tuple[int, ...]:
        """Shape of the kernel: one column a gate and unit."""
        return (features, self.gates * self.units)

    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias: one entry a gate and unit."""
        return (self.gates * self.units,)

    def initial_kernel(self, shape, dtype=None):
        """Value of the kernel before training."""
        return self.kernel_initializer(shape, dtype=dtype)

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training."""
        return self.bias_initializer(shape, dtype=dtype)

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., gates * units]` with one matrix product."""
        projected = ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))
        return projected if self.bias is None else ops.add(projected, self.computed(self.bias))

    def project_from(self, sequences, states, mask=None, reverse=False):
        """Project all steps, with what earlier steps contribute beside the state `c`; by default they do not.

        A driver calls it once a sequence; `step` does the same for one step.

        Args:
            sequences: Tensor `[time, batch, features]`.
            states: List of the states after `c`, as the sequence starts.
            mask: Optional boolean tensor `[time, batch]`; steps where it is false are passed over.
            reverse: Whether the sequence runs from the last step to the first.

        Returns:
            `(projected, states)`: what `coefficients` and `read_out` take, and the final states after `c`.
        """
        return self.project_inputs(sequences), list(states)

    def coefficients(self, projected):
        """Map projected `[..., projected]` to `(a, b)`, each `[..., units]`."""
        raise NotImplementedError(f"{type(self).__name__} must define coefficients(projected).")

    def read_out(self, projected, states):
        """Map projected `[..., projected]` and the states `[c]` after the step to outputs `[..., units]`."""
        return states[0]

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, gates * units]`, states `[c]`."""
        a, b = self.coefficients(projected)
        c = a * states[0] + b
        return self.read_out(projected, [c]), [c]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
        }

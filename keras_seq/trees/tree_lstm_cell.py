"""What both Tree-LSTMs share: their arguments, weights, leaves and config."""

import keras
from keras import activations, initializers, ops, regularizers

from keras_seq.cells.cell import check_units
from keras_seq.trees.tree_cell import TreeCell, check_arity


class TreeLSTMCell(TreeCell):
    """A Tree-LSTM with the weights `kernel`, `recurrent_kernel` and `bias`.

    Args:
        units: Positive integer, size of both states and of the output.
        arity: Largest number of children of a node, or None for any number in no order.
        activation: Activation of the candidate and of the output. Defaults to `"tanh"`.
        recurrent_activation: Activation of the gates. Defaults to `"sigmoid"`.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        unit_forget_bias: Whether the bias of the forget gates starts at one. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`, which maps the inputs.
        recurrent_initializer: Initializer of `recurrent_kernel`, which maps the states of the children.
        bias_initializer: Initializer of `bias`.
        kernel_regularizer: Regularizer of `kernel`.
        recurrent_regularizer: Regularizer of `recurrent_kernel`.
        recurrent_dropout: Fraction of the components of the candidates of inner nodes that are dropped while training,
            as in Semeniuta et al. (2016). Defaults to `0.0`.
        seed: Optional seed of the dropout.
    """

    reads_inner_inputs = True

    def __init__(
        self,
        units,
        arity=None,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        unit_forget_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.arity = None if arity is None else check_arity(arity)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.unit_forget_bias = unit_forget_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        if not 0 <= recurrent_dropout < 1:
            raise ValueError(f"Argument `recurrent_dropout` must be in [0, 1). Received: {recurrent_dropout}")
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        if recurrent_dropout:  # without it the cell has no random state, which files would have to hold
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.state_size = [self.units, self.units]
        self.output_size = self.units

    def build(self, input_shape, children_shape=None):
        """Create the weights for inputs `[batch, features]`."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"The last dimension of the inputs must be known. Received: input_shape={input_shape}")
        self.kernel = self.add_weight(
            shape=(features, 4 * self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=self.recurrent_shape(),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        self.bias = (
            self.add_weight(shape=(4 * self.units,), initializer=self.initial_bias, name="bias")
            if self.use_bias
            else None
        )
        self.built = True

    def recurrent_shape(self) -> tuple[int, int]:
        """Shape of the recurrent kernel."""
        return (self.units, 4 * self.units)

    def initial_bias(self, shape, dtype=None):
        """Value of the bias before training; the forget gates' part is one with `unit_forget_bias`."""
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        parts = [self.bias_initializer((self.units,), dtype=dtype), ops.ones((self.units,), dtype=dtype)]
        return ops.concatenate([*parts, self.bias_initializer((2 * self.units,), dtype=dtype)])

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., 4 * units]` with one matrix product."""
        return ops.matmul(ops.cast(inputs, self.compute_dtype), self.computed(self.kernel))

    def step_weights(self):
        """The recurrent kernel, and the bias or None."""
        return [self.computed(self.recurrent_kernel), self.computed(self.bias)]

    def leaf(self, projected, weights):
        """States `[h, c]` of leaves: the equations with no child."""
        i, _, g, o = ops.split(self.add_bias(projected, weights[1]), 4, axis=-1)
        c = self.recurrent_activation(i) * self.activation(g)
        return [self.recurrent_activation(o) * self.activation(c), c]

    @property
    def is_noisy(self) -> bool:
        """Whether there is dropout."""
        return self.recurrent_dropout > 0

    def noise(self, nodes):
        """What the candidates of inner nodes are multiplied with, `[nodes, units]`."""
        ones = ops.ones((nodes, self.units), dtype=self.compute_dtype)
        return keras.random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)

    def add_bias(self, projected, bias):
        """The part of the gates that does not depend on the children, or None if there is none."""
        if projected is None or bias is None:
            return bias if projected is None else projected
        return projected + bias

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "unit_forget_bias": self.unit_forget_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }

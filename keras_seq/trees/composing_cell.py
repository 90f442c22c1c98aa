"""What the cells of Socher et al. share: word vectors are the leaves, one function composes."""

from keras import activations, initializers, ops, regularizers

from keras_seq.cells.cell import check_units
from keras_seq.trees.tree_cell import TreeCell, check_arity


class ComposingCell(TreeCell):
    """A cell whose leaves are the word vectors themselves, with the weights `kernel` and `bias`.

    Args:
        units: Positive integer, size of the vector of a node, and so of a word vector.
        arity: Largest number of children of a node. A child that is missing counts as zero. Defaults to `2`.
        activation: Activation of an inner node. Defaults to `"tanh"`.
        leaf_activation: Activation of the word vectors. Defaults to none.
        use_bias: Whether the cell has a bias. Defaults to `True`.
        kernel_initializer: Initializer of `kernel`, which maps the children.
        bias_initializer: Initializer of `bias`.
        kernel_regularizer: Regularizer of `kernel`.
    """

    def __init__(
        self,
        units,
        arity=2,
        activation="tanh",
        leaf_activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.arity = check_arity(arity)
        self.activation = activations.get(activation)
        self.leaf_activation = activations.get(leaf_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.state_size: int | list[int] = self.units
        self.output_size = self.units

    @property
    def input_size(self) -> int:
        """Features that the inputs of a leaf must have."""
        return self.units

    def build(self, input_shape, children_shape=None):
        """Create the weights for inputs `[batch, input_size]`."""
        if input_shape[-1] != self.input_size:
            raise ValueError(
                f"The states of leaves are their inputs: these must have {self.input_size} features. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            shape=(self.arity * self.units, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = (
            self.add_weight(shape=(self.units,), initializer=self.bias_initializer, name="bias")
            if self.use_bias
            else None
        )
        self.built = True

    def project_inputs(self, inputs):
        """The inputs of leaves, as they are."""
        return ops.cast(inputs, self.compute_dtype)

    def step_weights(self):
        """The kernel, and the bias or None."""
        return [self.computed(self.kernel), self.computed(self.bias)]

    def leaf(self, projected, weights):
        """The word vectors are the states."""
        return [self.leaf_activation(projected)]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "units": self.units,
            "arity": self.arity,
            "activation": activations.serialize(self.activation),
            "leaf_activation": activations.serialize(self.leaf_activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
        }


def affine(children, kernel, bias):
    """`children W + b`: children `[nodes, arity * units]` side by side to `[nodes, units]`."""
    mapped = ops.matmul(children, kernel)
    return mapped if bias is None else ops.add(mapped, bias)

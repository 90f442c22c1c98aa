"""The recursive neural tensor network."""

import keras
from keras import initializers, ops, regularizers

from keras_seq.trees.composing_cell import ComposingCell, affine


def bilinear(children, tensor):
    """`children^T V children` for each slice of V: `[nodes, size]`, `[size, size, units]` to `[nodes, units]`."""
    size, _, units = tensor.shape
    products = ops.expand_dims(children, 2) * ops.expand_dims(children, 1)  # [nodes, size, size]
    return ops.matmul(ops.reshape(products, (-1, size * size)), ops.reshape(tensor, (size * size, units)))


@keras.saving.register_keras_serializable(package="keras_seq")
class TensorCell(ComposingCell):
    """The recursive neural tensor network (RNTN) of Socher et al. (2013), "Recursive Deep Models for Semantic
    Compositionality Over a Sentiment Treebank".

        c   = [c_1; ...; c_N]
        p_k = tanh(c^T V_k c + (c W + b)_k)

    for a node with children `c_1` ... `c_N`, with `W` = `kernel`, `b` = `bias` and `V` = `tensor`, of which `V_k` is
    `tensor[:, :, k]`. The vector of a leaf is its word vector (in the authors' program its tanh: `leaf_activation`).

    Args:
        units: Positive integer, size of the vector of a node, and so of a word vector.
        arity: Largest number of children of a node. A child that is missing counts as zero. Defaults to `2`.
        tensor_initializer: Initializer of `tensor`. Defaults to uniform between `-1 / (4 * units)` and
            `1 / (4 * units)`.
        tensor_regularizer: Regularizer of `tensor`.
        **kwargs: `activation`, `leaf_activation`, `use_bias`, initializers and regularizers of `kernel` and `bias`, and
            the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, units]`, the word vectors of leaves; None for inner nodes.
        children: Optional list with the vectors of the children, `[batch, children, units]`.

    Example:

    >>> layer = keras_seq.Recursive(keras_seq.TensorCell(8))
    >>> tree = {"parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> layer(np.random.random((1, 3, 8)), tree).shape
    (1, 8)
    """

    def __init__(self, units, arity=2, tensor_initializer=None, tensor_regularizer=None, **kwargs):
        super().__init__(units, arity=arity, **kwargs)
        if tensor_initializer is None:
            tensor_initializer = initializers.RandomUniform(-1 / (4 * self.units), 1 / (4 * self.units))
        self.tensor_initializer = initializers.get(tensor_initializer)
        self.tensor_regularizer = regularizers.get(tensor_regularizer)

    def build(self, input_shape, children_shape=None):
        """Create the weights for inputs `[batch, units]`."""
        super().build(input_shape)
        size = self.arity * self.units
        self.tensor = self.add_weight(
            shape=(size, size, self.units),
            initializer=self.tensor_initializer,
            regularizer=self.tensor_regularizer,
            name="tensor",
        )

    def step_weights(self):
        """The kernel, the bias or None, and the tensor."""
        return [*super().step_weights(), self.computed(self.tensor)]

    def compose(self, projected, messages, weights):
        """Vectors of inner nodes, from those of their children, `[nodes, arity, units]`."""
        kernel, bias, tensor = weights
        children = ops.reshape(messages[0], (-1, self.arity * self.units))
        return [self.activation(bilinear(children, tensor) + affine(children, kernel, bias))]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "tensor_initializer": initializers.serialize(self.tensor_initializer),
            "tensor_regularizer": regularizers.serialize(self.tensor_regularizer),
        }

"""The recursive neural network: the plain tree cell."""

import keras
from keras import ops

from keras_seq.trees.composing_cell import ComposingCell, affine


@keras.saving.register_keras_serializable(package="keras_seq")
class RecursiveCell(ComposingCell):
    """The recursive neural network of Socher, Lin, Ng and Manning (2011), "Parsing Natural Scenes and Natural Language
    with Recursive Neural Networks".

        p = tanh([c_1; ...; c_N] W + b)

    for a node with children `c_1` ... `c_N`, with `W` = `kernel`, `b` = `bias`. The vector of a leaf is its word
    vector.

    Args:
        units: Positive integer, size of the vector of a node, and so of a word vector.
        arity: Largest number of children of a node. A child that is missing counts as zero. Defaults to `2`.
        **kwargs: `activation`, `leaf_activation`, `use_bias`, initializers and regularizers of `kernel` and `bias`, and
            the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, units]`, the word vectors of leaves; None for inner nodes.
        children: Optional list with the vectors of the children, `[batch, children, units]`.

    Example:

    >>> layer = keras_seq.Recursive(keras_seq.RecursiveCell(8))
    >>> tree = {"parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> layer(np.random.random((1, 3, 8)), tree).shape
    (1, 8)
    """

    def __init__(self, units, arity=2, **kwargs):
        super().__init__(units, arity=arity, **kwargs)

    def compose(self, projected, messages, weights):
        """Vectors of inner nodes, from those of their children, `[nodes, arity, units]`."""
        children = ops.reshape(messages[0], (-1, self.arity * self.units))
        return [self.activation(affine(children, *weights))]

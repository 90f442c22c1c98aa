"""The matrix-vector recursive network."""

import keras
from keras import initializers, ops, regularizers

from keras_seq.trees.composing_cell import ComposingCell, affine


def apply_matrices(matrices, vectors):
    """Matrices `[nodes, units, units]` times vectors `[nodes, units]`, node by node."""
    return ops.squeeze(ops.matmul(matrices, ops.expand_dims(vectors, -1)), -1)


@keras.saving.register_keras_serializable(package="keras_seq")
class MatrixVectorCell(ComposingCell):
    """The matrix-vector recursive network (MV-RNN) of Socher, Huval, Manning and Ng (2012), "Semantic Compositionality
    through Recursive Matrix-Vector Spaces".

    A node has a vector, what it means, and a matrix, how it changes the meaning of its neighbour:

        p = tanh([B a; A b] W + b_0)
        P = M^T [A; B]

    for a node whose children have the vectors a and b and the matrices A and B, with `W` = `kernel`, `b_0` = `bias`,
    `M` = `matrix_kernel`. The input of a leaf holds both: its vector, then its matrix, less the identity, row by row.
    With a `rank` r the matrix of a word is instead

        A = U V + diag(1 + d)

    and the input holds the vector, U `[units, r]`, V `[r, units]` and d `[units]`: as the paper does for large
    vocabularies. Small random inputs so give matrices near the identity, as in the paper. Trees are binary; a child
    that is missing counts as a zero vector with a zero matrix.

    Args:
        units: Positive integer, size of the vector of a node.
        rank: Rank of the matrices of words, less a diagonal one; None for matrices in full. Defaults to `None`.
        matrix_initializer: Initializer of `matrix_kernel`. Defaults to `"glorot_uniform"`.
        matrix_regularizer: Regularizer of `matrix_kernel`.
        **kwargs: `activation`, `leaf_activation`, `use_bias`, initializers and regularizers of `kernel` and `bias`, and
            the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, input_size]`, the vectors and matrices of leaves; None for inner nodes.
        children: Optional list of the vectors `[batch, children, units]` and the matrices, row by row,
            `[batch, children, units * units]`.

    Example:

    >>> cell = keras_seq.MatrixVectorCell(4, rank=1)
    >>> tree = {"parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> keras_seq.Recursive(cell)(np.random.random((1, 3, cell.input_size)), tree).shape
    (1, 4)
    """

    def __init__(self, units, rank=None, matrix_initializer="glorot_uniform", matrix_regularizer=None, **kwargs):
        if kwargs.pop("arity", 2) != 2:
            raise ValueError("The trees of a `MatrixVectorCell` are binary: `arity` must be 2.")
        super().__init__(units, arity=2, **kwargs)
        if rank is not None and (not isinstance(rank, int) or isinstance(rank, bool) or rank <= 0):
            raise ValueError(f"Argument `rank` must be a positive integer or None. Received: rank={rank!r}")
        self.rank = rank
        self.matrix_initializer = initializers.get(matrix_initializer)
        self.matrix_regularizer = regularizers.get(matrix_regularizer)
        self.state_size = [self.units, self.units**2]

    @property
    def input_size(self) -> int:
        """Features that the inputs of a leaf must have."""
        n = self.units
        return n + (n * n if self.rank is None else (2 * self.rank + 1) * n)

    def build(self, input_shape, children_shape=None):
        """Create the weights for inputs `[batch, input_size]`."""
        super().build(input_shape)
        self.matrix_kernel = self.add_weight(
            shape=(2 * self.units, self.units),
            initializer=self.matrix_initializer,
            regularizer=self.matrix_regularizer,
            name="matrix_kernel",
        )

    def step_weights(self):
        """The kernel, the bias or None, and the kernel of the matrices."""
        return [*super().step_weights(), self.computed(self.matrix_kernel)]

    def leaf(self, projected, weights):
        """The vector and the matrix that the input holds."""
        n, identity = self.units, ops.eye(self.units, dtype=self.compute_dtype)
        vector, rest = projected[:, :n], projected[:, n:]
        if self.rank is None:
            matrix = ops.reshape(rest, (-1, n, n)) + identity
        else:
            left = ops.reshape(rest[:, : n * self.rank], (-1, n, self.rank))
            right = ops.reshape(rest[:, n * self.rank : -n], (-1, self.rank, n))
            matrix = ops.matmul(left, right) + ops.expand_dims(1 + rest[:, -n:], -1) * identity
        return [self.leaf_activation(vector), ops.reshape(matrix, (-1, n * n))]

    def compose(self, projected, messages, weights):
        """Vectors and matrices of inner nodes, from those of their children, `[nodes, 2, ...]`."""
        kernel, bias, matrix_kernel = weights
        n = self.units
        a, b = messages[0][:, 0], messages[0][:, 1]
        matrix_a, matrix_b = (ops.reshape(messages[1][:, child], (-1, n, n)) for child in (0, 1))
        crossed = ops.concatenate([apply_matrices(matrix_b, a), apply_matrices(matrix_a, b)], axis=-1)
        # The paper's P = W_M [A; B], which multiplies from the left, with W_M the transpose of `matrix_kernel`.
        stacked = ops.concatenate([matrix_a, matrix_b], axis=1)  # [nodes, 2 * units, units]
        matrix = ops.matmul(ops.transpose(matrix_kernel), stacked)
        return [self.activation(affine(crossed, kernel, bias)), ops.reshape(matrix, (-1, n * n))]

    def get_config(self):
        """Return the arguments that build this cell again."""
        config = super().get_config()
        del config["arity"]
        return {
            **config,
            "rank": self.rank,
            "matrix_initializer": initializers.serialize(self.matrix_initializer),
            "matrix_regularizer": regularizers.serialize(self.matrix_regularizer),
        }

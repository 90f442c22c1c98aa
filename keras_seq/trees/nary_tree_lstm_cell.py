"""The N-ary Tree-LSTM."""

import keras
from keras import ops

from keras_seq.trees.tree_lstm_cell import TreeLSTMCell


def nary_tree_lstm_step(gates, c_children, arity, noise, activation, recurrent_activation):
    """One node: gates `[nodes, (3 + arity) * units]` and c_children `[nodes, arity, units]` to the new h and c."""
    i, *f, g, o = ops.split(gates, 3 + arity, axis=-1)
    c = recurrent_activation(i) * activation(g)
    if noise is not None:
        c = c * noise
    for k, f_k in enumerate(f):
        c = c + recurrent_activation(f_k) * c_children[:, k]
    return recurrent_activation(o) * activation(c), c


@keras.saving.register_keras_serializable(package="keras_seq")
class NaryTreeLSTMCell(TreeLSTMCell):
    """The N-ary Tree-LSTM of Tai, Socher and Manning (2015), "Improved Semantic Representations From Tree-Structured
    Long Short-Term Memory Networks", for trees whose children have an order, such as binary constituency trees.

        i_j  = sigmoid(x_j W_i + sum_l h_jl U_i,l + b_i)       input gate
        f_jk = sigmoid(x_j W_f + sum_l h_jl U_f,kl + b_f)      forget gate of child k
        g_j  = tanh(x_j W_c + sum_l h_jl U_c,l + b_c)          candidate
        o_j  = sigmoid(x_j W_o + sum_l h_jl U_o,l + b_o)       output gate
        c_j  = i_j * g_j + sum_k f_jk * c_jk
        h_j  = o_j * tanh(c_j)

    where `h_jk`, `c_jk` are the states of child k of node j, zero if there is no such child. `W` = `kernel` and `b` =
    `bias` are concatenations in the order i, f, c, o. `U` = `recurrent_kernel` has one block of rows a child l, and
    columns in the order i, f_1 ... f_N, c, o. With `arity=1` the weights are those of `LSTMCell`, and a tree that is a
    chain gives the same numbers as the LSTM.

    Args:
        units: Positive integer, size of both states and of the output.
        arity: Largest number of children of a node. Defaults to `2`.
        **kwargs: Activations, initializers and regularizers as in `LSTMCell`; `recurrent_dropout`, the fraction of the
            components of inner nodes' candidates that are dropped while training, and its `seed`; the arguments of a
            layer.

    Call arguments:
        inputs: Tensor `[batch, features]`, or None for inner nodes without an input.
        children: Optional list `[h, c]`, each `[batch, children, units]`.

    Example:

    >>> layer = keras_seq.Recursive(keras_seq.NaryTreeLSTMCell(4))
    >>> tree = {"parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> layer(np.random.random((1, 3, 8)), tree).shape
    (1, 4)
    """

    def __init__(self, units, arity=2, **kwargs):
        super().__init__(units, arity=arity, **kwargs)

    def compose(self, projected, messages, weights, noise=None):
        """States `[h, c]` of inner nodes, from messages `[h, c]` of `[nodes, arity, units]`."""
        h, c = messages
        recurrent_kernel, bias = weights
        gates = ops.matmul(ops.reshape(h, (-1, self.places * self.units)), recurrent_kernel)
        own = self.add_bias(projected, bias)
        if own is not None:  # every forget gate gets the same part of the input
            i, f, g, o = ops.split(own, 4, axis=-1)
            gates = gates + ops.concatenate([i, *[f] * self.places, g, o], axis=-1)
        return list(nary_tree_lstm_step(gates, c, self.places, noise, self.activation, self.recurrent_activation))

    def recurrent_shape(self):
        """Shape of the recurrent kernel."""
        return (self.places * self.units, (3 + self.places) * self.units)

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "arity": self.arity}

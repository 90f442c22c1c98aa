"""The Child-Sum Tree-LSTM."""

import keras
from keras import ops

from keras_seq.trees.tree_lstm_cell import TreeLSTMCell


def child_sum_tree_lstm_step(i, g, o, kept, noise, activation, recurrent_activation):
    """One node: gates `[nodes, units]` and what the forget gates keep of the children's cells to the new h and c."""
    c = recurrent_activation(i) * activation(g)
    c = (c if noise is None else c * noise) + kept
    return recurrent_activation(o) * activation(c), c


@keras.saving.register_keras_serializable(package="keras_seq")
class ChildSumTreeLSTMCell(TreeLSTMCell):
    """The Child-Sum Tree-LSTM of Tai, Socher and Manning (2015), "Improved Semantic Representations From
    Tree-Structured Long Short-Term Memory Networks", for trees with any number of children in no order, such as
    dependency trees.

        s_j  = sum_k h_jk
        i_j  = sigmoid(x_j W_i + s_j U_i + b_i)          input gate
        f_jk = sigmoid(x_j W_f + h_jk U_f + b_f)         forget gate of child k
        g_j  = tanh(x_j W_c + s_j U_c + b_c)             candidate
        o_j  = sigmoid(x_j W_o + s_j U_o + b_o)          output gate
        c_j  = i_j * g_j + sum_k f_jk * c_jk
        h_j  = o_j * tanh(c_j)

    where `h_jk`, `c_jk` are the states of child k of node j. `W` = `kernel`, `U` = `recurrent_kernel` and `b` = `bias`
    are concatenations in the order i, f, c, o: the weights of `LSTMCell`, and a tree that is a chain gives the same
    numbers as the LSTM.

    Args:
        units: Positive integer, size of both states and of the output.
        **kwargs: Activations, initializers and regularizers as in `LSTMCell`; `recurrent_dropout`, the fraction of the
            components of inner nodes' candidates that are dropped while training, and its `seed`; the arguments of a
            layer.

    Call arguments:
        inputs: Tensor `[batch, features]`, or None for inner nodes without an input.
        children: Optional list `[h, c]`, each `[batch, children, units]`.

    Example:

    >>> layer = keras_seq.Recursive(keras_seq.ChildSumTreeLSTMCell(4))
    >>> tree = {"parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> layer(np.random.random((1, 3, 8)), tree).shape
    (1, 4)
    """

    def message(self, states, projected_parent, weights):
        """`h` and what the parent's forget gate keeps of `c`: the sums over children need no more."""
        h, c = states
        recurrent_kernel, bias = weights
        forget = slice(self.units, 2 * self.units)
        f = ops.matmul(h, recurrent_kernel[:, forget])
        if projected_parent is not None:
            f = f + projected_parent[:, forget]
        if bias is not None:
            f = f + bias[forget]
        return [h, self.recurrent_activation(f) * c]

    def compose(self, projected, messages, weights, noise=None):
        """States `[h, c]` of inner nodes, from the summed messages, each `[nodes, 1, units]`."""
        h, kept = (message[:, 0] for message in messages)
        recurrent_kernel, bias = weights
        units = self.units
        others = ops.concatenate([recurrent_kernel[:, :units], recurrent_kernel[:, 2 * units :]], axis=-1)
        i, g, o = ops.split(ops.matmul(h, others), 3, axis=-1)
        own = self.add_bias(projected, bias)
        if own is not None:
            own_i, _, own_g, own_o = ops.split(own, 4, axis=-1)
            i, g, o = i + own_i, g + own_g, o + own_o
        return list(child_sum_tree_lstm_step(i, g, o, kept, noise, self.activation, self.recurrent_activation))

"""One step forward and one step backward of each cell that has a hand-derived gradient."""

import tensorflow as tf
from keras import activations

from keras_seq.cells.elman import ElmanCell
from keras_seq.cells.gru import GRUCell
from keras_seq.cells.irnn import IRNNCell
from keras_seq.cells.lstm import LSTMCell


def steps_of(cell):
    """The steps for this cell, or None: other subclasses and activations have other gradients."""
    kind = type(cell)
    activation = getattr(cell, "activation", None)
    if kind in (ElmanCell, IRNNCell) and activation in (activations.tanh, activations.relu):
        return ElmanSteps(activation)
    if activation is not activations.tanh or getattr(cell, "recurrent_activation", None) is not activations.sigmoid:
        return None
    if kind is LSTMCell:
        return LSTMSteps()
    if kind is GRUCell:
        return GRUSteps() if cell.reset_after else GRUResetBeforeSteps()
    return None


class Steps:
    """One cell, gate by gate.

    All tensors are `[batch, units]`. `x` is the list of projected inputs, one a gate; `weights` the list of square
    recurrent matrices, one a gate; `bias` the recurrent bias of each gate that needs one within the step: that of the
    first `folded` gates is added to the projected inputs once and for all. `product(h, matrix)` multiplies in the
    compute dtype and returns the dtype of the states. `saved` and `factors` are the lengths of the lists of that name.
    """

    gates = 1
    folded = 1
    saved = 1
    factors = 0

    def forward(self, x, states, weights, bias, product):
        """Return `(new_states, saved)`; `saved` is what `backward` needs of this step."""
        raise NotImplementedError

    def backward(self, gradients, saved, weights, product):
        """Return `(gradients of x, gradients of the states before, factors)`, with transposed `weights`.

        `factors` are further tensors that `weight_gradients` needs.
        """
        raise NotImplementedError

    def weight_gradients(self, contract, gradients_x, factors):
        """Return, one a gate, the gradients of the recurrent matrices, and those of the products they are in.

        All steps at once: tensors are `[time * batch, units]`, `contract(gradient)` sums `h_{t-1}^T gradient_t`.
        """
        return [contract(gradient) for gradient in gradients_x], gradients_x


class ElmanSteps(Steps):
    """h = activation(x + h U)."""

    def __init__(self, activation):
        self.activation = tf.tanh if activation is activations.tanh else tf.nn.relu

    def forward(self, x, states, weights, bias, product):
        h = self.activation(x[0] + product(states[0], weights[0]))
        return [h], [h]

    def backward(self, gradients, saved, weights, product):
        (h,) = saved
        if self.activation is tf.tanh:
            dx = tf.raw_ops.TanhGrad(y=h, dy=gradients[0])
        else:
            dx = tf.raw_ops.ReluGrad(gradients=gradients[0], features=h)
        return [dx], [product(dx, weights[0])], []


class LSTMSteps(Steps):
    """The equations of `LSTMCell`, in its gate order i, f, g, o."""

    gates = 4
    folded = 4
    saved = 6

    def forward(self, x, states, weights, bias, product):
        h, c = states
        i, f, g, o = (x_gate + product(h, matrix) for x_gate, matrix in zip(x, weights, strict=True))
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        new_c = f * c + i * g
        tanh_c = tf.tanh(new_c)
        return [o * tanh_c, new_c], [i, f, g, o, c, tanh_c]

    def backward(self, gradients, saved, weights, product):
        dh, dc = gradients
        i, f, g, o, c, tanh_c = saved
        dc = dc + tf.raw_ops.TanhGrad(y=tanh_c, dy=dh * o)
        dx = [
            tf.raw_ops.SigmoidGrad(y=i, dy=dc * g),
            tf.raw_ops.SigmoidGrad(y=f, dy=dc * c),
            tf.raw_ops.TanhGrad(y=g, dy=dc * i),
            tf.raw_ops.SigmoidGrad(y=o, dy=dh * tanh_c),
        ]
        a, b, c, d = (product(gradient, matrix) for gradient, matrix in zip(dx, weights, strict=True))
        return dx, [(a + b) + (c + d), dc * f], []


class GRUSteps(Steps):
    """The equations of `GRUCell` with the reset gate after the product, in its gate order z, r, h."""

    gates = 3
    folded = 2
    saved = 5
    factors = 1

    def forward(self, x, states, weights, bias, product):
        (h,) = states
        z, r, m = (product(h, matrix) for matrix in weights)
        if bias:
            m = m + bias[0]
        z, r = tf.sigmoid(x[0] + z), tf.sigmoid(x[1] + r)
        g = tf.tanh(x[2] + r * m)
        return [g + z * (h - g)], [z, r, m, g, h]

    def backward(self, gradients, saved, weights, product):
        (dh,) = gradients
        z, r, m, g, h = saved
        dh_z = dh * z
        dg = tf.raw_ops.TanhGrad(y=g, dy=dh - dh_z)
        dm = dg * r
        dz = tf.raw_ops.SigmoidGrad(y=z, dy=dh * (h - g))
        dr = tf.raw_ops.SigmoidGrad(y=r, dy=dg * m)
        a, b, c = product(dz, weights[0]), product(dr, weights[1]), product(dm, weights[2])
        return [dz, dr, dg], [(dh_z + a) + (b + c)], [dm]

    def weight_gradients(self, contract, gradients_x, factors):
        # The candidate's matrix product was multiplied by the reset gate: its gradient is dm, not dg.
        products = [*gradients_x[:2], factors[0]]
        return [contract(gradient) for gradient in products], products


class GRUResetBeforeSteps(Steps):
    """The equations of `GRUCell` with the reset gate before the product, in its gate order z, r, h."""

    gates = 3
    folded = 3
    saved = 5
    factors = 1

    def forward(self, x, states, weights, bias, product):
        (h,) = states
        z = tf.sigmoid(x[0] + product(h, weights[0]))
        r = tf.sigmoid(x[1] + product(h, weights[1]))
        rh = r * h
        g = tf.tanh(x[2] + product(rh, weights[2]))
        return [g + z * (h - g)], [z, r, g, h, rh]

    def backward(self, gradients, saved, weights, product):
        (dh,) = gradients
        z, r, g, h, rh = saved
        dh_z = dh * z
        dg = tf.raw_ops.TanhGrad(y=g, dy=dh - dh_z)
        drh = product(dg, weights[2])
        dz = tf.raw_ops.SigmoidGrad(y=z, dy=dh * (h - g))
        dr = tf.raw_ops.SigmoidGrad(y=r, dy=drh * h)
        a, b = product(dz, weights[0]), product(dr, weights[1])
        return [dz, dr, dg], [(dh_z + drh * r) + (a + b)], [rh]

    def weight_gradients(self, contract, gradients_x, factors):
        # The candidate's matrix was multiplied with r * h, not with h.
        dz, dr, dg = gradients_x
        return [contract(dz), contract(dr), tf.matmul(factors[0], dg, transpose_a=True)], gradients_x

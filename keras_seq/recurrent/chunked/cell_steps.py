"""The steps of each linear cell."""

import tensorflow as tf
from keras import activations

from keras_seq.cells.min_gru import MinGRUCell
from keras_seq.cells.min_lstm import MinLSTMCell
from keras_seq.cells.qrnn import QRNNCell
from keras_seq.cells.sru import SRUCell
from keras_seq.recurrent.chunked.steps import Steps, backwards, before_and_after, joined


def steps_of(cell):
    """The steps for this cell, or None: subclasses and other activations have other gradients."""
    kind = type(cell)
    if kind is SRUCell:
        return PeepholeSRUSteps(cell) if cell.peephole else SRUSteps(cell)
    if kind in (MinGRUCell, MinLSTMCell) and cell.activation is activations.linear:
        return MinGRUSteps(cell) if kind is MinGRUCell else MinLSTMSteps(cell)
    if kind is QRNNCell and cell.activation is activations.tanh and cell.pooling in ("f", "fo"):
        return QRNNSteps(cell)
    return None


class SRUSteps(Steps):
    """The equations of `SRUCell`; gates u, f, r, highway."""

    biased = (1, 2)
    saved = 4

    def __init__(self, cell):
        super().__init__(cell)
        self.alpha = cell.alpha

    def project(self, x, weights):
        """The gates; without a kernel of its own the highway is the input, scaled."""
        gates = super().project(x, weights)
        return gates if self.gates == 4 else [*gates, self.alpha * x]

    def project_gradient(self, x, d_gates, transposed):
        """The gradients of inputs, kernels and biases."""
        dx, d_weights = super().project_gradient(x, d_gates[: self.gates], transposed)
        return dx if self.gates == 4 else dx + self.alpha * d_gates[3], d_weights

    def split_gates(self, gates):
        """The candidate is u."""
        u, f, r, highway = gates
        return tf.sigmoid(f), u, [tf.sigmoid(r), highway]

    def read_out(self, more, c):
        """The highway."""
        r, highway = more
        outputs = highway + r * (c - highway)
        # (c - highway) * r * (1 - r), the derivative by the logit of r, is r * (c - outputs).
        return outputs, [r, c - outputs]

    def read_out_gradient(self, d_outputs, more):
        """The gradients of the states, of the logit of r and of the highway."""
        r, distance = more
        m = d_outputs * r
        return m, [m * distance, d_outputs - m]

    def gate_gradients(self, dg, dl, more, d_more):
        """In the order of the gates."""
        return [dg, dl, *d_more]


class PeepholeSRUSteps(SRUSteps):
    """The equations of `SRUCell` with peepholes: the gates see the state before, so step follows step."""

    saved = 5

    def __init__(self, cell):
        super().__init__(cell)
        self.weights.append(cell.computed(cell.peephole_kernel))

    def forward(self, gates, c, valid, size, weights):
        """One step after the other; see `Steps.forward`."""
        u, f, r, highway = gates
        if valid is not None:
            f = tf.where(valid, f, tf.fill(tf.shape(f), tf.constant(1e6, f.dtype)))  # a sigmoid of 1, whatever c is
            u = tf.where(valid, u, tf.zeros_like(u))
        v_f, v_r = tf.unstack(tf.cast(weights[-1], c.dtype))
        states, fs = [c], []
        for f_t, u_t in zip(tf.split(f, size), tf.split(u, size), strict=True):
            fs.append(tf.sigmoid(f_t + v_f * states[-1]))
            states.append(u_t + fs[-1] * (states[-1] - u_t))
        before, after = before_and_after(states)
        outputs, more = self.read_out([tf.sigmoid(r + v_r * before), highway], after)
        return outputs, states[-1], [tf.concat(fs, axis=0), before - after, *more, before]

    def backward(self, d_outputs, k, saved, size, weights):
        """One step after the other; see `Steps.backward`."""
        f, moved, *more, before = saved
        v_f, v_r = tf.unstack(tf.cast(weights[-1], k.dtype))
        m, (dr, d_highway) = self.read_out_gradient(d_outputs, more)
        du, dl = [], []
        for m_t, f_t, moved_t, through_r in backwards(m, f, moved, v_r * dr, size=size):
            dc = k + m_t
            k = f_t * dc
            du.append(dc - k)
            dl.append(k * moved_t)
            k = k + v_f * dl[-1] + through_r
        dl = joined(dl)
        d_peephole = tf.stack([tf.reduce_sum(dl * before, axis=0), tf.reduce_sum(dr * before, axis=0)])
        return [joined(du), dl, dr, d_highway], k, [d_peephole]


class MinGRUSteps(Steps):
    """The equations of `MinGRUCell`; gates z, g."""

    biased = (0, 1)

    def split_gates(self, gates):
        """What is kept of the state is 1 - sigmoid(z)."""
        z, g = gates
        return tf.sigmoid(-z), g, []

    def gate_gradients(self, dg, dl, more, d_more):
        """In the order of the gates."""
        return [-dl, dg]


class MinLSTMSteps(Steps):
    """The equations of `MinLSTMCell`; gates f, i, g."""

    biased = (0, 1, 2)
    saved = 4

    def split_gates(self, gates):
        """What is kept of the state is a sigmoid; saved are its logit's derivatives by f and, negative, by i."""
        f, i, g = gates
        return tf.sigmoid(tf.nn.softplus(-i) - tf.nn.softplus(-f)), g, [tf.sigmoid(-f), tf.sigmoid(-i)]

    def gate_gradients(self, dg, dl, more, d_more):
        """In the order of the gates."""
        return [dl * more[0], -(dl * more[1]), dg]


class QRNNSteps(Steps):
    """The equations of `QRNNCell` with f- or fo-pooling; gates z, f and, with fo-pooling, o."""

    def __init__(self, cell):
        self.biased = tuple(range(cell.gates))
        self.projects = cell.window == 1
        self.saved = 2 * cell.gates - 1
        super().__init__(cell)
        if not self.projects:
            self.weights = []

    def kernel(self, cell):
        """The kernel of the newest input."""
        return super().kernel(cell)[-1]

    def project(self, x, weights):
        """The gates; with a longer window they come projected."""
        return super().project(x, weights) if self.projects else tf.split(x, self.gates, axis=-1)

    def transposed(self, weights):
        """What `project_gradient` needs of the weights."""
        return super().transposed(weights) if self.projects else []

    def project_gradient(self, x, d_gates, transposed):
        """The gradients of inputs, kernels and biases."""
        return super().project_gradient(x, d_gates, transposed) if self.projects else (tf.concat(d_gates, axis=-1), [])

    def split_gates(self, gates):
        """The candidate is the tanh of z."""
        z, f, *o = gates
        z = tf.tanh(z)
        return tf.sigmoid(f), z, [z, *map(tf.sigmoid, o)]

    def read_out(self, more, c):
        """With fo-pooling the state goes through the output gate."""
        return (more[1] * c, [*more, c]) if len(more) == 2 else (c, more)

    def read_out_gradient(self, d_outputs, more):
        """The gradients of the states and of the logit of o."""
        if len(more) == 1:
            return d_outputs, []
        _, o, c = more
        return d_outputs * o, [tf.raw_ops.SigmoidGrad(y=o, dy=d_outputs * c)]

    def gate_gradients(self, dg, dl, more, d_more):
        """In the order of the gates."""
        return [tf.raw_ops.TanhGrad(y=more[0], dy=dg), dl, *d_more]

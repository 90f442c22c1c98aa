"""The linear cells, a chunk of steps at a time, forward and backward."""

import tensorflow as tf
from keras import activations

from keras_seq.cells.min_gru import MinGRUCell
from keras_seq.cells.min_lstm import MinLSTMCell
from keras_seq.cells.qrnn import QRNNCell
from keras_seq.cells.sru import SRUCell


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


class Steps:
    """One cell whose state is a mean of the state before and a candidate.

        c_t = f_t * c_{t-1} + (1 - f_t) * g_t,    f_t = sigmoid(l_t)

    With `k_t = f_t * dL/dc_t`, the gradient that goes to the state before, the gradients of the candidate and of the
    logit `l_t` are `dL/dc_t - k_t` and `k_t * (c_{t-1} - c_t)`: the candidate itself is not needed again.

    All tensors are `[rows, units]`, the rows being the sequences of the batch at one step after the other. Gates are
    what the kernel gives, one tensor each, in its order.

    Args:
        cell: A built `LinearCell`.
    """

    gates = 1
    biased = ()  # places of the gates that have a bias
    projects = True  # whether the kernel is applied here, to the inputs of a chunk
    extras = 0  # length of `saved`
    needs_outputs = False  # whether `read_out_gradient` needs the outputs

    def __init__(self, cell):
        self.units = cell.units
        self.has_bias = cell.bias is not None
        self.gates = cell.gates
        # One kernel and one bias a gate: matrix products side by side, and what they give is contiguous.
        self.weights = tf.split(self.kernel(cell), self.gates, axis=-1)
        if self.has_bias:
            self.weights += tf.split(cell.computed(cell.bias), len(self.biased))

    def kernel(self, cell):
        """The kernel as a matrix `[features, gates * units]`."""
        return cell.computed(cell.kernel)

    def project(self, x, weights):
        """Map the inputs `[rows, features]` of a chunk to its gates."""
        gates = [tf.matmul(x, kernel) for kernel in weights[: self.gates]]
        if self.has_bias:
            for place, bias in zip(self.biased, weights[self.gates :], strict=False):
                gates[place] = tf.nn.bias_add(gates[place], bias)
        return gates

    def transposed(self, weights):
        """What `project_gradient` needs of the weights, computed once."""
        return [tf.transpose(kernel) for kernel in weights[: self.gates]]

    def project_gradient(self, x, d_gates, transposed):
        """Return the gradients of the inputs and the list of those of kernels and biases."""
        dx = tf.add_n([tf.matmul(d, kernel) for d, kernel in zip(d_gates, transposed, strict=True)])
        d_weights = [tf.matmul(x, d, transpose_a=True) for d in d_gates]
        if self.has_bias:
            d_weights += [tf.raw_ops.BiasAddGrad(out_backprop=d_gates[place]) for place in self.biased]
        return dx, d_weights

    def split_gates(self, gates, valid):
        """Return `(f, g, saved)` of a chunk, `saved` being the list of what the outputs and their gradients need.

        Where `valid` `[rows, 1]` is false the state stays as it is: f is 1 and g is 0.
        """
        raise NotImplementedError

    def scan(self, f, g, saved, c, size, weights):
        """Return `(states, f, saved)`: the list of the state `c` and of those after each of the `size` steps."""
        states = [c]
        for f_t, g_t in zip(tf.split(f, size), tf.split(g, size), strict=True):
            states.append(g_t + f_t * (states[-1] - g_t))
        return states, f, saved

    def scan_gradient(self, m, k, f, c, before, d_saved, size, weights):
        """Return `(dg, dl, k, d_saved, d_weights)`.

        `m` is what the outputs give to the gradient of the states `c`, `k` what comes from the steps after the chunk;
        `before` are the states before `c`. `d_weights` are the gradients of the weights after kernels and biases.
        """
        dg, ks = [], []
        for m_t, f_t in _backwards(m, f, size=size):
            dc = k + m_t
            k = f_t * dc
            dg.append(dc - k)
            ks.append(k)
        return _joined(dg), _joined(ks) * (before - c), k, d_saved, []

    def read_out(self, saved, c):
        """The outputs of a chunk."""
        return c

    def read_out_gradient(self, d_outputs, saved, c, outputs):
        """Return `(m, d_saved)`: the gradient of the states, and a list for `gate_gradients`."""
        return d_outputs, []

    def gate_gradients(self, dg, dl, saved, d_saved):
        """Return the list of the gradients of the gates."""
        raise NotImplementedError


class SRUSteps(Steps):
    """The equations of `SRUCell`; gates u, f, r, highway."""

    biased = (1, 2)
    extras = 2
    needs_outputs = True

    def __init__(self, cell):
        super().__init__(cell)
        self.alpha = cell.alpha

    def project(self, x, weights):
        gates = super().project(x, weights)
        return gates if self.gates == 4 else [*gates, self.alpha * x]

    def project_gradient(self, x, d_gates, transposed):
        dx, d_weights = super().project_gradient(x, d_gates[: self.gates], transposed)
        return dx if self.gates == 4 else dx + self.alpha * d_gates[3], d_weights

    def split_gates(self, gates, valid):
        u, f, r, highway = gates
        f, r = tf.sigmoid(f), tf.sigmoid(r)
        if valid is not None:
            f, u = tf.where(valid, f, tf.ones_like(f)), tf.where(valid, u, tf.zeros_like(u))
        return f, u, [r, highway]

    def read_out(self, saved, c):
        r, highway = saved
        return highway + r * (c - highway)

    def read_out_gradient(self, d_outputs, saved, c, outputs):
        m = d_outputs * saved[0]
        # (c - highway) * r * (1 - r), the derivative by the logit, is r * (c - h).
        return m, [m * (c - outputs), d_outputs - m]

    def gate_gradients(self, dg, dl, saved, d_saved):
        return [dg, dl, *d_saved]


class PeepholeSRUSteps(SRUSteps):
    """The equations of `SRUCell` with peepholes: the gates see the state before, so step follows step."""

    def __init__(self, cell):
        super().__init__(cell)
        self.weights.append(cell.computed(cell.peephole_kernel))

    def split_gates(self, gates, valid):
        u, f, r, highway = gates
        if valid is not None:
            f = tf.where(valid, f, tf.fill(tf.shape(f), tf.constant(1e6, f.dtype)))  # a sigmoid of 1, whatever c is
            u = tf.where(valid, u, tf.zeros_like(u))
        return f, u, [r, highway]

    def scan(self, f, g, saved, c, size, weights):
        v_f, v_r = tf.unstack(tf.cast(weights[-1], c.dtype))
        states, fs, rs = [c], [], []
        for f_t, g_t, r_t in zip(tf.split(f, size), tf.split(g, size), tf.split(saved[0], size), strict=True):
            c = states[-1]
            fs.append(tf.sigmoid(f_t + v_f * c))
            rs.append(r_t + v_r * c)
            states.append(g_t + fs[-1] * (c - g_t))
        return states, tf.concat(fs, axis=0), [tf.sigmoid(tf.concat(rs, axis=0)), saved[1]]

    def scan_gradient(self, m, k, f, c, before, d_saved, size, weights):
        v_f, v_r = tf.unstack(tf.cast(weights[-1], c.dtype))
        dg, dl = [], []
        for m_t, f_t, step, through_r in _backwards(m, f, before - c, v_r * d_saved[0], size=size):
            dc = k + m_t
            k = f_t * dc
            dg.append(dc - k)
            dl.append(k * step)
            k = k + v_f * dl[-1] + through_r
        dl = _joined(dl)
        d_peephole = tf.stack([tf.reduce_sum(dl * before, axis=0), tf.reduce_sum(d_saved[0] * before, axis=0)])
        return _joined(dg), dl, k, d_saved, [d_peephole]


class MinGRUSteps(Steps):
    """The equations of `MinGRUCell`; gates z, g."""

    biased = (0, 1)

    def split_gates(self, gates, valid):
        z, g = gates
        f = tf.sigmoid(-z)
        if valid is not None:
            f, g = tf.where(valid, f, tf.ones_like(f)), tf.where(valid, g, tf.zeros_like(g))
        return f, g, []

    def gate_gradients(self, dg, dl, saved, d_saved):
        return [-dl, dg]


class MinLSTMSteps(Steps):
    """The equations of `MinLSTMCell`; gates f, i, g. `saved` are the derivatives of the logit by f and, negative, i."""

    biased = (0, 1, 2)
    extras = 2

    def split_gates(self, gates, valid):
        f, i, g = gates
        saved = [tf.sigmoid(-f), tf.sigmoid(-i)]
        f = tf.sigmoid(tf.nn.softplus(-i) - tf.nn.softplus(-f))
        if valid is not None:
            f, g = tf.where(valid, f, tf.ones_like(f)), tf.where(valid, g, tf.zeros_like(g))
        return f, g, saved

    def gate_gradients(self, dg, dl, saved, d_saved):
        return [dl * saved[0], -(dl * saved[1]), dg]


class QRNNSteps(Steps):
    """The equations of `QRNNCell` with f- or fo-pooling; gates z, f and, with fo-pooling, o. `saved` are z and o."""

    def __init__(self, cell):
        self.biased = tuple(range(cell.gates))
        self.extras = cell.gates - 1
        self.projects = cell.window == 1
        super().__init__(cell)
        if not self.projects:
            self.weights = []

    def kernel(self, cell):
        return super().kernel(cell)[0]

    def project(self, x, weights):
        return super().project(x, weights) if self.projects else tf.split(x, self.gates, axis=-1)

    def project_gradient(self, x, d_gates, transposed):
        return super().project_gradient(x, d_gates, transposed) if self.projects else (tf.concat(d_gates, axis=-1), [])

    def split_gates(self, gates, valid):
        z, f, *o = gates
        z, f = tf.tanh(z), tf.sigmoid(f)
        g = z
        if valid is not None:
            f, g = tf.where(valid, f, tf.ones_like(f)), tf.where(valid, z, tf.zeros_like(z))
        return f, g, [z, *map(tf.sigmoid, o)]

    def read_out(self, saved, c):
        return saved[1] * c if len(saved) == 2 else c

    def read_out_gradient(self, d_outputs, saved, c, outputs):
        if len(saved) == 1:
            return d_outputs, []
        return d_outputs * saved[1], [tf.raw_ops.SigmoidGrad(y=saved[1], dy=d_outputs * c)]

    def gate_gradients(self, dg, dl, saved, d_saved):
        return [tf.raw_ops.TanhGrad(y=saved[0], dy=dg), dl, *d_saved]


class ScanSteps(Steps):
    """The recurrence alone: gates a and b of `c_t = a_t * c_{t-1} + b_t`, any numbers."""

    gates = 2
    projects = False

    def __init__(self, units):
        self.units = units
        self.weights = []

    def transposed(self, weights):
        return []

    def project(self, x, weights):
        return tf.split(x, 2, axis=-1)

    def project_gradient(self, x, d_gates, transposed):
        return tf.concat(d_gates, axis=-1), []

    def split_gates(self, gates, valid):
        return *gates, []

    def scan(self, f, g, saved, c, size, weights):
        states = [c]
        for a_t, b_t in zip(tf.split(f, size), tf.split(g, size), strict=True):
            states.append(a_t * states[-1] + b_t)
        return states, f, saved

    def scan_gradient(self, m, k, f, c, before, d_saved, size, weights):
        db = []
        for m_t, a_t in _backwards(m, f, size=size):
            db.append(k + m_t)
            k = a_t * db[-1]
        db = _joined(db)
        return db, db * before, k, d_saved, []

    def gate_gradients(self, dg, dl, saved, d_saved):
        return [dl, dg]


def _backwards(*tensors, size):
    """The steps of the chunk in each tensor, from the last to the first."""
    return reversed(list(zip(*[tf.split(tensor, size) for tensor in tensors], strict=True)))


def _joined(steps):
    """Steps from the last to the first as a chunk."""
    return tf.concat(steps[::-1], axis=0)

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

    biased: tuple[int, ...] = ()  # places of the gates that have a bias
    projects = True  # whether the kernel is applied here, to the inputs of a chunk
    saved = 2  # how many tensors `forward` saves for `backward`

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

    def split_gates(self, gates):
        """Return `(f, g, more)`, the last a list of what `read_out` or `gate_gradients` needs."""
        raise NotImplementedError

    def forward(self, gates, c, valid, size, weights):
        """Run a chunk of `size` steps from the state `c`; where `valid` `[rows, 1]` is false the state stays.

        Returns:
            `(outputs, state, saved)`: outputs `[rows, units]`, the state after the last step, and a list of tensors
            `[rows, units]` for `backward`.
        """
        f, g, more = self.split_gates(gates)
        if valid is not None:
            f, g = tf.where(valid, f, tf.ones_like(f)), tf.where(valid, g, tf.zeros_like(g))
        states = [c]
        for f_t, g_t in zip(tf.split(f, size), tf.split(g, size), strict=True):
            states.append(g_t + f_t * (states[-1] - g_t))
        before, after = _before_and_after(states)
        outputs, more = self.read_out(more, after)
        return outputs, states[-1], [f, before - after, *more]

    def backward(self, d_outputs, k, saved, size, weights):
        """From the gradients of the outputs of the valid steps, and of the state after the chunk.

        Returns:
            `(d_gates, k, d_weights)`: a list with the gradient of each gate, the gradient of the state before the
            chunk, and those of the weights that are neither kernels nor biases.
        """
        f, moved, *more = saved
        m, d_more = self.read_out_gradient(d_outputs, more)
        dc = []
        for m_t, f_t in _backwards(m, f, size=size):
            dc.append(k + m_t)
            k = f_t * dc[-1]
        dc = _joined(dc)
        through = f * dc
        return self.gate_gradients(dc - through, through * moved, more, d_more), k, []

    def read_out(self, more, c):
        """The outputs of a chunk, and what to save in place of `more`."""
        return c, more

    def read_out_gradient(self, d_outputs, more):
        """The gradient that the outputs give to the states, and a list for `gate_gradients`."""
        return d_outputs, []

    def gate_gradients(self, dg, dl, more, d_more):
        """The list of the gradients of the gates."""
        raise NotImplementedError


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
        before, after = _before_and_after(states)
        outputs, more = self.read_out([tf.sigmoid(r + v_r * before), highway], after)
        return outputs, states[-1], [tf.concat(fs, axis=0), before - after, *more, before]

    def backward(self, d_outputs, k, saved, size, weights):
        """One step after the other; see `Steps.backward`."""
        f, moved, *more, before = saved
        v_f, v_r = tf.unstack(tf.cast(weights[-1], k.dtype))
        m, (dr, d_highway) = self.read_out_gradient(d_outputs, more)
        du, dl = [], []
        for m_t, f_t, moved_t, through_r in _backwards(m, f, moved, v_r * dr, size=size):
            dc = k + m_t
            k = f_t * dc
            du.append(dc - k)
            dl.append(k * moved_t)
            k = k + v_f * dl[-1] + through_r
        dl = _joined(dl)
        d_peephole = tf.stack([tf.reduce_sum(dl * before, axis=0), tf.reduce_sum(dr * before, axis=0)])
        return [_joined(du), dl, dr, d_highway], k, [d_peephole]


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


class ScanSteps(Steps):
    """The recurrence alone: gates a and b of `c_t = a_t * c_{t-1} + b_t`, any numbers."""

    projects = False

    def __init__(self, units):
        self.units = units
        self.weights = []

    def transposed(self, weights):
        """There are no weights."""
        return []

    def project(self, x, weights):
        """The gates come projected."""
        return tf.split(x, 2, axis=-1)

    def project_gradient(self, x, d_gates, transposed):
        """The gradient of the gates as they came."""
        return tf.concat(d_gates, axis=-1), []

    def forward(self, gates, c, valid, size, weights):
        """All states; see `Steps.forward`."""
        states = [c]
        for a_t, b_t in zip(*[tf.split(gate, size) for gate in gates], strict=True):
            states.append(a_t * states[-1] + b_t)
        before, after = _before_and_after(states)
        return after, states[-1], [gates[0], before]

    def backward(self, d_outputs, k, saved, size, weights):
        """The gradients of a and b; see `Steps.backward`."""
        a, before = saved
        db = []
        for m_t, a_t in _backwards(d_outputs, a, size=size):
            db.append(k + m_t)
            k = a_t * db[-1]
        db = _joined(db)
        return [db * before, db], k, []


def _before_and_after(states):
    """Of the states before and after each step: those before the steps, and those after them, as one tensor each."""
    batch, states = tf.shape(states[0])[0], tf.concat(states, axis=0)
    return states[:-batch], states[batch:]


def _backwards(*tensors, size):
    """The steps of the chunk in each tensor, from the last to the first."""
    return reversed(list(zip(*[tf.split(tensor, size) for tensor in tensors], strict=True)))


def _joined(steps):
    """Steps from the last to the first as a chunk."""
    return tf.concat(steps[::-1], axis=0)

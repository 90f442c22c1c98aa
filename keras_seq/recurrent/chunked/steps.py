"""A linear recurrence, a chunk of steps at a time, forward and backward."""

import tensorflow as tf


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
        before, after = before_and_after(states)
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
        for m_t, f_t in backwards(m, f, size=size):
            dc.append(k + m_t)
            k = f_t * dc[-1]
        dc = joined(dc)
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
        before, after = before_and_after(states)
        return after, states[-1], [gates[0], before]

    def backward(self, d_outputs, k, saved, size, weights):
        """The gradients of a and b; see `Steps.backward`."""
        a, before = saved
        db = []
        for m_t, a_t in backwards(d_outputs, a, size=size):
            db.append(k + m_t)
            k = a_t * db[-1]
        db = joined(db)
        return [db * before, db], k, []


def before_and_after(states):
    """Of the states before and after each step: those before the steps, and those after them, as one tensor each."""
    batch, states = tf.shape(states[0])[0], tf.concat(states, axis=0)
    return states[:-batch], states[batch:]


def backwards(*tensors, size):
    """The steps of the chunk in each tensor, from the last to the first."""
    return reversed(list(zip(*[tf.split(tensor, size) for tensor in tensors], strict=True)))


def joined(steps):
    """Steps from the last to the first as a chunk."""
    return tf.concat(steps[::-1], axis=0)

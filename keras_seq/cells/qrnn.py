"""The quasi-recurrent neural network."""

import keras
from keras import activations, ops

from keras_seq.cells.cell import check_units
from keras_seq.cells.linear_cell import LinearCell

GATES = {"f": 2, "fo": 3, "ifo": 4}


@keras.saving.register_keras_serializable(package="keras_seq")
class QRNNCell(LinearCell):
    """The quasi-recurrent network of Bradbury et al. (2016), "Quasi-Recurrent Neural Networks".

        z_t = tanh(x_{t-k+1} W_z[0] + ... + x_t W_z[k-1] + b_z)          candidate
        f_t = sigmoid(x_{t-k+1} W_f[0] + ... + x_t W_f[k-1] + b_f)       forget gate
        o_t = sigmoid(x_{t-k+1} W_o[0] + ... + x_t W_o[k-1] + b_o)       output gate
        c_t = f_t * c_{t-1} + (1 - f_t) * z_t
        h_t = o_t * c_t

    with `W[j]` = `kernel[j]`, a concatenation in the order z, f, o, `b` = `bias`, and k = `window`: a convolution that
    looks back only (the weights are those of `keras.layers.Conv1D` with `padding="causal"`), and a recurrence without
    weights, which `Recurrent` runs in parallel over time. Inputs before the first step are zero. This is fo-pooling;
    f-pooling puts `c_t` out, and ifo-pooling has a gate of its own, the last, in place of `1 - f_t`.

    The window passes over masked steps: it sees the last k valid inputs.

    Args:
        units: Positive integer, size of the state and the output.
        window: Positive integer k, how many inputs a step sees. Defaults to `2`.
        pooling: `"fo"`, `"f"` or `"ifo"`. Defaults to `"fo"`.
        activation: Activation of the candidate. Defaults to `"tanh"`.
        **kwargs: Further arguments of `LinearCell`, and the arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the state `c`, `[batch, units]`, and of what the inputs so far contribute to each of the next
            k - 1 steps, the nearest first, `[batch, gates * units]`.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.QRNNCell(4, window=3), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(self, units, window=2, pooling="fo", activation="tanh", **kwargs):
        super().__init__(units, **kwargs)
        if pooling not in GATES:
            raise ValueError(f"Argument `pooling` must be one of {list(GATES)}. Received: pooling={pooling!r}")
        self.window = check_units(window, "window")
        self.pooling = pooling
        self.activation = activations.get(activation)
        self.gates = GATES[pooling]
        self.state_size = [self.units] + [self.gates * self.units] * (self.window - 1)

    def kernel_shape(self, features):
        """One kernel a place of the window, the newest input last."""
        return (self.window, features, self.gates * self.units)

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., window * gates * units]`: what they give to this step and the next."""
        kernel = ops.concatenate(ops.unstack(ops.flip(self.computed(self.kernel), axis=0)), axis=-1)
        projected = ops.matmul(ops.cast(inputs, self.compute_dtype), kernel)
        if self.bias is None:
            return projected
        return ops.add(projected, ops.pad(self.computed(self.bias), [[0, kernel.shape[-1] - self.bias.shape[0]]]))

    def project_from(self, sequences, states, mask=None, reverse=False):
        """Map sequences `[time, batch, features]` to what each step gets from the inputs of its window."""
        if self.window == 1:
            return self.project_inputs(sequences), list(states)
        if reverse:
            mask = None if mask is None else ops.flip(mask, axis=0)
            gates, states = self.project_from(ops.flip(sequences, axis=0), states, mask)
            return ops.flip(gates, axis=0), states
        sequences = ops.cast(sequences, self.compute_dtype)
        if mask is not None:
            sequences = _valid_first(sequences, mask)
        ahead, kernel = self.window - 1, self.computed(self.kernel)
        steps = ops.shape(sequences)[0] + ahead  # those after the end get what the last inputs give to coming steps
        padded = ops.pad(sequences, [[ahead, ahead], [0, 0], [0, 0]])
        windows = ops.concatenate([padded[place : place + steps] for place in range(self.window)], axis=-1)
        total = ops.matmul(windows, ops.reshape(kernel, (-1, kernel.shape[-1])))
        total = ops.concatenate([total[:ahead] + ops.stack(list(states)), total[ahead:]], axis=0)
        if mask is None:
            gates, after = total[:-ahead], total[-ahead:]
        else:
            seen = ops.cumsum(ops.cast(mask, "int32"), axis=0)
            gates = _at(total, ops.maximum(seen - 1, 0))
            after = _at(total, ops.sum(ops.cast(mask, "int32"), axis=0) + ops.arange(ahead, dtype="int32")[:, None])
        gates = gates if self.bias is None else gates + self.computed(self.bias)
        return gates, list(ops.unstack(after, ahead))

    def coefficients(self, projected):
        """Map the sums `[..., gates * units]` to `(a, b)`, each `[..., units]`."""
        z, f, *rest = ops.split(projected, self.gates, axis=-1)
        f, z = ops.sigmoid(f), self.activation(z)
        return f, (ops.sigmoid(rest[1]) if self.pooling == "ifo" else 1 - f) * z

    def read_out(self, projected, states):
        """Map the sums `[..., gates * units]` and the states `[c]` to outputs `[..., units]`."""
        if self.pooling == "f":
            return states[0]
        return ops.sigmoid(ops.split(projected, self.gates, axis=-1)[2]) * states[0]

    def step(self, projected, states, training=False):
        """One time step: projected `[batch, window * gates * units]`, states as in the class."""
        now, *later = ops.split(projected, self.window, axis=-1) if self.window > 1 else [projected]
        c, *ahead = states
        h, (c,) = super().step(now + ahead[0] if ahead else now, [c])
        ahead = [*ahead[1:], None]
        return h, [c, *[new if old is None else new + old for new, old in zip(later, ahead, strict=False)]]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "window": self.window,
            "pooling": self.pooling,
            "activation": activations.serialize(self.activation),
        }


def _valid_first(sequences, mask):
    """The valid steps of each row moved to the front, where windows find them side by side, then zeros."""
    places = ops.expand_dims(ops.arange(ops.shape(mask)[0], dtype="int32"), 1)
    order = ops.argsort(ops.where(mask, places, places + ops.shape(mask)[0]), axis=0)
    moved, valid = _at(sequences, order), ops.take_along_axis(mask, order, axis=0)
    return ops.where(ops.expand_dims(valid, -1), moved, ops.zeros_like(moved))


def _at(sequences, steps):
    """Of sequences `[time, batch, features]` the steps `[steps, batch]`."""
    return ops.take_along_axis(sequences, ops.expand_dims(steps, -1), axis=0)

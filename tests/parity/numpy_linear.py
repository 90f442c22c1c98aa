"""The oracle of the cells whose recurrence is linear in their state, from the equations alone, one gate at a time."""

import numpy as np
from numpy_cells import sigmoid


def sru(weights, x, states, alpha, peephole=False):
    """With a kernel of three parts the highway is the input itself, times `alpha`; with four it is projected."""
    w, b, *v = weights
    (c,) = states
    units = c.shape[1]
    parts = [w[:, start : start + units] for start in range(0, w.shape[1], units)]
    b_f, b_r = np.split(b, 2)
    v_f, v_r = v[0] if peephole else np.zeros((2, units))
    f = sigmoid(x @ parts[1] + v_f * c + b_f)
    r = sigmoid(x @ parts[2] + v_r * c + b_r)
    c = f * c + (1 - f) * (x @ parts[0])
    highway = x @ parts[3] if len(parts) == 4 else x * alpha
    return r * c + (1 - r) * highway, [c]


def min_gru(weights, x, states, activation=lambda g: g):
    w_z, w_h = np.split(weights[0], 2, axis=1)
    b_z, b_h = np.split(weights[1], 2)
    z = sigmoid(x @ w_z + b_z)
    h = (1 - z) * states[0] + z * activation(x @ w_h + b_h)
    return h, [h]


def min_lstm(weights, x, states):
    w_f, w_i, w_h = np.split(weights[0], 3, axis=1)
    b_f, b_i, b_h = np.split(weights[1], 3)
    f = sigmoid(x @ w_f + b_f)
    i = sigmoid(x @ w_i + b_i)
    h = (f * states[0] + i * (x @ w_h + b_h)) / (f + i)
    return h, [h]


def qrnn(weights, x, states, pooling="fo"):
    """The states after c are what earlier inputs add to this step and to those after it."""
    kernel, b = weights
    c, *ahead = states
    window = len(kernel)
    total = x @ kernel[-1] + b + (ahead[0] if ahead else 0)
    # Of the input now, the step that comes k steps later sees what the kernel of the place k before the last makes.
    coming = [x @ kernel[window - 1 - k] for k in range(1, window)]
    ahead = [new + (ahead[k + 1] if k + 1 < len(ahead) else 0) for k, new in enumerate(coming)]
    z, f, *rest = np.split(total, {"f": 2, "fo": 3, "ifo": 4}[pooling], axis=1)
    z, f = np.tanh(z), sigmoid(f)
    c = f * c + (sigmoid(rest[1]) if pooling == "ifo" else 1 - f) * z
    return c if pooling == "f" else sigmoid(rest[0]) * c, [c, *ahead]

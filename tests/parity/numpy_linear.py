"""Oracles of the cells whose recurrence is linear in the state: each one step in NumPy, one gate at a time."""

import numpy as np
from numpy_cells import sigmoid


def sru(weights, x, states, alpha=1.0):
    """Weights: kernel, bias and, for the peepholes, v; without a fourth part of the kernel the highway takes x."""
    (c,) = states
    units = c.shape[1]
    parts = np.split(weights[0], weights[0].shape[1] // units, axis=1)
    w, w_f, w_r = parts[:3]
    b_f, b_r = np.split(weights[1], 2)
    v_f, v_r = (np.diag(v) for v in weights[2]) if len(weights) == 3 else (np.zeros((units, units)),) * 2
    f = sigmoid(x @ w_f + c @ v_f + b_f)
    r = sigmoid(x @ w_r + c @ v_r + b_r)
    c = f * c + (1 - f) * (x @ w)
    highway = x @ parts[3] if len(parts) == 4 else x * alpha
    h = r * c + (1 - r) * highway
    return h, [c]


def min_gru(weights, x, states, activation=lambda g: g):
    (h,) = states
    w_z, w_h = np.split(weights[0], 2, axis=1)
    b_z, b_h = np.split(weights[1], 2)
    z = sigmoid(x @ w_z + b_z)
    g = activation(x @ w_h + b_h)
    h = (1 - z) * h + z * g
    return h, [h]


def min_lstm(weights, x, states):
    (h,) = states
    w_f, w_i, w_h = np.split(weights[0], 3, axis=1)
    b_f, b_i, b_h = np.split(weights[1], 3)
    f = sigmoid(x @ w_f + b_f)
    i = sigmoid(x @ w_i + b_i)
    g = x @ w_h + b_h
    h = f / (f + i) * h + i / (f + i) * g
    return h, [h]


def qrnn(weights, x, states, pooling="fo"):
    """The states after c hold what the inputs before gave to this step, the next and so on."""
    c, *ahead = states
    *older, newest = weights[0]
    sums = x @ newest + weights[1]
    if ahead:
        sums = sums + ahead[0]
    z, f, *rest = np.split(sums, {"f": 2, "fo": 3, "ifo": 4}[pooling], axis=1)
    z, f = np.tanh(z), sigmoid(f)
    if pooling == "ifo":
        o, i = (sigmoid(gate) for gate in rest)
        c = f * c + i * z
    else:
        o = sigmoid(rest[0]) if pooling == "fo" else 1
        c = f * c + (1 - f) * z
    later = [x @ w for w in reversed(older)]  # to the next step through the last but one, and so on
    moved = [*ahead[1:], 0]
    return o * c, [c, *[new + old for new, old in zip(later, moved, strict=True)]] if older else [c]

"""Oracles of the relatives of Elman, LSTM and GRU: each one step in NumPy, one gate at a time."""

import numpy as np
from numpy_cells import sigmoid


def relu(x):
    return np.maximum(x, 0)


def layer_norm(x, gain, epsilon=1e-3):
    """Written out row by row."""
    rows = []
    for row in x:
        mean = sum(row) / len(row)
        variance = sum((row - mean) ** 2) / len(row)
        rows.append(gain * (row - mean) / np.sqrt(variance + epsilon))
    return np.stack(rows)


def peephole_lstm(weights, x, states):
    h, c = states
    w_i, w_f, w_c, w_o = np.split(weights[0], 4, axis=1)
    u_i, u_f, u_c, u_o = np.split(weights[1], 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(weights[2], 4)
    p_i, p_f, p_o = (np.diag(p) for p in weights[3:])
    i = sigmoid(x @ w_i + h @ u_i + c @ p_i + b_i)
    f = sigmoid(x @ w_f + h @ u_f + c @ p_f + b_f)
    g = np.tanh(x @ w_c + h @ u_c + b_c)
    c = f * c + i * g
    o = sigmoid(x @ w_o + h @ u_o + c @ p_o + b_o)
    h = o * np.tanh(c)
    return h, [h, c]


def coupled_lstm(weights, x, states):
    h, c = states
    w_f, w_c, w_o = np.split(weights[0], 3, axis=1)
    u_f, u_c, u_o = np.split(weights[1], 3, axis=1)
    b_f, b_c, b_o = np.split(weights[2], 3)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    i = 1 - f
    g = np.tanh(x @ w_c + h @ u_c + b_c)
    o = sigmoid(x @ w_o + h @ u_o + b_o)
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, [h, c]


def projected_lstm(weights, x, states):
    h, c = states
    w_i, w_f, w_c, w_o = np.split(weights[0], 4, axis=1)
    u_i, u_f, u_c, u_o = np.split(weights[1], 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(weights[2], 4)
    i = sigmoid(x @ w_i + h @ u_i + b_i)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    g = np.tanh(x @ w_c + h @ u_c + b_c)
    o = sigmoid(x @ w_o + h @ u_o + b_o)
    c = f * c + i * g
    h = (o * np.tanh(c)) @ weights[3]
    return h, [h, c]


def layer_norm_elman(weights, x, states):
    w, u, b, gain = weights
    h = np.tanh(layer_norm(x @ w + states[0] @ u, gain) + b)
    return h, [h]


def layer_norm_lstm(weights, x, states):
    h, c = states
    w, u, b, w_gain, u_gain, c_gain, c_bias = weights
    # All gates are one vector to the normalisation; after it they go their own ways.
    i, f, g, o = np.split(layer_norm(x @ w, w_gain) + layer_norm(h @ u, u_gain) + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(layer_norm(c, c_gain) + c_bias)
    return h, [h, c]


def layer_norm_gru(weights, x, states):
    (h,) = states
    w, u, (b, d), w_gain, u_gain = weights
    n = h.shape[1]
    gates, candidate = slice(0, 2 * n), slice(2 * n, 3 * n)
    x_gates = layer_norm(x @ w[:, gates], w_gain[gates]) + b[gates]
    h_gates = layer_norm(h @ u[:, gates], u_gain[gates]) + d[gates]
    z = sigmoid(x_gates[:, :n] + h_gates[:, :n])
    r = sigmoid(x_gates[:, n:] + h_gates[:, n:])
    x_h = layer_norm(x @ w[:, candidate], w_gain[candidate]) + b[candidate]
    h_h = layer_norm(h @ u[:, candidate], u_gain[candidate]) + d[candidate]
    g = np.tanh(x_h + r * h_h)
    h = z * h + (1 - z) * g
    return h, [h]


def nas(weights, x, states, use_bias=True, projected=True):
    h, c = states
    w = np.split(weights[0], 8, axis=1)
    u = np.split(weights[1], 8, axis=1)
    b = np.split(weights[2], 8) if use_bias else [0.0] * 8
    first = [
        sigmoid(x @ w[0] + h @ u[0] + b[0]),
        relu(x @ w[1] + h @ u[1] + b[1]),
        sigmoid(x @ w[2] + h @ u[2] + b[2]),
        relu((x @ w[3]) * (h @ u[3] + b[3])),
        np.tanh(x @ w[4] + h @ u[4] + b[4]),
        sigmoid(x @ w[5] + h @ u[5] + b[5]),
        np.tanh(x @ w[6] + h @ u[6] + b[6]),
        sigmoid(x @ w[7] + h @ u[7] + b[7]),
    ]
    second = [
        np.tanh(first[0] * first[1]),
        np.tanh(first[2] + first[3]),
        np.tanh(first[4] * first[5]),
        sigmoid(first[6] + first[7]),
    ]
    c = np.tanh(second[0] + c) * second[1]
    h = np.tanh(c * np.tanh(second[2] + second[3]))
    if projected:
        h = h @ weights[-1]
    return h, [h, c]


def nas_plain(weights, x, states):
    return nas(weights, x, states, use_bias=False, projected=False)


def mgu(weights, x, states):
    (h,) = states
    w_f, w_h = np.split(weights[0], 2, axis=1)
    u_f, u_h = np.split(weights[1], 2, axis=1)
    b_f, b_h = np.split(weights[2], 2)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    g = np.tanh(x @ w_h + (f * h) @ u_h + b_h)
    h = (1 - f) * h + f * g
    return h, [h]


def esn_weights(rng, variables):
    """Any numbers, though the cell trains none of its weights; its own bias would be zero."""
    return [rng.normal(size=v.shape, scale=0.7) for v in variables]


def esn(weights, x, states, leaky=0.3):
    (h,) = states
    w, u, b = weights
    h = (1 - leaky) * h + leaky * np.tanh(x @ w + h @ u + b)
    return h, [h]


def indrnn(weights, x, states):
    w, u, b = weights
    h = relu(x @ w + states[0] @ np.diag(u) + b)
    return h, [h]

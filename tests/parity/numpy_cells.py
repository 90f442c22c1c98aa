"""The oracle: every cell as one step in NumPy, written from the equations alone, one gate at a time."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elman(weights, x, states, activation=np.tanh):
    w, u, b = weights
    h = activation(x @ w + states[0] @ u + b)
    return h, [h]


def lstm(weights, x, states):
    h, c = states
    w_i, w_f, w_c, w_o = np.split(weights[0], 4, axis=1)
    u_i, u_f, u_c, u_o = np.split(weights[1], 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(weights[2], 4)
    i = sigmoid(x @ w_i + h @ u_i + b_i)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    g = np.tanh(x @ w_c + h @ u_c + b_c)
    o = sigmoid(x @ w_o + h @ u_o + b_o)
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, [h, c]


def gru_reset_after(weights, x, states):
    (h,) = states
    w_z, w_r, w_h = np.split(weights[0], 3, axis=1)
    u_z, u_r, u_h = np.split(weights[1], 3, axis=1)
    (b_z, b_r, b_h), (d_z, d_r, d_h) = np.split(weights[2][0], 3), np.split(weights[2][1], 3)
    z = sigmoid(x @ w_z + b_z + h @ u_z + d_z)
    r = sigmoid(x @ w_r + b_r + h @ u_r + d_r)
    g = np.tanh(x @ w_h + b_h + r * (h @ u_h + d_h))
    h = z * h + (1 - z) * g
    return h, [h]


def gru_reset_before(weights, x, states):
    (h,) = states
    w_z, w_r, w_h = np.split(weights[0], 3, axis=1)
    u_z, u_r, u_h = np.split(weights[1], 3, axis=1)
    b_z, b_r, b_h = np.split(weights[2], 3)
    z = sigmoid(x @ w_z + h @ u_z + b_z)
    r = sigmoid(x @ w_r + h @ u_r + b_r)
    g = np.tanh(x @ w_h + (r * h) @ u_h + b_h)
    h = z * h + (1 - z) * g
    return h, [h]


def run(step, weights, sequences, states, output_size, mask=None, reverse=False):
    """Run a step along `[batch, time, features]`, row by row, over the valid steps only.

    Returns the outputs `[batch, time, output_size]` (zero where the mask is false) and the final states.
    """
    batch, time, _ = sequences.shape
    outputs = np.zeros((batch, time, output_size))
    final = [np.array(state, dtype="float64") for state in states]
    for row in range(batch):
        state = [s[row : row + 1].copy() for s in final]
        steps = [t for t in range(time) if mask is None or mask[row, t]]
        for t in reversed(steps) if reverse else steps:
            output, state = step(weights, sequences[row : row + 1, t], state)
            outputs[row, t] = output[0]
        for whole, part in zip(final, state, strict=True):
            whole[row] = part[0]
    return outputs, final

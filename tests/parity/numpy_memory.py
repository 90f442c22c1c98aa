"""The oracle of the cells with other kinds of memory and of the wrappers, from the equations alone."""

import numpy as np
from numpy_cells import elman, lstm, sigmoid


def jordan(weights, x, states):
    w, u, b, v, c = weights
    h = np.tanh(x @ w + states[0] @ u + b)
    y = np.tanh(h @ v + c)
    return y, [y]


def leaky(weights, x, states, leaks):
    new, _ = elman(weights, x, states)
    h = np.empty_like(new)
    for unit, a in enumerate(leaks):
        h[:, unit] = a * states[0][:, unit] + (1 - a) * new[:, unit]
    return h, [h]


def learned_leaky(weights, x, states):
    return leaky(weights[:3], x, states, sigmoid(weights[3]))


def higher_order(weights, x, states):
    w, u, b = weights
    total = x @ w + b
    for k, state in enumerate(states):
        total = total + state @ u[k]
    h = np.tanh(total)
    return h, [h, *states[:-1]]


def clockwork(weights, x, states, periods):
    """Module by module: it hears of itself and of the modules that are not faster."""
    w, u, b = weights
    h, clock = states
    size = h.shape[1] // len(periods)
    new_h, new_clock = h.copy(), clock.copy()
    for i, period in enumerate(periods):
        to = slice(i * size, (i + 1) * size)
        total = x @ w[:, to] + b[to]
        for j, other in enumerate(periods):
            if other >= period:
                source = slice(j * size, (j + 1) * size)
                total = total + h[:, source] @ u[source, to]
        for row in range(len(h)):
            if clock[row, i] == 0:
                new_h[row, to] = np.tanh(total[row])
            new_clock[row, i] = (clock[row, i] + 1) % period
    return new_h, [new_h, new_clock]


def slstm(weights, x, states, heads=1, forget=sigmoid):
    """The equations without a stabiliser, from states that are multiplied out; at the end they are divided again."""
    w, r, b = weights
    h, c, n, m = states
    units = h.shape[1]
    size = units // heads
    gates = []
    for gate in range(4):
        columns = slice(gate * units, (gate + 1) * units)
        inner = np.zeros_like(h)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            inner[:, part] = h[:, part] @ r[head][:, gate * size : (gate + 1) * size]
        gates.append(x @ w[:, columns] + inner + b[columns])
    i, f, z, o = np.exp(gates[0]), forget(gates[1]), np.tanh(gates[2]), sigmoid(gates[3])
    new_m = np.where(n == 0, gates[0], np.maximum(np.log(f) + m, gates[0]))
    c = f * c * np.exp(m) + i * z
    n = f * n * np.exp(m) + i
    h = o * c / n
    return h, [h, c / np.exp(new_m), n / np.exp(new_m), new_m]


def mlstm(weights, x, states, heads=1, forget=sigmoid):
    """One head and one row after the other; the states are multiplied out as in `slstm`."""
    w, b = weights
    batch, units = len(x), states[0].shape[1]
    size = units // heads
    projected = x @ w + b
    q, k, v, o = (projected[:, part * units : (part + 1) * units] for part in range(4))
    log_i, raw_f = projected[:, 4 * units : 4 * units + heads], projected[:, 4 * units + heads :]
    h, new_c = np.zeros((batch, units)), np.zeros((batch, heads, size, size))
    new_n, new_m = np.zeros((batch, units)), np.zeros((batch, heads))
    for row in range(batch):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scale = np.exp(states[2][row, head])
            c = states[1][row].reshape(heads, size, size)[head] * scale
            n = states[0][row, part] * scale
            i, f = np.exp(log_i[row, head]), forget(raw_f[row, head])
            key = k[row, part] / np.sqrt(size)
            c = f * c + i * np.outer(v[row, part], key)
            n = f * n + i * key
            h[row, part] = sigmoid(o[row, part]) * (c @ q[row, part]) / max(abs(n @ q[row, part]), 1)
            m = max(np.log(f) + states[2][row, head], log_i[row, head], 0)
            new_c[row, head], new_n[row, part], new_m[row, head] = c / np.exp(m), n / np.exp(m), m
    return h, [new_n, new_c.reshape(batch, -1), new_m]


def skip_through_time(weights, x, states):
    """Two steps back, around an LSTM: the skip enters each gate."""
    skip, w, u, b = weights
    h, c, newer, older = states
    shifted = np.concatenate([x, older], axis=1)
    output, states = lstm([np.concatenate([w, skip]), u, b], shifted, [h, c])
    return output, [*states, output, newer]


def residual(weights, x, states):
    shortcut, *inner = weights
    output, states = lstm(inner, x, states)
    return output + x @ shortcut, states


def zoneout(weights, x, states, rates):
    _, (h, c) = lstm(weights, x, states)
    h = rates[0] * states[0] + (1 - rates[0]) * h
    c = rates[1] * states[1] + (1 - rates[1]) * c
    return h, [h, c]


def clockwork_states(rng, sizes):
    """Any h; clocks within the periods (1, 3, 2) of the case."""
    clock = [[0, 0, 0], [0, 1, 1], [0, 2, 0]]
    return [rng.normal(size=(3, sizes[0])), np.array(clock)]


def slstm_states(rng, sizes):
    """A normaliser is a sum of gates: positive once something is stored."""
    h, c, n, m = (rng.normal(size=(3, size)) for size in sizes)
    return [h, c, np.abs(n) + 0.5, m]

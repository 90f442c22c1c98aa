"""A vanilla recurrent network in NumPy, forward and backward through time, to be read from top to bottom.

The network reads a sequence `x_0 ... x_{T-1}` of vectors and says at every step which of several classes comes there:

    a_t = x_t W + h_{t-1} U + b        what the hidden units receive
    h_t = tanh(a_t)                    the state, the network's memory of all steps so far
    z_t = h_t V + c                    the logits
    p_t = softmax(z_t)                 the probabilities
    L   = - sum_t log p_t[y_t]         the loss: how surprising the right classes y_t were

The weights W, U, V and the biases b, c are the same at every step. That is why their gradients are sums over the steps,
and why the gradient of a state has two parts: what it did for the output of its own step, and what it did for all
later steps through the next state. Walking backwards, the second part is known when we need it: this is back-
propagation through time (Werbos 1990).

`tests/parity/test_vanilla_rnn.py` compares all of this with automatic differentiation of the layers of keras-seq.
"""

from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    """What is learnt; a gradient is a tuple of the same form."""

    W: np.ndarray  # [features, units]   input to hidden
    U: np.ndarray  # [units, units]      hidden to hidden, one step later
    b: np.ndarray  # [units]
    V: np.ndarray  # [units, classes]    hidden to output
    c: np.ndarray  # [classes]


def softmax(z):
    """Probabilities of logits; subtracting the largest changes nothing but keeps `exp` from overflowing."""
    e = np.exp(z - z.max())
    return e / e.sum()


def forward(weights, x, y, h_start):
    """Run along the sequence.

    Args:
        weights: `Weights`.
        x: `[time, features]`.
        y: The right classes, integers `[time]`.
        h_start: The state before the first step, `[units]`.

    Returns:
        The loss; the states `[time + 1, units]`, of which `h[t]` is the one before step t and `h[t + 1]` the one after
        it; the probabilities `[time, classes]`.
    """
    W, U, b, V, c = weights
    h = np.zeros((len(x) + 1, len(b)))
    h[0] = h_start
    p = np.zeros((len(x), len(c)))
    loss = 0.0
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ W + h[t] @ U + b)
        p[t] = softmax(h[t + 1] @ V + c)
        loss -= np.log(p[t, y[t]])
    return loss, h, p


def backward(weights, x, y, h, p, window=None):
    """Walk back along the sequence and collect the gradients of the loss.

    Args:
        weights, x, y: As in `forward`.
        h, p: What `forward` returned.
        window: Truncated backpropagation: how many steps a gradient may travel back from the output that it comes from.
            All of them when left out.

    Returns:
        The gradients as `Weights`, the one of `h_start`, and `|dL/dh_t|` for each state `h[0] ... h[time]`: the picture
        of vanishing and exploding gradients.
    """
    U, V = weights.U, weights.V
    dW, dU, db, dV, dc = (np.zeros_like(weight) for weight in weights)
    time = len(x)
    dh = np.zeros_like(h)  # dh[t]: the gradient of h[t], the state before step t

    for t in range(time):  # the outputs do not depend on each other, so this loop may go either way
        dz = p[t].copy()
        dz[y[t]] -= 1  # the gradient of softmax and logarithm together: probability minus truth
        dV += np.outer(h[t + 1], dz)
        dc += dz
        dh[t + 1] += V @ dz  # first part: what the state did for the output of its own step

    if window is None:
        for t in reversed(range(time)):
            da = dh[t + 1] * (1 - h[t + 1] ** 2)  # through tanh, whose slope is 1 - tanh^2
            dW += np.outer(x[t], da)
            dU += np.outer(h[t], da)
            db += da
            dh[t] += U @ da  # second part: what the state did for the next one
        return Weights(dW, dU, db, dV, dc), dh[0], np.linalg.norm(dh, axis=1)

    own = dh.copy()
    for end in range(1, time + 1):  # the gradient of each output travels by itself, and not further than the window
        travelling = own[end]
        for t in reversed(range(max(0, end - window), end)):
            da = travelling * (1 - h[t + 1] ** 2)
            dW += np.outer(x[t], da)
            dU += np.outer(h[t], da)
            db += da
            travelling = U @ da
            dh[t] += travelling
    return Weights(dW, dU, db, dV, dc), dh[0], np.linalg.norm(dh, axis=1)


def train(weights, x, y, steps, learning_rate=0.1, clip=5.0):
    """Gradient descent on one sequence; the gradient is clipped by its norm (Pascanu et al. 2013).

    Returns the weights and the loss before each step.
    """
    losses = []
    for _ in range(steps):
        loss, h, p = forward(weights, x, y, np.zeros(len(weights.b)))
        gradients, _, _ = backward(weights, x, y, h, p)
        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
        scale = learning_rate * min(1.0, clip / norm)
        weights = Weights(*(w - scale * g for w, g in zip(weights, gradients, strict=True)))
        losses.append(loss)
    return weights, losses

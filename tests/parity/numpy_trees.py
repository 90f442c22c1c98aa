"""The oracle of the tree cells: one node at a time in NumPy, written from the equations alone, one gate at a time.

A step gets the weights, the input x of a node and the list of the states of its children, each a list of vectors, and
returns the list of its own states.
"""

import numpy as np
from numpy_cells import sigmoid


def recursive(weights, x, children):
    w, b = weights
    if not children:
        return [x]
    (a,), (c,) = children if len(children) == 2 else (children[0], [np.zeros_like(b)])
    units = len(b)
    return [np.tanh(a @ w[:units] + c @ w[units:] + b)]


def tensor(weights, x, children):
    w, b, v = weights
    if not children:
        return [np.tanh(x)]  # with leaf_activation="tanh"
    second = children[1][0] if len(children) == 2 else np.zeros_like(b)
    c = np.concatenate([children[0][0], second])
    p = np.zeros(len(b))
    for k in range(len(b)):
        p[k] = np.tanh(c @ v[:, :, k] @ c + c @ w[:, k] + b[k])
    return [p]


def matrix_vector(weights, x, children, rank=None):
    w, b, m = weights
    n = len(b)
    if not children:
        if rank is None:
            return [x[:n], np.eye(n) + x[n:].reshape(n, n)]
        u, v, d = np.split(x[n:], [n * rank, 2 * n * rank])
        return [x[:n], u.reshape(n, rank) @ v.reshape(rank, n) + np.diag(1 + d)]
    (a, matrix_a) = children[0]
    (c, matrix_c) = children[1] if len(children) == 2 else (np.zeros(n), np.zeros((n, n)))
    p = np.tanh(np.concatenate([matrix_c @ a, matrix_a @ c]) @ w + b)
    return [p, m.T @ np.concatenate([matrix_a, matrix_c])]


def child_sum(weights, x, children):
    w_i, w_f, w_c, w_o = np.split(weights[0], 4, axis=1)
    u_i, u_f, u_c, u_o = np.split(weights[1], 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(weights[2], 4)
    s = sum((h for h, _ in children), np.zeros(len(b_i)))
    i = sigmoid(x @ w_i + s @ u_i + b_i)
    g = np.tanh(x @ w_c + s @ u_c + b_c)
    o = sigmoid(x @ w_o + s @ u_o + b_o)
    c = i * g
    for h_k, c_k in children:
        c = c + sigmoid(x @ w_f + h_k @ u_f + b_f) * c_k
    return [o * np.tanh(c), c]


def nary(weights, x, children, arity=2):
    w_i, w_f, w_c, w_o = np.split(weights[0], 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(weights[2], 4)
    rows = np.split(weights[1], arity)  # one block a child
    blocks = [np.split(block, 3 + arity, axis=1) for block in rows]  # i, f_1 ... f_N, c, o

    def from_children(gate):
        return sum((h @ blocks[k][gate] for k, (h, _) in enumerate(children)), np.zeros(len(b_i)))

    i = sigmoid(x @ w_i + from_children(0) + b_i)
    g = np.tanh(x @ w_c + from_children(1 + arity) + b_c)
    o = sigmoid(x @ w_o + from_children(2 + arity) + b_o)
    c = i * g
    for k, (_, c_k) in enumerate(children):
        c = c + sigmoid(x @ w_f + from_children(1 + k) + b_f) * c_k
    return [o * np.tanh(c), c]


def run(step, weights, inputs, tree):
    """The outputs of all nodes `[batch, nodes, units]`, by recursion from the root of each tree; zero for padding."""
    outputs = None
    for row in range(len(inputs)):
        parents, positions, depth = (np.asarray(tree[name])[row] for name in ("parents", "positions", "depth"))

        def visit(node, row=row, parents=parents, positions=positions, depth=depth):
            nonlocal outputs
            children = [child for child in range(len(parents)) if parents[child] == node and depth[child] > 0]
            children.sort(key=lambda child: positions[child])
            states = step(weights, inputs[row, node], [visit(child) for child in children])
            if outputs is None:
                outputs = np.zeros((*inputs.shape[:2], len(states[0])))
            outputs[row, node] = states[0]
            return states

        if depth[0] >= 0:
            visit(0)
    return outputs

"""Tree cells with random asymmetric weights, each beside its NumPy oracle; a new cell joins by one entry of `CELLS`."""

from functools import partial

import numpy as np
import numpy_trees

import keras_seq

UNITS, FEATURES = 3, 4

CELLS = {
    "recursive": (keras_seq.RecursiveCell, {}, numpy_trees.recursive),
    "tensor": (keras_seq.TensorCell, {"leaf_activation": "tanh"}, numpy_trees.tensor),
    "matrix_vector": (keras_seq.MatrixVectorCell, {}, numpy_trees.matrix_vector),
    "matrix_vector_rank": (keras_seq.MatrixVectorCell, {"rank": 2}, partial(numpy_trees.matrix_vector, rank=2)),
    "child_sum": (keras_seq.ChildSumTreeLSTMCell, {}, numpy_trees.child_sum),
    "nary": (keras_seq.NaryTreeLSTMCell, {}, numpy_trees.nary),
    "ternary": (keras_seq.NaryTreeLSTMCell, {"arity": 3}, partial(numpy_trees.nary, arity=3)),
}


class TreeCase:
    """A cell with random weights, a batch of trees for it, and its oracle."""

    def __init__(self, name):
        kind, options, self.step = CELLS[name]
        self.name = name
        self.rng = np.random.default_rng(7)
        self.make = lambda **more: kind(UNITS, **options, **more)
        self.cell = self.make()
        self.features = getattr(self.cell, "input_size", FEATURES)
        self.cell.build((None, self.features))
        self.weights = [self.rng.normal(size=w.shape, scale=0.6) for w in self.cell.weights]
        self.cell.set_weights(self.weights)
        self.tree = make_table([random_tree(nodes, self.cell.arity, self.rng) for nodes in (6, 1, 13, 0, 2)], 15)
        self.inputs = self.rng.normal(size=(5, 15, self.features)).astype("float32")

    def oracle(self, weights=None, inputs=None, tree=None):
        inputs = self.inputs if inputs is None else inputs
        return numpy_trees.run(
            self.step, weights or self.weights, inputs.astype("float64"), self.tree if tree is None else tree
        )


def random_tree(nodes, arity, rng):
    """The parents of a random tree, in which a node comes after its parent."""
    parents = [-1] * min(nodes, 1)
    while len(parents) < nodes:
        parent = int(rng.integers(len(parents)))
        if arity is None or parents.count(parent) < arity:
            parents.append(parent)
    return parents


def make_table(trees, nodes):
    """A table of trees, each a list of parents, with so many columns."""
    table = {"parents": -1, "positions": 0, "depth": -1}
    table = {name: np.full((len(trees), nodes), fill, "int32") for name, fill in table.items()}
    for row, parents in enumerate(trees):
        for node, parent in enumerate(parents):
            table["parents"][row, node] = parent
            table["positions"][row, node] = parents[:node].count(parent) if parent >= 0 else 0
            table["depth"][row, node] = table["depth"][row, parent] + 1 if parent >= 0 else 0
    return table

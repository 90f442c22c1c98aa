"""The driver over trees, by itself; all tests here run on every backend."""

import keras
import numpy as np
import pytest
from tree_cases import FEATURES, UNITS, TreeCase, make_table, random_tree

import keras_seq

BACKEND = keras.backend.backend()


class CountingCell(keras_seq.TreeCell):
    """A cell that tests the driver alone: the size of the tree below a node, and how high it is."""

    state_size = [1, 1]
    output_size = 1

    def build(self, input_shape):
        self.rows = 0
        self.built = True

    def project_inputs(self, inputs):
        return inputs[..., :1] * 0

    def step_weights(self):
        return []

    def leaf(self, projected, weights):
        return [projected + 1, projected]

    def compose(self, projected, messages, weights):
        self.rows += messages[0].shape[0] or 0
        return [1 + messages[0][:, 0], 1 + messages[1][:, 0]]


def test_driver_alone_counts_nodes(numpy):
    rng = np.random.default_rng(1)
    tree = make_table([random_tree(nodes, None, rng) for nodes in (40, 1, 300, 7)], 310)
    cell = CountingCell()
    sizes = numpy(keras_seq.Recursive(cell, return_nodes=True)(np.zeros((4, 310, 2)), tree))[..., 0]
    assert list(sizes[:, 0]) == [40, 1, 300, 7]
    for row in range(4):
        expected = np.where(tree["depth"][row] >= 0, 1, 0)
        for node in np.argsort(-tree["depth"][row]):
            if tree["parents"][row, node] >= 0:
                expected[tree["parents"][row, node]] += expected[node]
        np.testing.assert_array_equal(sizes[row], expected)
    if BACKEND != "jax":  # there, levels are cut into pieces of one size
        inner = sum(len(set(tree["parents"][row]) - {-1}) for row in range(4))
        assert cell.rows == inner  # each inner node is computed once: the cost is linear


def test_inputs_of_inner_nodes(numpy):
    case = TreeCase("nary")
    with_inputs = keras_seq.Recursive(case.cell, return_nodes=True)
    without = keras_seq.Recursive(case.cell, return_nodes=True, inner_inputs=False)
    inner = [[node in row for node in range(15)] for row in case.tree["parents"]]
    inputs = np.where(np.array(inner)[..., None], 0, case.inputs)
    np.testing.assert_allclose(numpy(without(case.inputs, case.tree)), case.oracle(inputs=inputs), atol=1e-5)
    np.testing.assert_allclose(numpy(with_inputs(inputs, case.tree)), case.oracle(inputs=inputs), atol=1e-5)


def test_functional_model(numpy):
    case = TreeCase("nary")
    inputs = keras.Input((None, FEATURES))
    tree = {name: keras.Input((None,), dtype="int32") for name in case.tree}
    outputs = keras_seq.Recursive(case.cell, return_nodes=True)(inputs, tree)
    assert outputs.shape == (None, None, UNITS)
    model = keras.Model([inputs, tree], outputs)
    np.testing.assert_allclose(numpy(model([case.inputs, case.tree])), case.oracle(), atol=1e-5)


def test_a_child_too_many_is_refused():
    case = TreeCase("nary")
    layer = keras_seq.Recursive(case.cell)
    tree = {**case.tree, "positions": case.tree["positions"] * 2}
    with pytest.raises(ValueError, match=r"reads 2 children of a node. Received: a child at position 2"):
        layer(case.inputs, tree)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with pytest.raises(tf.errors.InvalidArgumentError, match="reads 2 children"):
            tf.function(layer, autograph=False)(
                tf.constant(case.inputs), {name: tf.constant(v) for name, v in tree.items()}
            )
    with pytest.raises(ValueError, match=r"at most 2 children here"):
        case.cell(case.inputs[:, 0], [case.inputs[:, :3, :UNITS]] * 2)


def test_wrong_arguments_are_refused():
    case = TreeCase("tensor")
    with pytest.raises(ValueError, match=r"`cell` must be a `TreeCell`. Received"):
        keras_seq.Recursive(keras_seq.LSTMCell(3))
    with pytest.raises(ValueError, match=r"must be a dictionary with parents, positions, depth. Received: \['parents'"):
        keras_seq.Recursive(case.cell)(case.inputs, {"parents": case.tree["parents"]})
    with pytest.raises(ValueError, match=r"must have 3 features. Received"):
        keras_seq.TensorCell(3).build((None, 4))
    with pytest.raises(ValueError, match=r"`arity` must be 2"):
        keras_seq.MatrixVectorCell(3, arity=3)
    with pytest.raises(ValueError, match=r"`rank` must be a positive integer or None. Received: rank=0"):
        keras_seq.MatrixVectorCell(3, rank=0)

"""Cells over trees; all tests here run on every backend."""

import keras
import numpy as np
import pytest
from differentiation import compiled, gradients
from keras import ops
from tree_cases import CELLS, FEATURES, UNITS, TreeCase, make_table, random_tree

import keras_seq


@pytest.fixture(params=CELLS)
def case(request):
    return TreeCase(request.param)


@pytest.fixture(params=["tensor", "child_sum", "ternary"])
def some_case(request):
    """Enough for tests of the driver."""
    return TreeCase(request.param)


def test_a_batch_equals_the_recursion_tree_by_tree(case, numpy):
    layer = keras_seq.Recursive(case.cell, return_nodes=True)
    expected = case.oracle()
    np.testing.assert_allclose(numpy(layer(case.inputs, case.tree)), expected, atol=1e-5)
    roots = keras_seq.Recursive(case.cell)
    run = compiled(lambda inputs: roots(inputs, case.tree))
    np.testing.assert_allclose(numpy(run(ops.convert_to_tensor(case.inputs))), expected[:, 0], atol=1e-5)


def test_gradients_equal_finite_differences(case):
    """Of a loss over all nodes, by the inputs and every weight; the differences are those of the NumPy oracle."""
    layer = keras_seq.Recursive(case.cell, return_nodes=True)
    factors = case.rng.normal(size=(*case.inputs.shape[:2], UNITS))
    constant = ops.convert_to_tensor(factors.astype("float32"))
    values = gradients(lambda inputs: ops.sum(layer(inputs, case.tree) * constant), layer, case.inputs)
    arguments = [case.inputs.astype("float64"), *case.weights]
    for index, gradient in enumerate(values):
        direction = case.rng.normal(size=gradient.shape)
        direction /= np.linalg.norm(direction)
        sums = []
        for step in (1e-5, -1e-5):
            moved = [value + step * direction if k == index else value for k, value in enumerate(arguments)]
            sums.append(np.sum(case.oracle(moved[1:], moved[0]) * factors))
        slope = (sums[0] - sums[1]) / 2e-5
        assert abs(slope) > 1e-4
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-4, atol=1e-5)


def test_one_node_at_a_time_equals_the_equations(case, numpy):
    x = case.inputs[:2, 0]
    output, states = numpy(case.cell(x))
    children = [np.stack([state, 2 * state], axis=1) for state in states]  # [batch, 2, size]
    inner, inner_states = numpy(case.cell(x, children))
    for row in range(2):
        leaf = case.step(case.weights, x[row].astype("float64"), [])
        np.testing.assert_allclose(output[row], leaf[0], atol=1e-5)
        expected = case.step(case.weights, x[row].astype("float64"), [leaf, [2 * state for state in leaf]])
        for state, other in zip(inner_states, expected, strict=True):
            np.testing.assert_allclose(state[row], other.reshape(-1), atol=1e-5)
        np.testing.assert_array_equal(inner[row], inner_states[0][row])


def test_padding_changes_nothing(some_case, numpy):
    layer = keras_seq.Recursive(some_case.cell, return_nodes=True)
    outputs = numpy(layer(some_case.inputs, some_case.tree))
    more = {name: np.pad(values, ((1, 2), (0, 4)), constant_values=-1) for name, values in some_case.tree.items()}
    more["positions"] = np.maximum(more["positions"], 0)
    inputs = some_case.rng.normal(size=(8, 19, some_case.features)).astype("float32") * 100
    nodes = some_case.tree["depth"] >= 0
    inputs[1:-2, :-4][nodes] = some_case.inputs[nodes]
    padded = numpy(layer(inputs, more))
    np.testing.assert_allclose(padded[1:-2, :-4], outputs, atol=1e-6)
    assert np.all(padded[more["depth"] < 0] == 0)


@pytest.mark.parametrize("nodes", [1, 0])
def test_trees_without_branches(some_case, nodes, numpy):
    """Batches of leaves, or of nothing at all."""
    tree = make_table([random_tree(nodes, None, some_case.rng) for _ in range(5)], 15)
    layer = keras_seq.Recursive(some_case.cell, return_nodes=True)
    expected = some_case.oracle(tree=tree) if nodes else np.zeros((5, 15, UNITS))
    np.testing.assert_allclose(numpy(layer(some_case.inputs, tree)), expected, atol=1e-5)


def test_order_of_nodes_in_the_table_does_not_matter(some_case, numpy):
    """A parent may stand after its children; only the root has to be node 0."""
    layer = keras_seq.Recursive(some_case.cell, return_nodes=True)
    order = np.concatenate([[0], 1 + some_case.rng.permutation(14)])
    where = np.argsort(order)
    moved = {name: values[:, order] for name, values in some_case.tree.items()}
    moved["parents"] = np.where(moved["parents"] >= 0, where[moved["parents"]], -1)
    outputs = numpy(layer(some_case.inputs[:, order], moved))
    np.testing.assert_allclose(outputs, numpy(layer(some_case.inputs, some_case.tree))[:, order], atol=1e-6)


@pytest.mark.parametrize("name", ["child_sum", "nary", "recursive"])
def test_order_of_children(name, numpy):
    case = TreeCase(name)
    layer = keras_seq.Recursive(case.cell)
    swapped = {**case.tree, "positions": np.where(case.tree["parents"] == 0, 1 - case.tree["positions"], 0)}
    tree = {**case.tree, "positions": np.where(case.tree["parents"] == 0, case.tree["positions"], 0)}
    rows = [0, 2] if name == "child_sum" else [row for row in (0, 2) if np.sum(tree["parents"][row] == 0) == 2]
    same = np.allclose(numpy(layer(case.inputs, tree))[rows], numpy(layer(case.inputs, swapped))[rows], atol=1e-6)
    assert same == (name == "child_sum")


@pytest.mark.parametrize("length", [7, 2000])
@pytest.mark.parametrize("kind", [keras_seq.ChildSumTreeLSTMCell, keras_seq.NaryTreeLSTMCell])
def test_a_chain_equals_the_lstm(kind, length, numpy):
    """A tree without branches, read from its one leaf to its root, also one of thousands of levels."""
    cell = kind(UNITS) if kind is keras_seq.ChildSumTreeLSTMCell else kind(UNITS, arity=1)
    lstm = keras_seq.LSTMCell(UNITS)
    layer = keras_seq.Recursive(cell, return_nodes=True)
    sequence = keras_seq.Recurrent(lstm, return_sequences=True)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2, length, FEATURES)).astype("float32")
    for one in (cell, lstm):
        one.build((None, FEATURES))
    lstm.set_weights([rng.normal(size=weight.shape, scale=0.5) for weight in lstm.weights])
    cell.set_weights(lstm.get_weights())
    tree = make_table([range(-1, length - 1)] * 2, length) if length < 100 else chain(length)
    backwards = ops.convert_to_tensor(inputs[:, ::-1].copy())
    expected = numpy(sequence(inputs))[:, ::-1]
    np.testing.assert_allclose(numpy(compiled(lambda x: layer(x, tree))(backwards)), expected, atol=1e-5)


def chain(length):
    numbers = np.tile(np.arange(length, dtype="int32"), (2, 1))
    return {"parents": numbers - 1, "positions": numbers * 0, "depth": numbers}


def test_a_node_with_thousands_of_children(numpy):
    case = TreeCase("child_sum")
    leaves = 3000
    parents = np.concatenate([[[-1]], np.zeros((1, leaves))], axis=1).astype("int32")
    tree = {"parents": parents, "positions": np.arange(-1, leaves)[None].clip(0), "depth": parents + 1}
    inputs = case.rng.normal(size=(1, leaves + 1, FEATURES)).astype("float32")
    states = [case.step(case.weights, x.astype("float64"), []) for x in inputs[0, 1:]]
    expected = case.step(case.weights, inputs[0, 0].astype("float64"), states)[0]
    np.testing.assert_allclose(numpy(keras_seq.Recursive(case.cell)(inputs, tree))[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["nary", "child_sum", "tensor"])
def test_cell_without_bias(name, numpy):
    case = TreeCase(name)
    cell = case.make(use_bias=False)
    cell.build((None, case.features))
    kept = [index for index, weight in enumerate(case.cell.weights) if weight.name != "bias"]
    cell.set_weights([case.weights[index] for index in kept])
    weights = [weight if index in kept else weight * 0 for index, weight in enumerate(case.weights)]
    for inner_inputs in (True, False) if name == "tensor" else (True,):
        layer = keras_seq.Recursive(cell, return_nodes=True, inner_inputs=inner_inputs)
        np.testing.assert_allclose(numpy(layer(case.inputs, case.tree)), case.oracle(weights), atol=1e-5)
    bare = keras_seq.Recursive(cell, return_nodes=True, inner_inputs=False)
    assert np.all(np.isfinite(numpy(bare(case.inputs, case.tree))))


def test_half_precision(some_case, numpy):
    case = some_case
    cell = case.make(dtype="mixed_bfloat16")
    cell.build((None, case.features))
    cell.set_weights(case.weights)
    outputs = keras_seq.Recursive(cell, return_nodes=True, dtype="mixed_bfloat16")(case.inputs, case.tree)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    np.testing.assert_allclose(numpy(ops.cast(outputs, "float32")), case.oracle(), atol=0.25)


@pytest.mark.parametrize("kind", [keras_seq.NaryTreeLSTMCell, keras_seq.ChildSumTreeLSTMCell])
def test_recurrent_dropout(kind, numpy):
    """Each candidate is dropped or grows by the same factor, in training alone; the gradient knows the same mask."""
    tree = {"parents": np.zeros((1, 4001), "int32"), "positions": np.zeros((1, 4001), "int32")}
    tree["parents"][0, 0], tree["parents"][0, 2001:] = -1, np.arange(1, 2001)  # a root, 2000 nodes, a leaf below each
    tree["depth"] = np.array([[0] + [1] * 2000 + [2] * 2000], "int32")
    options = {"arity": 1} if kind is keras_seq.NaryTreeLSTMCell else {}
    cell = kind(1, recurrent_dropout=0.25, seed=1, use_bias=False, activation="linear", **options)
    layer = keras_seq.Recursive(cell, return_nodes=True)
    layer.build((None, None, 1))
    cell.set_weights([np.ones((1, 4)), np.array([[0, -100, 0, 100]])])  # the gates: half open, closed, open
    inputs = np.ones((1, 4001, 1), "float32")
    inputs[:, 1:2001] = 2
    plain, noisy = numpy(layer(inputs, tree))[0, 1:2001], numpy(layer(inputs, tree, training=True))[0, 1:2001]
    dropped = np.abs(noisy) < 1e-6
    assert 0.2 < dropped.mean() < 0.3
    np.testing.assert_allclose(noisy[~dropped], plain[~dropped] / 0.75, rtol=1e-4)
    slopes = gradients(lambda x: ops.sum(layer(x, tree, training=True)[:, 1:2001] ** 2), layer, inputs)[0][0, 1:2001]
    assert 0.2 < (np.abs(slopes) < 1e-6).mean() < 0.3
    with pytest.raises(ValueError, match=r"`recurrent_dropout` must be in \[0, 1\). Received: 1"):
        kind(1, recurrent_dropout=1)


@pytest.mark.parametrize("arity", [0, -1, 2.5, True])
def test_wrong_arity_is_refused(arity):
    with pytest.raises(ValueError, match=r"`arity` must be a positive integer. Received"):
        keras_seq.NaryTreeLSTMCell(3, arity=arity)

"""Cells and drivers over trees; all tests here run on every backend."""

import keras
import numpy as np
import pytest
from keras import ops
from tree_cases import CELLS, FEATURES, UNITS, TreeCase, make_table, random_tree

import keras_seq

BACKEND = keras.backend.backend()


@pytest.fixture(params=CELLS)
def case(request):
    return TreeCase(request.param)


@pytest.fixture(params=["tensor", "child_sum", "ternary"])
def some_case(request):
    """Enough for tests of the driver."""
    return TreeCase(request.param)


def compiled(function):
    """A function of tensors, compiled where the backend has graphs."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


def gradients(function, layer, inputs):
    """The gradients of a function of inputs by the inputs and by each weight of the layer."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        inputs = tf.constant(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.function(function)(inputs)
        return [np.array(g) for g in tape.gradient(loss, [inputs, *[w.value for w in layer.trainable_variables]])]
    if BACKEND == "jax":
        import jax

        def loss(inputs, weights):
            with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights, strict=True)):
                return function(inputs)

        d_inputs, d_weights = jax.jit(jax.grad(loss, (0, 1)))(inputs, [w.value for w in layer.trainable_variables])
        return [np.array(g) for g in (d_inputs, *d_weights)]
    inputs = ops.convert_to_tensor(inputs).requires_grad_()
    weights = [w.value for w in layer.trainable_variables]
    function(inputs).backward()
    return [g.grad.detach().numpy() for g in (inputs, *weights)]


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
            tf.function(layer)(tf.constant(case.inputs), {name: tf.constant(v) for name, v in tree.items()})
    with pytest.raises(ValueError, match=r"at most 2 children here"):
        case.cell(case.inputs[:, 0], [case.inputs[:, :3, :UNITS]] * 2)


@pytest.mark.parametrize("arity", [0, -1, 2.5, True])
def test_wrong_arity_is_refused(arity):
    with pytest.raises(ValueError, match=r"`arity` must be a positive integer. Received"):
        keras_seq.NaryTreeLSTMCell(3, arity=arity)


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

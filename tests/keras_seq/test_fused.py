"""The hand-derived gradients against automatic differentiation and finite differences; TensorFlow only."""

import keras
import numpy as np
import pytest

import keras_seq

if keras.backend.backend() != "tensorflow":
    pytest.skip("the fused loop is TensorFlow's", allow_module_level=True)

import tensorflow as tf
from cases import KERAS_CELLS, MASKS, Case

from keras_seq.recurrent.fused import plan as plans
from keras_seq.recurrent.fused import run_fused
from keras_seq.recurrent.fused.plan import Plan
from keras_seq.recurrent.fused.steps import steps_of
from keras_seq.recurrent.loop import run_loop


def loss_and_gradients(case, run, mask, reverse):
    """A loss that reaches every output and every final state with its own weight, and all its gradients."""
    x = tf.constant(np.swapaxes(case.sequences, 0, 1), dtype=case.cell.compute_dtype)
    states = [tf.constant(s, dtype=x.dtype) for s in case.states]
    rng = np.random.default_rng(3)
    weights = [v.value for v in case.cell.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        outputs, last, final = run(x, states, mask, reverse)
        loss = 0.0
        for tensor in (outputs, last, *final):
            loss += tf.reduce_sum(tf.cast(tensor, tf.float64) * rng.normal(size=tensor.shape))
    return float(loss), tape.gradient(loss, [x, *states, *weights])


RESET = np.array([[0, 0, 1, 0, 0, 1], [1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0]], bool)


def fused(case, training=True, reset=None):
    def run(x, states, mask, reverse):
        mask = None if mask is None else tf.constant(mask.T)
        reset_t = None if reset is None else tf.constant(reset.T)
        return run_fused(case.cell, x, states, mask, reverse, True, False, training, reset_t)

    return run


def plain(case, reset=None):
    def run(x, states, mask, reverse):
        mask = None if mask is None else tf.constant(mask.T)
        step = lambda p, s: case.cell.step(p, s, training=True)  # noqa: E731
        zeros = [tf.zeros_like(state) for state in states]
        resets = {} if reset is None else {"reset": tf.constant(reset.T), "reset_states": zeros}
        return run_loop(step, case.cell.project_inputs(x), states, zeros[0], mask, reverse, **resets)

    return run


def assert_same(result, expected):
    np.testing.assert_allclose(result[0], expected[0], rtol=1e-12)
    for ours, theirs in zip(result[1], expected[1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-11)


@pytest.mark.parametrize("name", KERAS_CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_gradient_equals_automatic_differentiation(name, mask, reverse):
    case = Case(name, dtype="float64")
    expected = loss_and_gradients(case, plain(case), mask, reverse)
    for training in (False, True):
        assert_same(loss_and_gradients(case, fused(case, training), mask, reverse), expected)


@pytest.mark.parametrize("name", KERAS_CELLS)
@pytest.mark.parametrize(("reverse", "masked"), [(False, False), (True, False), (False, True)])
def test_gradient_with_rows_that_start_anew(name, reverse, masked):
    case = Case(name, dtype="float64")
    mask = np.array(MASKS["holed"], bool) if masked else None
    reset = RESET & mask if masked else RESET
    expected = loss_and_gradients(case, plain(case, reset), mask, reverse)
    for training in (False, True):
        assert_same(loss_and_gradients(case, fused(case, training, reset), mask, reverse), expected)


@pytest.mark.parametrize("name", KERAS_CELLS)
@pytest.mark.parametrize("training", [False, True])
def test_gradient_in_a_graph_that_knows_no_sizes(name, training):
    case, mask = Case(name, dtype="float64"), np.array(MASKS["holed"], bool)
    expected = loss_and_gradients(case, plain(case), mask, True)
    assert_same(loss_and_gradients_in_graph(case, fused(case, training), mask, True), expected)


@pytest.fixture
def take(monkeypatch):
    """`take(plan)`: every batch, or those with `training`, is run so; what it returns fills with their shapes."""

    def taken(way, when=(True,)):
        shapes = []

        def plan(steps, units, shape, dtype, training):
            if training not in when:
                return Plan()
            shapes.append(shape)
            return way

        monkeypatch.setattr(plans, "plan", plan)
        return shapes

    return taken


@pytest.mark.parametrize("name", KERAS_CELLS)
@pytest.mark.parametrize(("reverse", "masked"), [(False, False), (True, True)])
@pytest.mark.parametrize("training", [False, True])
def test_halves_of_a_batch_give_the_gradient_of_the_whole(name, reverse, masked, training, take):
    case, shapes = Case(name, dtype="float64"), take(Plan(halves=True), (False, True))
    mask = np.array(MASKS["holed"], bool) if masked else None
    expected = loss_and_gradients(case, plain(case), mask, reverse)
    assert_same(loss_and_gradients(case, fused(case, training), mask, reverse), expected)
    assert shapes == [(6, 3, 4)]


@pytest.mark.parametrize("name", KERAS_CELLS)
@pytest.mark.parametrize(("reverse", "masked"), [(False, False), (True, True)])
def test_compiled_loops_give_the_same_gradient(name, reverse, masked, take):
    case = Case(name, dtype="float64")
    mask = np.array(MASKS["holed"], bool) if masked else None
    reset = RESET & mask if masked else RESET
    expected = loss_and_gradients(case, plain(case, reset), mask, reverse)
    shapes = take(Plan(compiled=True))
    assert_same(loss_and_gradients_in_graph(case, fused(case, reset=reset), mask, reverse, 6, 3), expected)
    assert shapes == [(6, 3, 4)]


@pytest.mark.parametrize("name", KERAS_CELLS)
def test_halves_with_rows_that_start_anew_in_a_graph_that_knows_no_sizes(name, take):
    case, shapes = Case(name, dtype="float64"), take(Plan(halves=True))
    expected = loss_and_gradients(case, plain(case, RESET), None, False)
    assert_same(loss_and_gradients(case, fused(case, reset=RESET), None, False), expected)
    mask = np.array(MASKS["holed"], bool)
    expected = loss_and_gradients(case, plain(case), mask, True)
    assert_same(loss_and_gradients_in_graph(case, fused(case), mask, True), expected)
    assert shapes == [(6, 3, 4), (None, None, 4)]


def test_one_row_of_an_unknown_batch_in_halves(take):
    """The first half has no row."""
    layer, shapes = keras_seq.Recurrent(keras_seq.LSTMCell(4), return_sequences=True), take(Plan(halves=True))
    x = np.random.default_rng(0).normal(size=(1, 5, 3)).astype("float32")
    expected = layer(x)  # builds
    run = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec([None, None, 3])])
    np.testing.assert_allclose(run(x), expected, atol=1e-6)
    assert shapes == [(None, None, 3)]


def test_the_gradient_of_a_gradient_of_compiled_loops(take):
    layer = keras_seq.Recurrent(keras_seq.GRUCell(4))
    x = tf.random.stateless_normal([2, 5, 3], seed=(1, 2))
    layer(x)

    @tf.function
    def penalty(training):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(tf.square(layer(x, training=training)))
            square = tf.reduce_sum(tf.square(inner.gradient(loss, x)))
        return outer.gradient(square, x)

    expected = penalty(False)
    shapes = take(Plan(compiled=True))
    np.testing.assert_allclose(penalty(True), expected, rtol=1e-4, atol=1e-6)
    assert shapes


def test_compiled_loops_within_what_is_compiled(take):
    """Keras' `fit` compiles the whole training step unless told not to."""
    layer = keras_seq.Recurrent(keras_seq.LSTMCell(4))
    x = tf.random.stateless_normal([2, 5, 3], seed=(1, 2))
    layer(x)

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(layer(x, training=True)))
        return tape.gradient(loss, [variable.value for variable in layer.trainable_variables])

    expected = gradients()
    shapes = take(Plan(halves=True, compiled=True))
    for ours, theirs in zip(tf.function(gradients, jit_compile=True)(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert shapes


def test_the_plan_is_that_of_the_sizes(monkeypatch):
    monkeypatch.setattr(plans.os, "cpu_count", lambda: 2)
    threads, gpus = [0], []
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: threads[0])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    lstm = steps_of(keras_seq.LSTMCell(1))

    def planned(units, shape, dtype="float32", training=True):
        with tf.Graph().as_default():
            return plans.plan(lstm, units, shape, dtype, training)

    def plans_of(*sizes, training=True):
        return [planned(*size, training=training) for size in sizes]

    both, halves, compiled, neither = Plan(True, True), Plan(True, False), Plan(False, True), Plan()
    assert plans_of((256, (200, 64, 128)), (128, (100, 16, 128)), (512, (128, 64, 128))) == [both, compiled, halves]
    assert plans_of((256, (200, 64, 128), "bfloat16"), (256, (None, None, 128))) == [halves, halves]
    unknown = [(128, (100, None, 8)), (128, (None, 16, 8))]
    assert plans_of(unknown[0]) == [halves]  # a batch of the usual size
    assert plans_of(unknown[1], (128, (10, 16, 8)), (8, (100, 32, 8)), (512, (100, 1, 8))) == [neither] * 4
    eager = plans.plan(lstm, 128, (100, 16, 128), "float32", True)
    assert eager == neither  # each call would be compiled anew
    forward = plans_of(
        (256, (None, 64, 8)), (128, (100, 16, 8)), (512, (100, None, 8)), (512, (9, 1, 8)), training=False
    )
    assert forward == [halves, neither, neither, neither]  # what is exported is not compiled, and serves single texts
    threads[0] = 1  # as `--training.shards` sets it
    assert plans_of((256, (200, 64, 128)), (512, (128, 64, 128))) == [compiled, neither]
    assert plans_of((256, (200, 64, 128)), training=False) == [neither]
    gpus.append("GPU:0")
    assert plans_of((256, (200, 64, 128)), (128, (100, 16, 64))) == [neither, neither]


def loss_and_gradients_in_graph(case, run, mask, reverse, steps=None, batch=None):
    """The same with a batch size and a number of steps that the graph does not know, or does."""
    rng = np.random.default_rng(3)
    weights = [v.value for v in case.cell.trainable_variables]
    spec = [tf.TensorSpec([steps, batch, 4], tf.float64)] + [tf.TensorSpec([batch, 3], tf.float64)] * len(case.states)
    factors = [rng.normal(size=(6, 3, 3))] + [rng.normal(size=(3, 3)) for _ in range(1 + len(case.states))]

    @tf.function(input_signature=spec, autograph=False)
    def graph(x, *states):
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            outputs, last, final = run(x, list(states), mask, reverse)
            tensors = (outputs, last, *final)
            loss = tf.add_n([tf.reduce_sum(t * f) for t, f in zip(tensors, factors, strict=True)])
        return loss, tape.gradient(loss, [x, *states, *weights])

    loss, gradients = graph(np.swapaxes(case.sequences, 0, 1).astype("float64"), *map(np.float64, case.states))
    return float(loss), gradients


@pytest.mark.parametrize("name", KERAS_CELLS)
def test_gradient_equals_finite_differences(name, mask):
    case = Case(name, dtype="float64")
    _, gradients = loss_and_gradients(case, fused(case), mask, reverse=False)
    variables = case.cell.trainable_variables
    rng = np.random.default_rng(5)
    for variable, gradient in zip(variables, gradients[-len(variables) :], strict=True):
        direction, value, step = rng.normal(size=variable.shape), variable.numpy(), 1e-6
        losses = []
        for sign in (1, -1):
            variable.assign(value + sign * step * direction)
            losses.append(loss_and_gradients(case, fused(case), mask, reverse=False)[0])
        variable.assign(value)
        np.testing.assert_allclose(
            (losses[0] - losses[1]) / (2 * step), np.sum(gradient * direction), rtol=1e-5, atol=1e-7
        )


def test_gradient_of_a_gradient():
    """Penalties on gradients differentiate twice."""
    case = Case("lstm", dtype="float64")

    def penalty(run):
        x = tf.constant(np.swapaxes(case.sequences, 0, 1).astype("float64"))
        states = [tf.constant(s.astype("float64")) for s in case.states]
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(run(x, states, None, False)[0] ** 2)
            value = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(value, x)

    np.testing.assert_allclose(penalty(fused(case)), penalty(plain(case)), rtol=1e-9)


def test_cells_without_a_hand_derived_gradient_take_the_plain_loop():
    class Other(keras_seq.LSTMCell):
        pass

    for cell in (Other(3), keras_seq.LSTMCell(3, activation="relu"), keras_seq.GRUCell(3, recurrent_activation="relu")):
        cell.build((None, 4))
        assert run_fused(cell, tf.zeros([2, 1, 4]), [tf.zeros([1, 3])] * 2, None, False, True, False, True) is None


# Not ReLU: where it is near its kink, rounding to half precision flips its slope from zero to one.
@pytest.mark.parametrize("name", [name for name in KERAS_CELLS if name != "elman_relu"])
def test_half_precision_gradients_stay_close(name):
    exact = Case(name)
    half = Case(name, dtype="mixed_bfloat16")
    _, expected = loss_and_gradients(exact, fused(exact), None, False)
    _, gradients = loss_and_gradients(half, fused(half), None, False)
    for ours, theirs in zip(gradients[-3:], expected[-3:], strict=True):
        assert ours.dtype == tf.float32  # the weights', not the compute dtype's
        assert np.linalg.norm(ours - theirs) < 0.05 * np.linalg.norm(theirs)


def test_trains_as_the_plain_loop_does():
    """The same model with and without `unroll` (which takes the plain loop) learns the same weights."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 6, 4)).astype("float32"), rng.normal(size=(32, 3)).astype("float32")
    results = []
    for unroll in (False, True):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((6, 4))
        model = keras.Model(inputs, keras_seq.Recurrent(keras_seq.GRUCell(3), unroll=unroll)(inputs))
        model.compile("sgd", "mse", jit_compile=False)
        model.fit(x, y, batch_size=8, epochs=3, verbose=0, shuffle=False)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)

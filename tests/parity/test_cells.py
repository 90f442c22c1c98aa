"""What holds for every cell: the same numbers as its equations, however it is run."""

import contextlib

import keras
import numpy as np
import pytest
from cases import CELLS, FEATURES, MASKS, TIME, Case
from keras import ops

import keras_seq

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def compiled():
    """Let JAX compile the loop, which `conftest.py` spares the other tests."""
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit(False)


def assert_all_close(got, expected, atol):
    for one, other in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=1e-5)


def test_one_step_equals_the_equations(case, numpy):
    x = case.sequences[:, 0]
    assert_all_close(numpy(case.cell(x, case.states)), case.step(case.weights, x, case.states), 1e-5)


def test_call_is_project_then_step(case, numpy):
    x = case.sequences[:, 0]
    parts = case.cell.step(case.cell.project_inputs(x), [ops.convert_to_tensor(s) for s in case.states])
    assert_all_close(numpy(case.cell(x, case.states)), numpy(parts), 1e-6)


def test_projection_of_all_steps_is_the_projection_of_each(case, numpy):
    whole = case.cell.project_inputs(case.sequences)
    for t in range(TIME):
        each = case.cell.project_inputs(case.sequences[:, t])
        assert_all_close(numpy(each), [part[:, t] for part in keras.tree.flatten(numpy(whole))], 1e-6)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_whole_sequence_equals_the_equations(case, masked, reverse, numpy):
    """From any state, in both directions, whatever is masked: outputs at valid steps, the last one and the states."""
    masks = [rows for rows in MASKS.values() if rows]
    mask = np.concatenate(masks).astype(bool) if masked else None  # one batch with rows of every kind
    times = len(masks) if masked else 1
    sequences, *states = (np.concatenate([tensor] * times) for tensor in (case.sequences, *case.states))
    expected, expected_states = case.oracle(mask, states, reverse, sequences)
    layer = case.layer(return_sequences=True, return_state=True, go_backwards=reverse)
    outputs, *final = numpy(layer(sequences, initial_state=states, mask=mask))
    valid = np.ones(outputs.shape[:2], bool) if mask is None else mask
    assert_all_close(outputs[:, ::-1][valid] if reverse else outputs[valid], expected[valid], 3e-5)
    assert_all_close(final, expected_states, 3e-5)

    last = numpy(case.layer(go_backwards=reverse)(sequences, initial_state=states, mask=mask))
    for row, row_valid in enumerate(valid):
        steps = np.flatnonzero(row_valid)[::-1] if reverse else np.flatnonzero(row_valid)
        assert_all_close(last[row], expected[row, steps[-1]] if len(steps) else np.zeros_like(last[row]), 3e-5)


def test_masked_equals_truncated(case, numpy):
    """A padded row equals the row alone, wherever the padding stands and whatever it holds."""
    short = case.sequences[:1, :3]
    layer = case.layer(return_sequences=True, return_state=True)
    alone = numpy(layer(short))
    for places in ([0, 1, 2], [3, 4, 5], [0, 2, 5]):
        padded = case.rng.normal(size=(1, TIME, FEATURES)).astype("float32") * 100
        padded[:, places] = short
        outputs, *states = numpy(layer(padded, mask=np.isin(np.arange(TIME), places)[None]))
        assert_all_close([outputs[:, places], *states], list(alone), 2e-6)


def test_stepped_equals_whole(case, numpy):
    whole = numpy(case.layer(return_sequences=True)(case.sequences))
    states = case.cell.get_initial_state(batch_size=len(case.sequences))
    for t in range(TIME):
        output, states = case.cell(case.sequences[:, t], states)
        assert_all_close(numpy(output), whole[:, t], 3e-6)


def test_resuming_from_the_returned_state_equals_one_run(case, numpy):
    layer = case.layer(return_sequences=True, return_state=True)
    whole, *final = numpy(layer(case.sequences))
    first, *carried = layer(case.sequences[:, :2])
    second, *end = numpy(layer(case.sequences[:, 2:], initial_state=carried))
    assert_all_close(np.concatenate([numpy(first), second], axis=1), whole, 3e-6)
    assert_all_close(end, final, 3e-6)


def test_unrolled_equals_the_loop(case, numpy):
    """The loop may be a parallel scan or have a gradient of its own: written out, the equations run one by one."""
    mask = np.array(MASKS["holed"], bool)
    with compiled():
        loop = case.layer(return_sequences=True, return_state=True)(case.sequences, mask=mask)
    unrolled = case.layer(return_sequences=True, return_state=True, unroll=True)(case.sequences, mask=mask)
    assert_all_close(numpy(loop), numpy(unrolled), 3e-6)


def test_works_inside_keras_rnn(case, numpy):
    mask = np.array(MASKS["right"], bool)
    outputs = numpy(keras.layers.RNN(case.cell, return_sequences=True)(case.sequences, mask=mask))
    assert_all_close(outputs[mask], case.oracle(mask)[0][mask], 3e-5)


def test_output_shapes(case):
    layer = case.layer(return_sequences=True, return_state=True)
    got = [tuple(tensor.shape) for tensor in layer(case.sequences)]
    assert got == [tuple(shape) for shape in layer.compute_output_shape(case.sequences.shape)]


def test_half_precision_stays_close(case, numpy):
    """mixed_bfloat16 has 8 bits of mantissa: outputs of size one agree to about 2^-8 a step."""
    cell = case.make(dtype="mixed_bfloat16")
    layer = keras_seq.Recurrent(cell, return_sequences=True, dtype="mixed_bfloat16")
    layer.build((None, None, FEATURES))
    cell.set_weights(case.weights)
    outputs = layer(case.sequences)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    np.testing.assert_allclose(numpy(ops.cast(outputs, "float32")), case.oracle()[0], atol=0.1, rtol=0.05)
    assert {str(w.dtype) for w in cell.weights} == {"float32"}


def test_keras_file_gives_the_same_outputs(case, numpy, tmp_path):
    sequences, mask = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    model = keras.Model([sequences, mask], keras_seq.Recurrent(case.cell)(sequences, mask=mask))
    model.save(tmp_path / "model.keras")
    inputs = [case.sequences, np.array(MASKS["holed"], bool)]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded(inputs)), numpy(model(inputs)))
    for ours, theirs in zip(loaded.get_weights(), case.cell.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="a SavedModel is TensorFlow's")
def test_saved_model_gives_the_same_outputs(case, tmp_path):
    """Also as a graph whose batch and time are unknown when it is traced."""
    import tensorflow as tf

    layer = case.layer()
    signature = [tf.TensorSpec([None, None, FEATURES]), tf.TensorSpec([None, None], tf.bool)]
    module = tf.Module()
    module.layer = layer
    module.serve = tf.function(lambda x, mask: layer(x, mask=mask), input_signature=signature, autograph=False)
    tf.saved_model.save(module, str(tmp_path))
    mask = np.array(MASKS["holed"], bool)
    served = tf.saved_model.load(str(tmp_path))
    assert_all_close(served.serve(case.sequences, mask).numpy(), layer(case.sequences, mask=mask).numpy(), 2e-6)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="one backend's automatic differentiation is enough")
@pytest.mark.parametrize("name", CELLS)
def test_gradients_equal_finite_differences(name):
    """Of a loss over all outputs and final states, by the inputs, the initial states and every weight."""
    import tensorflow as tf

    case = Case(name, dtype="float64")
    mask = tf.constant(np.array(MASKS["holed"], bool))
    layer = keras_seq.Recurrent(case.cell, return_sequences=True, return_state=True, dtype="float64")
    rng = np.random.default_rng(3)
    tensors = [tf.Variable(tensor, dtype=tf.float64) for tensor in (case.sequences, *case.states)]
    factors = [rng.normal(size=tensor.shape) for tensor in layer(tensors[0], initial_state=tensors[1:])]
    variables = [*tensors, *(weight.value for weight in case.cell.trainable_variables)]

    @tf.function(autograph=False)  # one graph for both: what takes time here is to make it
    def loss_and_gradients():
        with tf.GradientTape() as tape:
            results = layer(tensors[0], initial_state=tensors[1:], mask=mask, training=not case.noisy)
            loss = tf.add_n([tf.reduce_sum(result * factor) for result, factor in zip(results, factors, strict=True)])
        return loss, tape.gradient(loss, variables, unconnected_gradients="zero")

    _, gradients = loss_and_gradients()
    for variable, gradient in zip(variables, gradients, strict=True):
        direction = rng.normal(size=variable.shape)
        direction /= np.linalg.norm(direction)
        start, step = variable.numpy(), 1e-6
        variable.assign(start + step * direction)
        above, _ = loss_and_gradients()
        variable.assign(start - step * direction)
        below, _ = loss_and_gradients()
        variable.assign(start)
        slope = float(above - below) / (2 * step)
        np.testing.assert_allclose(float(tf.reduce_sum(gradient * direction)), slope, atol=1e-6, rtol=1e-5)

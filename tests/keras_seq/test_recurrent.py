import keras
import numpy as np
import pytest
from cases import MASKS
from keras import ops

import keras_seq
from keras_seq.recurrent.loop import run_loop


class CounterCell(keras_seq.RecurrentCell):
    """Counts its steps: tests the loop, not a cell."""

    state_size = 1
    output_size = 1

    def build(self, input_shape):
        self.built = True

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False):
        count = states[0] + 1
        return count, [count]


class EchoCell(CounterCell):
    """Puts out what came in the step before."""

    def step(self, projected, states, training=False):
        return states[0], [projected]


@pytest.mark.parametrize("reverse", [False, True])
def test_equals_the_numpy_oracle_while_training(case, mask, reverse, numpy):
    """In training, these cells have a loop of their own on TensorFlow; the parity suite covers inference."""
    layer = case.layer(return_sequences=True, return_state=True, go_backwards=reverse)
    outputs, *states = numpy(layer(case.sequences, initial_state=case.states, mask=mask, training=True))
    expected, expected_states = case.oracle(mask, case.states, reverse)
    if reverse:
        outputs = outputs[:, ::-1]
    valid = np.ones(outputs.shape[:2], bool) if mask is None else mask
    np.testing.assert_allclose(outputs[valid], expected[valid], atol=2e-5)
    for state, expected_state in zip(states, expected_states, strict=True):
        np.testing.assert_allclose(state, expected_state, atol=2e-5)


@pytest.mark.parametrize("training", [False, True])
def test_padding_does_not_change_the_numbers(case, training, numpy):
    """The mask contract: a padded row equals the row alone, wherever the padding stands."""
    short = case.sequences[:1, :3]
    layer = case.layer(return_sequences=True, return_state=True)
    alone = numpy(layer(short, training=training))
    for places in ([0, 1, 2], [3, 4, 5], [0, 2, 5]):
        padded = case.rng.normal(size=(1, 6, 4)).astype("float32") * 100  # padding may hold anything
        padded[:, places] = short
        mask = np.isin(np.arange(6), places)[None]
        outputs, *states = numpy(layer(padded, mask=mask, training=training))
        np.testing.assert_allclose(outputs[:, places], alone[0], atol=1e-6)
        for state, expected in zip(states, alone[1:], strict=True):
            np.testing.assert_allclose(state, expected, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="on JAX, Keras itself puts out other numbers there")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("mask_name", ["holed", "empty"])
def test_masked_outputs_as_in_keras(case, mask_name, reverse, zero, training, numpy):
    """Also at masked steps, and from any initial state, all options of `keras.layers.RNN` give its numbers."""
    mask = np.array(MASKS[mask_name], bool)
    options = {"return_sequences": True, "return_state": True, "go_backwards": reverse, "zero_output_for_mask": zero}
    ours = numpy(case.layer(**options)(case.sequences, initial_state=case.states, mask=mask, training=training))
    theirs = numpy(keras.layers.RNN(case.cell, **options)(case.sequences, initial_state=case.states, mask=mask))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("stock", [keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell])
def test_stock_cells_run_inside_recurrent(stock, mask, numpy):
    sequences = np.random.default_rng(1).normal(size=(3, 6, 4)).astype("float32")
    cell = stock(5)
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_state=True)
    ours = numpy(layer(sequences, mask=mask))
    theirs = numpy(keras.layers.RNN(cell, return_sequences=True, return_state=True)(sequences, mask=mask))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_counter_counts_valid_steps(mask, numpy):
    layer = keras_seq.Recurrent(CounterCell(), return_state=True)
    last, count = numpy(layer(np.zeros((3, 6, 1), "float32"), mask=mask))
    expected = np.full((3, 1), 6.0) if mask is None else mask.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(count, expected)
    np.testing.assert_array_equal(last, expected)


def test_echo_shifts_by_one_step(numpy):
    x = np.arange(12, dtype="float32").reshape(2, 6, 1)
    layer = keras_seq.Recurrent(EchoCell(), return_sequences=True)
    outputs = numpy(layer(x, initial_state=np.full((2, 1), -1, "float32")))
    np.testing.assert_array_equal(outputs[:, 1:], x[:, :-1])
    np.testing.assert_array_equal(outputs[:, 0], [[-1], [-1]])
    backwards = keras_seq.Recurrent(EchoCell(), return_sequences=True, go_backwards=True)
    np.testing.assert_array_equal(numpy(backwards(x))[:, 1:], x[:, :0:-1])


def test_loop_keeps_outputs_at_the_place_of_their_inputs(numpy):
    x = ops.convert_to_tensor(np.arange(3, dtype="float32").reshape(3, 1, 1))
    zero = ops.zeros((1, 1))
    outputs, last, states = run_loop(lambda i, s: (i + s[0], [s[0] + i]), x, [zero], zero, reverse=True)
    np.testing.assert_array_equal(numpy(outputs)[:, 0, 0], [3, 3, 2])
    assert float(numpy(last)[0, 0]) == float(numpy(states[0])[0, 0]) == 3


def test_mask_goes_on_with_sequences_only(case):
    mask = np.array([[True, False]])
    assert case.layer().compute_mask(None, mask) is None
    assert case.layer(return_sequences=True).compute_mask(None, mask) is mask
    states = len(case.states)
    assert case.layer(return_sequences=True, return_state=True).compute_mask(None, mask) == (mask, *[None] * states)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras_seq.Recurrent("lstm"), "must be a cell"),
        (lambda: keras_seq.Recurrent(keras_seq.LSTMCell(3))(np.zeros((2, 3), "float32")), r"\[batch, time, features\]"),
        (
            lambda: keras_seq.Recurrent(keras_seq.LSTMCell(3))(
                np.zeros((2, 3, 4), "float32"), initial_state=[np.zeros((2, 3), "float32")]
            ),
            "2 states",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

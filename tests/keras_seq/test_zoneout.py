import keras
import numpy as np
import pytest

import keras_seq

ON_JAX = keras.backend.backend() == "jax"
X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")


class CounterCell(keras_seq.RecurrentCell):
    """Counts its steps in both states, by one and by ten."""

    state_size = [8, 4]
    output_size = 8

    def build(self, input_shape):
        self.built = True

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False):
        ones, tens = states[0] + 1, states[1] + 10
        return ones, [ones, tens]


def test_a_unit_is_new_or_what_it_was(numpy):
    cell = keras_seq.ZoneoutCell(CounterCell(), rate=[0.25, 0.6], seed=1)
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_state=True)
    x = np.zeros((150, 6, 1), "float32")
    counts, last, tens = numpy(layer(x, training=True))
    steps = np.diff(counts, axis=1, prepend=0)
    np.testing.assert_array_equal(np.unique(steps), [0, 1])
    assert 0.22 < (steps == 0).mean() < 0.28
    assert 0.55 < 1 - (tens / 10).mean() / 6 < 0.65
    np.testing.assert_array_equal(last, counts[:, -1])  # the state that was zoned out is put out
    assert (steps != steps[:, :1]).any()  # drawn for each step, row and unit
    assert (steps != steps[:1]).any()
    assert (steps != steps[..., :1]).any()
    assert (numpy(layer(x, training=True))[0] != counts).any()


def test_otherwise_it_is_the_expectation(numpy):
    layer = keras_seq.Recurrent(keras_seq.ZoneoutCell(CounterCell(), rate=0.25), return_state=True)
    _, count, tens = numpy(layer(np.zeros((1, 4, 1), "float32")))
    np.testing.assert_allclose(count, 4 * 0.75, atol=1e-6)
    np.testing.assert_allclose(tens, 40 * 0.75, atol=1e-5)


def test_rate_zero_is_the_cell_alone(numpy):
    cell = keras_seq.LSTMCell(3)
    zoned = keras_seq.Recurrent(keras_seq.ZoneoutCell(cell, rate=0), return_sequences=True)
    plain = keras_seq.Recurrent(cell, return_sequences=True)
    np.testing.assert_allclose(numpy(zoned(X, training=True)), numpy(plain(X)), atol=1e-6)


def test_an_lstm_keeps_what_was_drawn(numpy):
    """h and c after each step are the LSTM's new ones or the old ones, unit by unit."""
    cell = keras_seq.ZoneoutCell(keras_seq.LSTMCell(3), rate=[0.5, 0.3], seed=2)
    cell.build((None, 4))
    states = [np.random.default_rng(1).normal(size=(3, 3)).astype("float32") for _ in range(2)]
    for t in range(6):
        _, candidates = numpy(cell.cell(X[:, t], states))
        projected = cell.project_sequences(keras.ops.convert_to_tensor(X[:, t]), training=True)
        drawn = numpy(projected)[:, -6:] == 1
        tensors = [keras.ops.convert_to_tensor(state) for state in states]
        output, new_states = numpy(cell.step(projected, tensors, training=True))
        for state, old, new, kept in zip(new_states, states, candidates, np.split(drawn, 2, axis=1), strict=True):
            np.testing.assert_allclose(state, np.where(kept, old, new), atol=1e-6)
        np.testing.assert_array_equal(output, new_states[0])
        states = new_states


def test_keras_rnn_trains_it_but_on_jax(numpy):
    rnn = keras.layers.RNN(keras_seq.ZoneoutCell(CounterCell(), rate=0.25, seed=1), return_sequences=True)
    x = np.zeros((150, 6, 1), "float32")
    np.testing.assert_allclose(numpy(rnn(x))[:, -1], 4.5, atol=1e-4)
    if ON_JAX:
        with pytest.raises(ValueError, match=r"run it with `keras_seq.Recurrent`"):
            rnn(x, training=True)
        return
    steps = np.diff(numpy(rnn(x, training=True)), axis=1, prepend=0)
    np.testing.assert_array_equal(np.unique(steps), [0, 1])
    assert 0.22 < (steps == 0).mean() < 0.28
    assert (steps != steps[:, :1]).any()


def test_wrong_rates_are_refused():
    with pytest.raises(ValueError, match=r"`rate` must be in \[0, 1\). Received"):
        keras_seq.ZoneoutCell(keras_seq.LSTMCell(3), rate=1.0)
    with pytest.raises(ValueError, match="one rate for each of 2 states"):
        keras_seq.ZoneoutCell(keras_seq.LSTMCell(3), rate=[0.1])

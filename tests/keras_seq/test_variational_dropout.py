import keras
import numpy as np
import numpy_cells
import pytest

import keras_seq

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 4)).astype("float32")
RATES = {"input_dropout": 0.3, "state_dropout": [0.4, 0.2], "output_dropout": 0.5}


class EchoCell(keras_seq.RecurrentCell):
    """Puts out its input."""

    state_size = output_size = 8

    def build(self, input_shape):
        self.built = True

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False):
        return projected, states


@pytest.mark.parametrize("rates", [{"input_dropout": 0.25}, {"output_dropout": 0.25}])
def test_one_mask_a_sequence(rates, numpy):
    layer = keras_seq.Recurrent(keras_seq.VariationalDropoutCell(EchoCell(), seed=1, **rates), return_sequences=True)
    outputs = numpy(layer(np.ones((200, 3, 8), "float32"), training=True))
    assert (outputs == outputs[:, :1]).all()
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / 0.75], atol=1e-6)
    assert 0.2 < (outputs[:, 0] == 0).mean() < 0.3
    assert len(np.unique(outputs[:, 0], axis=0)) > 50  # each row its own
    assert (numpy(layer(np.ones((200, 3, 8), "float32"), training=True)) != outputs).any()
    np.testing.assert_array_equal(numpy(layer(np.ones((2, 3, 8), "float32"))), 1)


@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_equations_with_its_masks(masked, numpy):
    """Two cells of the same seed draw the same masks; one shows them, the other runs with them."""
    shown, cell = (keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(3), **RATES, seed=5) for _ in range(2))
    shown.build((None, 4))
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_state=True)
    layer.build((None, None, 4))
    weights = [RNG.normal(size=w.shape) for w in cell.weights]
    cell.set_weights(weights)
    masks = numpy(shown.constants(3, training=True))

    def step(weights, x, states):
        row = int(np.flatnonzero((x == X).all(axis=-1).any(axis=-1))[0])
        dropped = [state * masks["states"][i][row] for i, state in enumerate(states)]
        output, states = numpy_cells.lstm(weights, x * masks["inputs"][row], dropped)
        return output * masks["outputs"][row], states

    mask = np.array([[1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 1]], bool) if masked else None
    start = [np.zeros((3, 3))] * 2
    expected, expected_states = numpy_cells.run(step, weights, X, start, 3, mask)
    outputs, *states = numpy(layer(X, mask=mask, training=True))
    valid = np.ones((3, 6), bool) if mask is None else mask
    np.testing.assert_allclose(outputs[valid], expected[valid], atol=1e-5)
    for state, expected_state in zip(states, expected_states, strict=True):
        np.testing.assert_allclose(state, expected_state, atol=1e-5)


def test_one_rate_leaves_the_memory_of_an_lstm_alone():
    cell = keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(3), state_dropout=0.4)
    cell.build((None, 4))
    assert list(cell.constants(2, training=True)["states"]) == [0]
    assert cell.constants(2) is None


@pytest.mark.parametrize("around", [lambda cell: cell, keras_seq.LearnedInitialStateCell])
def test_keras_rnn_cannot_train_it(around):
    rnn = keras.layers.RNN(around(keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(3), state_dropout=0.4)))
    rnn(X)
    with pytest.raises(ValueError, match=r"run it with `keras_seq.Recurrent`, or pass `constants"):
        rnn(X, training=True)


def test_steps_with_the_same_constants_equal_the_whole(numpy):
    stepped, cell = (keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(3), **RATES, seed=5) for _ in range(2))
    layer = keras_seq.Recurrent(cell, return_sequences=True)
    whole = numpy(layer(X, training=True))
    stepped.build((None, 4))
    stepped.set_weights(cell.get_weights())
    constants = stepped.constants(3, training=True)
    states = stepped.get_initial_state(3)
    for t in range(6):
        output, states = stepped(X[:, t], states, training=True, constants=constants)
        np.testing.assert_allclose(numpy(output), whole[:, t], atol=1e-6)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"input_dropout": 1.0}, r"`input_dropout` must be in \[0, 1\). Received"),
        ({"state_dropout": [0.1]}, "one rate for each of 2 states"),
        ({"output_dropout": -0.1}, r"`output_dropout` must be in \[0, 1\). Received"),
    ],
)
def test_wrong_rates_are_refused(rates, message):
    with pytest.raises(ValueError, match=message):
        keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(3), **rates)

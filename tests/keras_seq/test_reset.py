"""Rows that hold several documents: `reset` marks the first step of each, and the state begins anew there."""

import itertools

import keras
import numpy as np
import pytest

import keras_seq

RNG = np.random.default_rng(8)
X = RNG.normal(size=(2, 7, 4)).astype("float32")
STARTS = ([0, 3, 4], [2, 6])  # documents of the first row: 3, 1, 3 steps; of the second: 2 that go on, 4, 1
RESET = np.zeros((2, 7), bool)
for row, starts in enumerate(STARTS):
    RESET[row, starts] = True


def documents(row):
    """Slices of the documents of a row."""
    borders = sorted({0, *STARTS[row], 7})
    return [slice(a, b) for a, b in itertools.pairwise(borders)]


@keras.saving.register_keras_serializable(package="tests")
class CountFromCell(keras_seq.RecurrentCell):
    """Counts its steps from 100."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = 1

    def build(self, input_shape):
        self.built = True

    def get_initial_state(self, batch_size=None):
        return [keras.ops.full((batch_size, 1), 100.0)]

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False):
        return states[0] + 1, [states[0] + 1]


def recurrent(cell=None, **options):
    return keras_seq.Recurrent(cell or keras_seq.GRUCell(3), **options)


LAYERS = {
    "gru": lambda: recurrent(return_sequences=True),
    "unrolled": lambda: recurrent(return_sequences=True, unroll=True),
    "bidirectional": lambda: keras_seq.Bidirectional(recurrent(return_sequences=True)),
    "stacked": lambda: keras_seq.Stacked(
        [recurrent(), keras_seq.Bidirectional(recurrent(keras_seq.LSTMCell(2)))], return_sequences=True
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_documents_in_one_row_equal_documents_alone(name, numpy):
    layer = LAYERS[name]()
    outputs = numpy(layer(X, reset=RESET))
    for row in range(2):
        for document in documents(row):
            alone = numpy(layer(X[row : row + 1, document]))
            np.testing.assert_allclose(outputs[row, document], alone[0], atol=1e-6)


def test_without_a_reset_the_given_state_goes_on(numpy):
    layer = recurrent(CountFromCell(), return_sequences=True, return_state=True)
    start = np.array([[5.0], [7.0]], "float32")
    outputs, state = numpy(layer(X, initial_state=[start], reset=RESET))
    np.testing.assert_array_equal(outputs[0, :, 0], [101, 102, 103, 101, 101, 102, 103])
    np.testing.assert_array_equal(outputs[1, :, 0], [8, 9, 101, 102, 103, 104, 101])
    np.testing.assert_array_equal(state[:, 0], [103, 101])


def test_reset_beside_a_mask(numpy):
    mask = np.array([[1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 1]], bool)
    outputs = numpy(recurrent(CountFromCell(), return_sequences=True)(X, mask=mask, reset=RESET))
    np.testing.assert_array_equal(outputs[0, :5, 0], [101, 102, 103, 101, 101])
    np.testing.assert_array_equal(outputs[1, :, 0], [101, 102, 101, 102, 102, 102, 101])


@pytest.mark.parametrize("name", LAYERS)
def test_documents_with_padding_between_them(name, numpy):
    """Backwards, the border of two documents may lie at a step that is padding."""
    layer = LAYERS[name]()
    padded = RNG.normal(size=(2, 9, 4)).astype("float32")
    places = [0, 1, 2, 4, 5, 6, 7]  # step 3 and the last one are padding; the first row's second document is at step 4
    padded[:, places] = X
    mask, reset = np.isin(np.arange(9), places)[None].repeat(2, axis=0), np.zeros((2, 9), bool)
    reset[:, places] = RESET
    outputs = numpy(layer(padded, mask=mask, reset=reset))
    np.testing.assert_allclose(outputs[:, places], numpy(layer(X, reset=RESET)), atol=1e-6)


def test_initial_states_of_all_drivers(numpy):
    for make in LAYERS.values():
        layer = make()
        plain = numpy(layer(X))
        np.testing.assert_array_equal(numpy(layer(X, initial_state=layer.get_initial_state(2))), plain)


def test_sliced_refuses_a_reset():
    with pytest.raises(ValueError, match="one sequence"):
        keras_seq.Sliced(keras_seq.GRUCell(3))(X, reset=RESET)

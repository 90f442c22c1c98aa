import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def test_the_state_is_the_output(numpy):
    layer = keras_seq.Recurrent(keras_seq.JordanCell(8, outputs=3), return_state=True)
    output, state = numpy(layer(X))
    assert output.shape == (2, 3)
    np.testing.assert_array_equal(output, state)


def test_teacher_forcing_is_a_step_from_the_true_output(numpy):
    cell = keras_seq.JordanCell(8, outputs=3)
    first, _ = cell(X[:, 0], [np.zeros((2, 3), "float32")])
    free, _ = cell(X[:, 1], [first])
    forced, _ = cell(X[:, 1], [np.ones((2, 3), "float32")])
    whole = numpy(keras_seq.Recurrent(cell, return_sequences=True)(X))
    np.testing.assert_allclose(numpy(free), whole[:, 1], atol=1e-6)
    assert np.abs(numpy(forced) - whole[:, 1]).max() > 1e-3


def test_wrong_outputs_are_refused():
    with pytest.raises(ValueError, match=r"`outputs` must be a positive integer. Received"):
        keras_seq.JordanCell(3, outputs=0)

import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def test_adds_the_input_where_the_sizes_are_the_same(numpy):
    cell = keras_seq.GRUCell(4)
    plain, residual = keras_seq.Recurrent(cell, True), keras_seq.Recurrent(keras_seq.ResidualCell(cell), True, True)
    expected = numpy(plain(X))
    outputs, state = numpy(residual(X))
    np.testing.assert_allclose(outputs, expected + X, atol=1e-6)
    np.testing.assert_allclose(state, expected[:, -1], atol=1e-6)
    assert len(residual.weights) == len(plain.weights)


def test_other_sizes_need_to_be_mapped():
    with pytest.raises(ValueError, match=r"pass `dense=True`.*Received: inputs of size 4, outputs of size 3"):
        keras_seq.Recurrent(keras_seq.ResidualCell(keras_seq.GRUCell(3)))(X)

import numpy as np
import pytest

import keras_seq

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 9, 4)).astype("float32")


def test_two_distances_around_elman(numpy):
    """Nested: h_t = tanh(x_t W + h_{t-1} U + h_{t-2} V + h_{t-5} V' + b), from the whole history."""
    inner = keras_seq.SkipThroughTimeCell(keras_seq.ElmanCell(3), 2)
    cell = keras_seq.SkipThroughTimeCell(inner, 5)
    cell.build((None, 4))
    cell.set_weights([RNG.normal(size=w.shape) for w in cell.weights])
    far, near, w, u, b = cell.get_weights()
    history = [np.zeros((2, 3))] * 5
    for t in range(9):
        history.append(np.tanh(X[:, t] @ w + history[-1] @ u + history[-2] @ near + history[-5] @ far + b))
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_state=True)
    outputs, *states = numpy(layer(X))
    np.testing.assert_allclose(outputs, np.stack(history[5:], axis=1), atol=1e-5)
    for back, state in enumerate(states[-5:], start=1):
        np.testing.assert_allclose(state, history[-back], atol=1e-5)


@pytest.mark.parametrize("distance", [0, -1, 1.5])
def test_wrong_distances_are_refused(distance):
    with pytest.raises(ValueError, match=r"`distance` must be a positive integer. Received"):
        keras_seq.SkipThroughTimeCell(keras_seq.ElmanCell(3), distance)


def test_around_a_residual_connection(numpy):
    """It is added to the projection of the cell inside, not to the shortcut: y_t = tanh(... + y_{t-2} V + b) + x_t."""
    cell = keras_seq.SkipThroughTimeCell(keras_seq.ResidualCell(keras_seq.ElmanCell(4)), 2)
    cell.build((None, 4))
    cell.set_weights([RNG.normal(size=w.shape) for w in cell.weights])
    v, w, u, b = cell.get_weights()
    h, outputs = np.zeros((2, 4)), [np.zeros((2, 4))] * 2
    for t in range(9):
        h = np.tanh(X[:, t] @ w + h @ u + outputs[-2] @ v + b)
        outputs.append(h + X[:, t])
    got = numpy(keras_seq.Recurrent(cell, return_sequences=True)(X))
    np.testing.assert_allclose(got, np.stack(outputs[2:], axis=1), atol=1e-5)

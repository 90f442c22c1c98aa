import keras
import numpy as np
import pytest

import keras_seq

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 4)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("activation", "forget"), [("sigmoid", sigmoid), ("exponential", np.exp)])
def test_equals_attention_with_gates(activation, forget, numpy):
    """Without a recurrence: a step attends to those before, weighted by their input gate and all forget gates since."""
    cell = keras_seq.MLSTMCell(6, heads=2, forget_activation=activation)
    cell.build((None, 4))
    w, b = (RNG.normal(size=w.shape) for w in cell.weights)
    cell.set_weights([w, b])
    projected = X.astype("float64") @ w + b
    q, k, v, o = (projected[..., part * 6 : part * 6 + 6] for part in range(4))
    i, f = np.exp(projected[..., 24:26]), forget(projected[..., 26:])
    expected = np.zeros((2, 4, 6))
    for row, t, head in np.ndindex(2, 4, 2):
        part = slice(3 * head, 3 * head + 3)
        weights = np.zeros(t + 1)
        for s in range(t + 1):
            gates = i[row, s, head] * np.prod(f[row, s + 1 : t + 1, head])
            weights[s] = gates * (q[row, t, part] @ k[row, s, part]) / np.sqrt(3)
        found = weights @ v[row, : t + 1, part] / max(abs(weights.sum()), 1)
        expected[row, t, part] = sigmoid(o[row, t, part]) * found
    np.testing.assert_allclose(numpy(keras_seq.Recurrent(cell, return_sequences=True)(X)), expected, atol=1e-5)


def test_exponential_gates_do_not_overflow(numpy):
    """Neither do the numbers nor the gradients: a step of training leaves all weights finite."""
    layer = keras_seq.Recurrent(keras_seq.MLSTMCell(4, heads=2))
    layer.build(X.shape)
    kernel, bias = layer.get_weights()
    bias[16:18] = 200, -200
    layer.set_weights([kernel, bias])
    outputs = numpy(layer(X))
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(outputs[:, 2:], 0, atol=1e-6)  # nothing is stored
    model = keras.Sequential([keras.Input((2, 4)), layer])
    model.compile("sgd", "mse")
    model.fit(X[:, :2], np.ones((2, 4)), verbose=0)
    assert all(np.isfinite(weight).all() for weight in layer.get_weights())


def test_forget_bias_is_spread_over_the_heads():
    cell = keras_seq.MLSTMCell(6, heads=3, forget_bias=(1, 3))
    cell.build((None, 4))
    np.testing.assert_allclose(cell.get_weights()[1][-3:], [1, 2, 3])
    assert not cell.get_weights()[1][:-3].any()

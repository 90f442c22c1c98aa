import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("forget_activation", ["sigmoid", "exponential"])
@pytest.mark.parametrize("gate", [-200.0, 200.0])
def test_exponential_gates_do_not_overflow(gate, forget_activation, numpy):
    """With an input gate of exp(200) or exp(-200) at every step the normaliser still divides it out."""
    cell = keras_seq.SLSTMCell(3, forget_activation=forget_activation, forget_bias=(0, 0))
    cell.build((None, 4))
    kernel, recurrent_kernel, bias = cell.get_weights()
    kernel[:, :3] = 0
    kernel[:, 3:6] = 0
    bias[:3] = gate
    cell.set_weights([kernel, np.zeros_like(recurrent_kernel), bias])
    outputs = numpy(keras_seq.Recurrent(cell, return_sequences=True)(X))
    z, o = np.tanh(X @ kernel[:, 6:9]), sigmoid(X @ kernel[:, 9:])
    forget = 1.0 if forget_activation == "exponential" else 0.5
    weights = np.array([[forget ** (t - s) if s <= t else 0 for s in range(5)] for t in range(5)])
    mean = np.einsum("ts,bsu->btu", weights / weights.sum(axis=1, keepdims=True), z)
    np.testing.assert_allclose(outputs, o * mean, atol=1e-5)


def test_heads_do_not_see_each_other(numpy):
    cell = keras_seq.SLSTMCell(4, heads=2)
    cell.build((None, 4))
    states = [np.random.default_rng(1).uniform(0.5, 1, size=(2, 4)).astype("float32") for _ in range(4)]
    other = [states[0] + np.array([1, 1, 0, 0], "float32"), *states[1:]]
    one, two = (numpy(cell(X[:, 0], one_of)[0]) for one_of in (states, other))
    np.testing.assert_array_equal(one[:, 2:], two[:, 2:])
    assert (one[:, :2] != two[:, :2]).all()


def test_forget_bias_is_spread_over_the_units_of_a_head():
    cell = keras_seq.SLSTMCell(6, heads=2, forget_bias=(1, 3))
    cell.build((None, 4))
    np.testing.assert_allclose(np.split(cell.get_weights()[2], 4)[1], [1, 2, 3, 1, 2, 3])


@pytest.mark.parametrize("cell", [keras_seq.SLSTMCell, keras_seq.MLSTMCell])
def test_wrong_arguments_are_refused(cell):
    with pytest.raises(ValueError, match=r"`units` must be a multiple of `heads`. Received: units=6, heads=4"):
        cell(6, heads=4)
    with pytest.raises(ValueError, match="`forget_activation` must be one of"):
        cell(8, forget_activation="tanh")

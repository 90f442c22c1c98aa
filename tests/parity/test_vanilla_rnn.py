"""The network by hand against the layers of keras-seq, against finite differences, and at work."""

import keras
import numpy as np
import pytest
import vanilla_rnn

import keras_seq

FEATURES, UNITS, CLASSES, TIME = 3, 4, 5, 7


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def weights(rng):
    shapes = [(FEATURES, UNITS), (UNITS, UNITS), (UNITS,), (UNITS, CLASSES), (CLASSES,)]
    return vanilla_rnn.Weights(*(rng.normal(size=shape, scale=0.6) for shape in shapes))


@pytest.fixture
def sequence(rng):
    return rng.normal(size=(TIME, FEATURES)), rng.integers(CLASSES, size=TIME), rng.normal(size=UNITS)


def test_backward_equals_finite_differences(weights, sequence):
    x, y, h_start = sequence
    _, h, p = vanilla_rnn.forward(weights, x, y, h_start)
    gradients, d_start, _ = vanilla_rnn.backward(weights, x, y, h, p)

    def slope(move):
        step = 1e-6
        above, below = (vanilla_rnn.forward(*move(sign * step))[0] for sign in (1, -1))
        return (above - below) / (2 * step)

    for name, gradient in zip(weights._fields, gradients, strict=True):
        for place in np.ndindex(gradient.shape):

            def move(step, name=name, place=place):
                changed = getattr(weights, name).copy()
                changed[place] += step
                return weights._replace(**{name: changed}), x, y, h_start

            assert gradient[place] == pytest.approx(slope(move), abs=1e-6)
    for place in range(UNITS):
        assert d_start[place] == pytest.approx(
            slope(lambda step, place=place: (weights, x, y, h_start + step * np.eye(UNITS)[place])), abs=1e-6
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend's automatic differentiation is enough")
def test_layers_give_the_same_loss_and_gradients(weights, sequence):
    import tensorflow as tf

    x, y, h_start = sequence
    loss, h, p = vanilla_rnn.forward(weights, x, y, h_start)
    by_hand, _, _ = vanilla_rnn.backward(weights, x, y, h, p)

    recurrent = keras_seq.Recurrent(keras_seq.ElmanCell(UNITS, dtype="float64"), return_sequences=True, dtype="float64")
    output = keras.layers.Dense(CLASSES, dtype="float64")
    recurrent.build((None, None, FEATURES))
    output.build((None, None, UNITS))
    recurrent.set_weights(weights[:3])
    output.set_weights(weights[3:])
    with tf.GradientTape() as tape:
        logits = output(recurrent(tf.constant(x[None]), initial_state=[tf.constant(h_start[None])], training=True))
        automatic_loss = tf.reduce_sum(keras.losses.sparse_categorical_crossentropy(y[None], logits, from_logits=True))
    variables = [*recurrent.trainable_variables, *output.trainable_variables]
    automatic = tape.gradient(automatic_loss, [variable.value for variable in variables])
    assert float(automatic_loss) == pytest.approx(loss)
    for name, one, other in zip(weights._fields, by_hand, automatic, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10, err_msg=name)


def test_truncation_with_a_window_over_all_steps_truncates_nothing(weights, sequence):
    x, y, h_start = sequence
    _, h, p = vanilla_rnn.forward(weights, x, y, h_start)
    for whole, truncated in zip(
        keras.tree.flatten(vanilla_rnn.backward(weights, x, y, h, p)),
        keras.tree.flatten(vanilla_rnn.backward(weights, x, y, h, p, window=TIME)),
        strict=True,
    ):
        np.testing.assert_allclose(whole, truncated, atol=1e-12)
    short, *_ = vanilla_rnn.backward(weights, x, y, h, p, window=1)
    assert np.abs(short.U - vanilla_rnn.backward(weights, x, y, h, p)[0].U).max() > 0.01


def test_gradient_vanishes_and_explodes_with_the_size_of_the_recurrent_weights(weights, sequence):
    """The loss at the last step alone: its gradient shrinks or grows by about the same factor at each step back."""
    time = 40
    x, y = np.zeros((time, FEATURES)), np.zeros(time, int)
    norms = {}
    for scale in (0.5, 1.5):
        orthogonal = np.linalg.qr(weights.U)[0] * scale
        network = weights._replace(U=orthogonal, b=np.zeros(UNITS), V=weights.V * 0)
        _, h, p = vanilla_rnn.forward(network, x, y, np.zeros(UNITS))
        last_only = network._replace(V=weights.V)
        p[:-1] = np.eye(CLASSES)[0]  # as if every step but the last were right: no gradient comes from there
        norms[scale] = vanilla_rnn.backward(last_only, x, y, h, p)[2]
    assert norms[0.5][0] / norms[0.5][-1] == pytest.approx(0.5**time, rel=1e-6)
    assert norms[1.5][0] / norms[1.5][-1] == pytest.approx(1.5**time, rel=1e-6)


def test_learns_a_sequence_by_heart(weights, sequence):
    x, y, _ = sequence
    learnt, losses = vanilla_rnn.train(weights, x, y, steps=200)
    assert losses[-1] < 0.1 * losses[0]
    _, _, p = vanilla_rnn.forward(learnt, x, y, np.zeros(UNITS))
    np.testing.assert_array_equal(p.argmax(axis=1), y)

import keras
import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")


def build(**options):
    cell = keras_seq.LearnedInitialStateCell(keras_seq.LSTMCell(3), **options)
    layer = keras_seq.Recurrent(cell)
    layer.build(X.shape)
    return cell, layer


def test_sequences_start_from_the_weights(numpy):
    cell, layer = build(initializer=keras.initializers.RandomNormal(seed=1))
    h, c = cell.get_weights()[:2]
    assert h.any()
    assert c.any()
    start = [np.tile(h, (3, 1)), np.tile(c, (3, 1))]
    expected = numpy(keras_seq.Recurrent(cell.cell)(X, initial_state=start))
    np.testing.assert_allclose(numpy(layer(X)), expected, atol=1e-6)
    np.testing.assert_allclose(numpy(keras.layers.RNN(cell)(X)), expected, atol=1e-6)
    given = [np.ones((3, 3), "float32")] * 2
    plain = keras_seq.Recurrent(cell.cell)(X, initial_state=given)
    np.testing.assert_allclose(numpy(layer(X, initial_state=given)), numpy(plain), atol=1e-6)


def test_is_trained(numpy):
    """With all else fixed, and targets made from another start, every unit goes there."""
    cell, _ = build()
    for weight in cell.cell.weights:
        weight.trainable = False
    start = [np.full((3, 3), 0.5, "float32"), np.full((3, 3), -0.8, "float32")]
    sequences = keras_seq.Recurrent(cell, return_sequences=True)
    y = numpy(keras_seq.Recurrent(cell.cell, return_sequences=True)(X, initial_state=start))
    before = ((numpy(sequences(X)) - y) ** 2).mean()
    model = keras.Sequential([keras.Input(X.shape[1:]), sequences])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(np.tile(X, (3, 1, 1)), np.tile(y, (3, 1, 1)), batch_size=3, shuffle=False, verbose=0)
    assert ((numpy(sequences(X)) - y) ** 2).mean() < 0.8 * before
    assert (np.abs(cell.get_weights()[0]) > 0).all()
    assert (cell.get_weights()[1] < 0).all()


def test_some_states_may_start_as_the_cell_has_them(numpy):
    cell, _ = build(learned=[False, True], initializer="ones")
    h, c = numpy(cell.get_initial_state(2))
    np.testing.assert_array_equal(h, np.zeros((2, 3)))
    np.testing.assert_array_equal(c, np.ones((2, 3)))


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="one entry for each of 2 states"):
        build(learned=[True])
    with pytest.raises(ValueError, match=r"call `cell.build"):
        keras_seq.LearnedInitialStateCell(keras_seq.LSTMCell(3)).get_initial_state(2)

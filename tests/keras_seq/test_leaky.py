import keras
import numpy as np
import pytest

import keras_seq

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5, 4)).astype("float32")


def test_without_leak_it_is_elman(numpy):
    leaky, elman = (keras_seq.Recurrent(cell) for cell in (keras_seq.LeakyCell(3, leak=0), keras_seq.ElmanCell(3)))
    leaky.build(X.shape)
    elman.build(X.shape)
    elman.set_weights(leaky.get_weights())
    np.testing.assert_allclose(numpy(leaky(X)), numpy(elman(X)), atol=1e-6)


@pytest.mark.parametrize(("leak", "leaks"), [(0.3, [0.3, 0.3, 0.3]), ((0.9, 0.1), [0.9, 0.5, 0.1])])
@pytest.mark.parametrize("learned", [False, True])
def test_leaks_start_where_they_are_told(leak, leaks, learned, numpy):
    cell = keras_seq.LeakyCell(3, leak=leak, learned=learned)
    cell.build((None, 4))
    np.testing.assert_allclose(numpy(cell.leaks()), leaks, atol=1e-6)
    assert len(cell.trainable_weights) == (4 if learned else 3)


def test_a_learned_leak_is_trained(numpy):
    """The targets are those of other leaks with the same weights: each leak goes to its target's."""
    target = keras_seq.LeakyCell(2, leak=(0.1, 0.9))
    target.build((None, 4))
    target.set_weights([RNG.normal(size=w.shape) for w in target.weights])
    y = numpy(keras_seq.Recurrent(target, return_sequences=True)(X))
    cell = keras_seq.LeakyCell(2, leak=0.5, learned=True)
    layer = keras_seq.Recurrent(cell, return_sequences=True)
    layer.build(X.shape)
    cell.set_weights([*target.get_weights(), cell.get_weights()[-1]])
    for weight in cell.weights[:-1]:
        weight.trainable = False
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(np.tile(X, (3, 1, 1)), np.tile(y, (3, 1, 1)), batch_size=len(X), shuffle=False, verbose=0)
    low, high = numpy(cell.leaks())
    assert low < 0.45
    assert high > 0.55


@pytest.mark.parametrize("leak", [1, -0.1, (0.1,), (0.1, 0.2, 0.3), "0.5", (0.5, 1.0)])
def test_wrong_leaks_are_refused(leak):
    with pytest.raises(ValueError, match=r"`leak` must be a number in \[0, 1\) or a pair.*Received"):
        keras_seq.LeakyCell(3, leak=leak)


def test_a_learned_leak_cannot_start_from_zero():
    with pytest.raises(ValueError, match="start from above 0"):
        keras_seq.LeakyCell(3, leak=(0, 0.5), learned=True)

import keras
import numpy as np
import pytest

import keras_seq


def trained(recurrent_clip):
    """The recurrent weights after a few steps that want them large."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras_seq.Recurrent(keras_seq.IndRNNCell(8, recurrent_clip=recurrent_clip))])
    x, y = np.ones((4, 5, 3), "float32"), np.full((4, 8), 100, "float32")
    model.compile(keras.optimizers.Adam(0.3), "mse", run_eagerly=True)
    for _ in range(6):
        model.train_on_batch(x, y)
    return np.abs(model.layers[0].cell.get_weights()[1])


def test_recurrent_weights_stay_below_the_clip():
    assert trained(None).max() > 1.2
    clipped = trained(1.2)
    assert clipped.max() <= np.float32(1.2)
    assert (clipped > 1.19).any()  # it was the clip that held them


def test_recurrent_weights_start_between_zero_and_one_and_below_the_clip():
    for clip, limit in ((None, 1.0), (0.3, 0.3)):
        cell = keras_seq.IndRNNCell(200, recurrent_clip=clip)
        cell.build((None, 4))
        start = cell.get_weights()[1]
        assert start.shape == (200,)
        assert start.min() >= 0
        assert 0.9 * limit < start.max() <= np.float32(limit)


@pytest.mark.parametrize("clip", [0, -1.0])
def test_wrong_clip_is_refused(clip):
    with pytest.raises(ValueError, match=r"`recurrent_clip` must be a positive number. Received"):
        keras_seq.IndRNNCell(3, recurrent_clip=clip)

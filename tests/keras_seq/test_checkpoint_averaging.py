"""Means of weights: of several files, and the moving one of Keras."""

import keras
import numpy as np
import pytest

from keras_seq.training import average_checkpoints


def make_model(dtype=None):
    return keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, dtype=dtype), keras.layers.BatchNormalization(dtype=dtype)]
    )


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_mean_of_files(tmp_path, suffix):
    rng = np.random.default_rng(0)
    model, paths, weights = make_model(), [], []
    for number in range(3):
        weights.append([rng.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
        model.set_weights(weights[-1])
        paths.append(tmp_path / f"{number}{suffix}")
        (model.save_weights if suffix == ".weights.h5" else model.save)(paths[-1])
    average_checkpoints(model, paths)
    for place, got in enumerate(model.get_weights()):
        np.testing.assert_allclose(got, np.mean([each[place] for each in weights], axis=0), rtol=1e-6, atol=1e-7)
    average_checkpoints(model, iter(paths[1:2]))
    for got, expected in zip(model.get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(got, expected)


def test_no_files_are_refused():
    with pytest.raises(ValueError, match=r"at least one file. Received"):
        average_checkpoints(make_model(), [])


def test_the_moving_average_of_keras():
    """What the documentation says of it: the optimizer keeps it, the callback swaps it in."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8), "mse")
    seen = []
    record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0]))
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(np.eye(2), np.zeros(2), batch_size=1, epochs=1, shuffle=False, verbose=0, callbacks=[record, swap])
    average = seen[0]
    for weights in seen[1:]:
        average = 0.8 * average + 0.2 * weights
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)

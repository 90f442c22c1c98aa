"""The mean of several checkpoints."""

import keras
import numpy as np


def average_checkpoints(model, paths):
    """Give a model the mean of the weights in several files.

    The mean of the last checkpoints of a training is often better than each of them (Vaswani et al. 2017 took 5 to 20).
    What is no floating point number, such as a counter, is that of the last file.

    A moving average that is kept while training is Keras' own: an optimizer with `use_ema=True, ema_momentum=0.999`,
    and the callback `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)` before `ModelCheckpoint`, which writes it.

    Args:
        model: A built model.
        paths: Files that `model.load_weights` reads: `.weights.h5` or `.keras`.
    """
    paths = list(paths)
    if not paths:
        raise ValueError("Argument `paths` must name at least one file. Received: paths=[]")
    means: list = []
    for count, path in enumerate(paths, start=1):
        model.load_weights(path)
        weights = model.get_weights()
        if count == 1:
            means = [np.zeros(weight.shape, "float64") for weight in weights]
        means = [mean + (weight - mean) / count for mean, weight in zip(means, weights, strict=True)]
    model.set_weights(
        [
            mean.astype(weight.dtype) if keras.backend.is_float_dtype(str(weight.dtype)) else weight
            for mean, weight in zip(means, weights, strict=True)
        ]
    )

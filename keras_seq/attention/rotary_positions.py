"""Rotary positions."""

import numpy as np
from keras import ops

from keras_seq.attention.masking import wide_dtype


def rotate(vectors, places, longest_wavelength=10000.0):
    """Turn each pair of features by an angle that grows with the place.

    Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary Position Embedding": the product of a turned query and
    a turned key depends on the distance of their places alone.

        (x_{2i}, x_{2i+1}) turns by t / longest_wavelength^(2i / size)

    Args:
        vectors: Tensor `[batch, heads, time, size]`, with an even size.
        places: Integer tensor `[time]` or `[batch, time]`.
        longest_wavelength: Positive number. Defaults to `10000`.
    """
    size, wide = vectors.shape[-1], wide_dtype(vectors.dtype)
    rates = longest_wavelength ** (-np.arange(0, size, 2, dtype="float64") / size)
    angles = ops.expand_dims(ops.cast(places, wide), -1) * ops.convert_to_tensor(rates.astype(wide))
    if len(angles.shape) == 3:  # [batch, time, size / 2]
        angles = ops.expand_dims(angles, 1)
    sin, cos = ops.cast(ops.sin(angles), vectors.dtype), ops.cast(ops.cos(angles), vectors.dtype)
    shape = ops.shape(vectors)
    pairs = ops.reshape(vectors, (*shape[:-1], size // 2, 2))
    first, second = pairs[..., 0], pairs[..., 1]
    turned = ops.stack([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return ops.reshape(turned, shape)

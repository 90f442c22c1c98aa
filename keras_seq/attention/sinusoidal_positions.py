"""Sinusoidal positions."""

import keras
import numpy as np
from keras import ops

from keras_seq.attention.masking import valid_places, wide_dtype


def sinusoids(places, size, longest_wavelength=10000.0, dtype="float32"):
    """The vectors `[..., size]` that stand for places `[...]`, computed in at least float32."""
    rates = longest_wavelength ** (-np.arange(0, size, 2, dtype="float64") / size)
    wide = wide_dtype(dtype)
    angles = ops.expand_dims(ops.cast(places, wide), -1) * ops.convert_to_tensor(rates.astype(wide))
    pairs = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # [..., ceil(size / 2), 2]
    return ops.cast(ops.reshape(pairs, (*ops.shape(places), 2 * len(rates)))[..., :size], dtype)


@keras.saving.register_keras_serializable(package="keras_seq")
class SinusoidalPositions(keras.layers.Layer):
    """Add to each step a vector that says where it stands; Vaswani et al. (2017), "Attention Is All You Need".

        P(t, 2i)     = sin(t / longest_wavelength^(2i / size))
        P(t, 2i + 1) = cos(t / longest_wavelength^(2i / size))

    Args:
        longest_wavelength: Positive number. Defaults to `10000`.
        **kwargs: The arguments of a layer.

    Call arguments:
        sequences: Tensor `[batch, time, features]`; with `places` also `[batch, features]`, one step.
        mask: Optional boolean tensor `[batch, time]`: places are counted over the valid steps, so that a padded row
            gives the numbers of the row without padding.
        places: Optional integer tensor `[batch, time]` or `[batch]`, where the steps stand. Defaults to counting
            from 0.

    Output shape:
        That of the sequences.

    Example:

    >>> keras_seq.SinusoidalPositions()(np.random.random((32, 10, 8))).shape
    (32, 10, 8)
    """

    def __init__(self, longest_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        if not longest_wavelength > 0:
            raise ValueError(f"Argument `longest_wavelength` must be positive. Received: {longest_wavelength!r}")
        self.longest_wavelength = longest_wavelength

    def call(self, sequences, mask=None, places=None):
        """Add the vectors of the places."""
        if places is None:
            mask = getattr(sequences, "_keras_mask", None) if mask is None else mask
            places = ops.arange(ops.shape(sequences)[1]) if mask is None else valid_places(mask)
        added = sinusoids(places, sequences.shape[-1], self.longest_wavelength, self.compute_dtype)
        return ops.add(ops.cast(sequences, self.compute_dtype), added)

    def compute_output_shape(self, sequences_shape):
        """The shape of the sequences."""
        return tuple(sequences_shape)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "longest_wavelength": self.longest_wavelength}

"""Dropout with one mask for all steps of a sequence (Gal and Ghahramani 2016)."""

import keras
from keras import ops


def draw_mask(shape, rate, dtype, seed):
    """A mask of a shape such as `[batch, features]`: 0 for a fraction `rate`, the rest so much more; None for none."""
    if not rate:
        return None
    return keras.random.dropout(ops.ones(shape, dtype=dtype), rate, seed=seed)


def drop(inputs, mask, all_steps=False):
    """Inputs `[batch, size]`, or `[batch, time, size]` with `all_steps`, without what a mask `[batch, size]` drops."""
    if mask is None:
        return inputs
    return ops.multiply(inputs, ops.expand_dims(mask, 1) if all_steps else mask)

"""What masks mean to an attention: no weight on padding, and places counted over the valid steps alone."""

import keras
from keras import ops


def masked_softmax(scores, mask=None):
    """Softmax over the last axis in at least float32: zero where the mask is false, all zero where it is so everywhere.

    Args:
        scores: Tensor `[..., memory_time]`.
        mask: Optional boolean tensor that broadcasts to it.
    """
    scores = ops.cast(scores, wide_dtype(scores.dtype))
    scores = scores if mask is None else ops.where(mask, scores, -1e30)
    # Keras warns of a softmax over one number.
    weights = ops.ones_like(scores) if scores.shape[-1] == 1 else ops.softmax(scores, axis=-1)
    return weights if mask is None else ops.where(mask, weights, ops.zeros_like(weights))


def wide_dtype(dtype):
    """The dtype to compute weights in, for a layer that computes in `dtype`: float32 for half precision."""
    dtype = keras.backend.standardize_dtype(dtype)
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def zero_padding(memory, mask):
    """The memory `[batch, memory_time, ...]` with zeros where the mask `[batch, memory_time]` is false.

    What is under the mask could be anything, and nothing times a weight of zero is surely zero but a number.
    """
    return ops.where(ops.expand_dims(mask, -1), memory, ops.zeros_like(memory))


def valid_places(mask):
    """Integers `[batch, memory_time]`: how many valid steps stand before each step."""
    return ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0)


def valid_first(memory, mask):
    """Move the valid steps of each row to its front, in their order.

    For an attention whose steps have neighbours, so that padding does not stand between them.

    Returns:
        `(memory, mask)` in the new order.
    """
    batch, time = ops.shape(mask)[0], ops.shape(mask)[1]
    places = ops.arange(time, dtype="int32")
    order = ops.argsort(ops.where(mask, places, places + time), axis=1)
    order = ops.cast(order, "int32") + ops.expand_dims(ops.arange(batch, dtype="int32") * time, 1)
    memory = ops.take(ops.reshape(memory, (batch * time, memory.shape[-1])), order, axis=0)
    return memory, places < ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)


def to_places(weights, places, mask):
    """Weights `[batch, memory_time]` of steps in the order of `valid_first`, in the memory's own order."""
    batch, time = ops.shape(mask)[0], ops.shape(mask)[1]
    rows = places + ops.expand_dims(ops.arange(batch, dtype="int32") * time, 1)
    weights = ops.take(ops.reshape(weights, (-1,)), rows)
    return ops.where(mask, weights, ops.zeros_like(weights))

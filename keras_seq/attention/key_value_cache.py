"""The cache of a causal attention: the keys and values of the steps so far, a value that goes in and comes out.

A dictionary of tensors of fixed shapes, with the batch first, so that it can be the state of a loop on every backend,
and its rows can be chosen and repeated, as beam search does:

    "keys", "values"    [batch, heads, max_length, size]
    "length"            int32 [batch], how many steps a row holds
"""

from keras import ops


def empty_cache(batch_size, heads, max_length, size, dtype):
    """A cache for up to `max_length` steps, with none in it."""
    shape = (batch_size, heads, max_length, size)
    length = ops.zeros((batch_size,), dtype="int32")
    return {"keys": ops.zeros(shape, dtype=dtype), "values": ops.zeros(shape, dtype=dtype), "length": length}


def extend_cache(cache, keys, values):
    """The cache with one step more: keys and values `[batch, heads, size]` of it."""
    length = cache["length"]
    place = ops.arange(ops.shape(cache["keys"])[2], dtype="int32")
    # Written by a choice between old and new: a scatter is no quicker in a loop, where it copies the cache as well.
    here = (place == ops.expand_dims(length, 1))[:, None, :, None]  # [batch, 1, max_length, 1]
    keys = ops.where(here, ops.expand_dims(keys, 2), cache["keys"])
    values = ops.where(here, ops.expand_dims(values, 2), cache["values"])
    return {"keys": keys, "values": values, "length": length + 1}

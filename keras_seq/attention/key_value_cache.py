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
    batch, heads, size = ops.shape(keys)[0], keys.shape[1], keys.shape[2]
    # The place of each head's vector: [batch * heads, 3].
    rows = ops.repeat(ops.arange(batch, dtype="int32"), heads)
    columns = ops.tile(ops.arange(heads, dtype="int32"), (batch,))
    places = ops.stack([rows, columns, ops.repeat(length, heads)], axis=1)

    def written(name, vectors):
        return ops.scatter_update(cache[name], places, ops.reshape(vectors, (batch * heads, size)))

    return {"keys": written("keys", keys), "values": written("values", values), "length": length + 1}

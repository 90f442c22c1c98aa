"""The cache of a causal attention: the keys and values of the steps so far, a value that goes in and comes out.

A dictionary of tensors of fixed shapes, with the batch first, so that it can be the state of a loop on every backend,
and its rows can be chosen and repeated, as beam search does:

    "keys", "values"            [batch, heads, block, size], the latest steps of each row: its current block
    "past_keys", "past_values"  [batch, heads, places, size], the steps before that; not there in a short cache
    "length"                    int32 [batch], how many steps a row holds

A step writes into the current block alone, since what is written has to be copied; full blocks join the past once in
`BLOCK` steps.
"""

import keras
from keras import ops

BLOCK = 16
"""The steps of a block."""

SHORT = 64
"""Up to so many steps are one block: copying them costs less than what a past takes."""


def empty_cache(batch_size, heads, max_length, size, dtype):
    """A cache for up to `max_length` steps, with none in it."""
    short = isinstance(max_length, int) and max_length <= SHORT
    block = max_length if short else BLOCK
    cache = {name: ops.zeros((batch_size, heads, block, size), dtype=dtype) for name in ("keys", "values")}
    if not short:
        past = (batch_size, heads, (max_length - 1) // BLOCK * BLOCK, size)
        cache |= {name: ops.zeros(past, dtype=dtype) for name in ("past_keys", "past_values")}
    return {**cache, "length": ops.zeros((batch_size,), dtype="int32")}


def extend_cache(cache, keys, values):
    """The cache with one step more: keys and values `[batch, heads, size]` of it."""
    length, block = cache["length"], cache["keys"].shape[2]
    if "past_keys" in cache:
        cache = _with_full_blocks_in_the_past(cache, length, block)
    here = (ops.arange(block, dtype="int32") == ops.expand_dims(length % block, 1))[:, None, :, None]
    # Written by a choice between old and new: a scatter is no quicker in a loop, where it copies the block as well.
    keys = ops.where(here, ops.expand_dims(keys, 2), cache["keys"])
    values = ops.where(here, ops.expand_dims(values, 2), cache["values"])
    return {**cache, "keys": keys, "values": values, "length": length + 1}


def prefill(cache, keys, values, length):
    """An empty cache with the first steps of each row in it, all at once.

    Args:
        cache: What `empty_cache` returned.
        keys: Tensor `[batch, heads, time, size]`.
        values: Tensor of the same shape.
        length: int32 `[batch]`, how many of the steps a row has, from 0; what stands behind them is not looked at.
    """
    block, last = cache["keys"].shape[2], ops.shape(keys)[2] - 1
    start = (ops.maximum(length, 1) - 1) // block * block
    # Steps that are not there are others once more: nothing sees them, as the length says.
    latest = ops.clip(ops.expand_dims(start, 1) + ops.arange(block, dtype="int32"), 0, last)[:, None, :, None]
    filled = {name: ops.take_along_axis(all_steps, latest, axis=2) for name, all_steps in _named(keys, values)}
    if "past_keys" in cache:
        past = ops.clip(ops.arange(ops.shape(cache["past_keys"])[2], dtype="int32"), 0, last)
        filled |= {f"past_{name}": ops.take(all_steps, past, axis=2) for name, all_steps in _named(keys, values)}
    return {**filled, "length": length}


def _named(keys, values):
    return ("keys", keys), ("values", values)


def _with_full_blocks_in_the_past(cache, length, block):
    full = ops.logical_and(length > 0, length % block == 0)
    number = ops.expand_dims(ops.where(full, length // block - 1, -1), 1)

    def joined(past, latest):
        shape = batch, heads, steps, size = ops.shape(past)
        blocks = ops.reshape(past, (batch, heads, steps // block, block, size))
        here = (ops.arange(steps // block, dtype="int32") == number)[:, None, :, None, None]
        return ops.reshape(ops.where(here, ops.expand_dims(latest, 2), blocks), shape)

    past_keys, past_values = ops.cond(
        ops.any(full),
        lambda: (joined(cache["past_keys"], cache["keys"]), joined(cache["past_values"], cache["values"])),
        lambda: (cache["past_keys"], cache["past_values"]),
    )
    return {**cache, "past_keys": past_keys, "past_values": past_values}


def places(cache):
    """Where the steps of a cache stand, those of the past and then those of the current block, and which are there.

    Returns:
        int32 and boolean `[batch, places + block]`.
    """
    last, block = ops.expand_dims(cache["length"], 1) - 1, cache["keys"].shape[2]
    current = ops.arange(block, dtype="int32")
    if "past_keys" not in cache:
        return current + ops.zeros_like(last), current <= last
    start = last // block * block
    past = ops.arange(ops.shape(cache["past_keys"])[2], dtype="int32")
    stand = ops.concatenate([past + ops.zeros_like(last), current + start], axis=1)
    return stand, ops.concatenate([past < start, current <= last % block], axis=1)


def scores(query, cache):
    """Products of the queries `[batch, heads, 1, size]` with the keys: `[batch, heads, 1, places + block]`."""
    latest = _products(query, cache["keys"])
    if "past_keys" not in cache:
        return latest
    return ops.concatenate([_products(query, cache["past_keys"]), latest], axis=3)


def weighted(weights, cache):
    """The sum of the values by weights `[batch, heads, 1, places + block]`: `[batch, heads, 1, size]`."""
    if "past_keys" not in cache:
        return ops.matmul(weights, cache["values"])
    block = cache["keys"].shape[2]
    past, latest = weights[..., :-block], weights[..., -block:]
    return ops.add(ops.matmul(past, cache["past_values"]), ops.matmul(latest, cache["values"]))


def in_order(weights, cache):
    """Weights `[batch, heads, places + block]` in the order of the steps: the current block may begin anywhere."""
    if "past_keys" not in cache:
        return weights
    block = cache["keys"].shape[2]
    start = (ops.expand_dims(cache["length"], 1) - 1) // block * block
    place = ops.arange(ops.shape(weights)[2], dtype="int32") - start
    chosen = ops.broadcast_to(ops.clip(place, 0, block - 1)[:, None, :], ops.shape(weights))
    latest = ops.take_along_axis(weights[..., -block:], chosen, axis=2)
    latest = ops.where(ops.logical_and(place >= 0, place < block)[:, None, :], latest, ops.zeros_like(latest))
    past = ops.concatenate([weights[..., :-block], ops.zeros_like(weights[..., -block:])], axis=2)
    return ops.add(past, latest)


def _products(queries, keys):
    if keras.backend.backend() == "tensorflow":  # where `ops.swapaxes` would copy the keys
        import tensorflow as tf

        return tf.matmul(queries, keys, transpose_b=True)
    return ops.matmul(queries, ops.swapaxes(keys, 2, 3))

"""The most probable tokens, and what normalises them."""

from keras import ops

from keras_seq.decoding.rows import largest, row_numbers, take_each, take_entry, take_rows

BLOCK = 64


def top_candidates(logits, k):
    """The `k` largest of the logits `[batch, width, vocabulary]` and their ids, `[batch, width, k]`, largest first.

    Of equal ones the lower id comes first. The k largest of a large vocabulary lie in the k blocks with the largest
    maxima, which are found in one quick pass; selecting among all of them would take several times as long.
    """
    width, size = ops.shape(logits)[1:]
    if size < 4 * k * BLOCK:
        values, ids = ops.top_k(logits, k)
        return values, ops.cast(ids, "int32")
    blocks = -(-size // BLOCK)
    if size % BLOCK:
        logits = ops.pad(logits, ((0, 0), (0, 0), (0, blocks * BLOCK - size)), constant_values=-float("inf"))
    logits = ops.reshape(logits, (-1, BLOCK))
    maxima = ops.reshape(largest(logits), (-1, blocks))
    _, best = ops.top_k(maxima, k)
    best = ops.sort(ops.cast(best, "int32"), axis=-1)  # in the order of ids, so that equal logits keep theirs
    chosen = take_rows(logits, best + blocks * row_numbers(best))
    values, places = ops.top_k(ops.reshape(chosen, (-1, k * BLOCK)), k)
    places = ops.cast(places, "int32")
    ids = take_each(best, places // BLOCK) * BLOCK + places % BLOCK
    return ops.reshape(values, (-1, width, k)), ops.reshape(ids, (-1, width, k))


def take_tokens(logits, tokens):
    """The logits `[batch, width, n]` of tokens `[batch, width, n]`; of those below 0, any value."""
    return take_rows(ops.reshape(logits, (-1,)), _places(logits, ops.maximum(tokens, 0)))


def put_tokens(logits, tokens, chosen, values):
    """Logits in which those of some tokens have other values.

    Args:
        logits: Tensor `[batch, width, vocabulary]`.
        tokens: Integer tensor `[batch, width, n]`; a token may be there several times.
        chosen: Boolean tensor `[batch, width, n]`: which of the tokens get their values; the others are ignored.
        values: Tensor `[batch, width, n]`; a token that is there several times has the same value each time.
    """
    # A token that is not chosen stands for the first one that is, so that no place is written with two values.
    first = ops.cast(ops.argmax(ops.cast(chosen, "int32"), axis=-1), "int32")
    first_token = ops.maximum(ops.expand_dims(take_entry(tokens, first), -1), 0)
    first_value = ops.expand_dims(take_entry(values, first), -1)
    some = ops.any(chosen, axis=-1, keepdims=True)
    first_value = ops.where(some, first_value, take_tokens(logits, first_token))
    places = _places(logits, ops.where(chosen, tokens, first_token))
    updates = ops.where(chosen, values, first_value)
    flat = ops.scatter_update(ops.reshape(logits, (-1,)), ops.reshape(places, (-1, 1)), ops.reshape(updates, (-1,)))
    return ops.reshape(flat, (-1, *logits.shape[1:]))


def _places(logits, tokens):
    """Where tokens `[batch, width, n]` are in the flat logits."""
    _, width, size = logits.shape
    sequences = width * row_numbers(tokens) + ops.reshape(ops.arange(width, dtype="int32"), (1, -1, 1))
    return size * sequences + tokens

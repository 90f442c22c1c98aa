"""Rows of a decoder: the sequences that are worked on, several for each row of the batch."""

import keras
from keras import ops


def take_rows(tensor, rows):
    """The slices `rows` of a tensor along its first axis; the numbers of the rows are not negative."""
    if keras.backend.backend() == "tensorflow":  # `ops.take` would look for negative numbers first
        import tensorflow as tf

        return tf.gather(tensor, rows)
    return tensor[rows]


def largest(values, keepdims=False):
    """The largest values along the last axis; there may be no rows."""
    if keras.backend.backend() == "tensorflow":  # `ops.max` would check that there are some
        import tensorflow as tf

        return tf.reduce_max(values, axis=-1, keepdims=keepdims)
    return ops.amax(values, axis=-1, keepdims=keepdims)


def take_each(values, indices):
    """From each row of `values` `[batch, n]` the entries `indices` `[batch, m]`."""
    n = ops.shape(values)[-1]
    return take_rows(ops.reshape(values, (-1,)), indices + n * row_numbers(indices))


def take_entry(values, places):
    """For each sequence the entry `places` `[batch, width]` of `values` `[batch, width, n, ...]`."""
    _, width, n = ops.shape(values)[:3]
    flat = ops.reshape(places, (-1,))
    taken = take_rows(ops.reshape(values, (-1, *values.shape[3:])), flat + n * row_numbers(flat))
    return ops.reshape(taken, (-1, width, *values.shape[3:]))


def row_numbers(like):
    """The number of its row for every entry of a tensor `[batch, ...]`; shape `[batch, 1, ...]`."""
    numbers = ops.arange(ops.shape(like)[0], dtype="int32")
    return ops.reshape(numbers, (-1,) + (1,) * (len(like.shape) - 1))


class DecoderState:
    """The state of a decoder as a list of tensors that a loop can carry, for `width` sequences a row of the batch.

    Every tensor has the batch first. A scalar belongs to all rows and is left alone. A tensor that `step` hands on as
    it is, such as a projected memory, is the same for all sequences of a row: it never has to move.

    Args:
        nest: What the decoder's `start` returned.
        width: Number of sequences a row of the batch.
    """

    def __init__(self, nest, width):
        self.structure = nest
        tensors = [None if leaf is None else ops.convert_to_tensor(leaf) for leaf in keras.tree.flatten(nest)]
        self.given = [tensor is not None for tensor in tensors]
        batched = [tensor for tensor in tensors if tensor is not None and len(tensor.shape)]
        self.batch_size = ops.shape(batched[0])[0] if batched else None
        self.initial = [repeat_rows(tensor, width) for tensor in tensors if tensor is not None]
        self.changed = [False] * len(self.initial)

    def pack(self, tensors):
        """The nest that `step` takes."""
        remaining = iter(tensors)
        leaves = [next(remaining) if given else None for given in self.given]
        return keras.tree.pack_sequence_as(self.structure, leaves)

    def unpack(self, nest):
        """The list of tensors of a nest that `step` returned."""
        try:
            keras.tree.assert_same_structure(self.structure, nest)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"`step(tokens, state)` must return a state of the structure that it was given. Received: {error}"
            ) from error
        leaves = zip(keras.tree.flatten(nest), self.given, strict=True)
        return [ops.convert_to_tensor(leaf) for leaf, given in leaves if given]

    def move(self, old, new, rows):
        """Let the rows `rows` of the tensors `new` follow each other; `old` is what `step` was given."""
        moved = []
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            self.changed[place] = self.changed[place] or after is not before
            stays = not self.changed[place] or not len(after.shape)
            moved.append(after if stays else take_rows(after, rows))
        return moved


def repeat_rows(tensor, times):
    """Every row `times` times, one after the other; scalars stay."""
    once = isinstance(times, int) and times == 1
    return tensor if once or not len(tensor.shape) else ops.repeat(tensor, times, axis=0)

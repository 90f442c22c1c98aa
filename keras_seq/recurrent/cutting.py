"""What the drivers that cut sequences into parts need."""

from keras import ops


def append_zeros(tensor, steps):
    """Append `steps` steps of zeros to `[batch, time, ...]`."""
    shape = ops.shape(tensor)
    return ops.concatenate([tensor, ops.zeros((shape[0], steps, *shape[2:]), dtype=tensor.dtype)], axis=1)


def repeat_rows(tensor, count):
    """Each row of `[batch, ...]` `count` times in a row: what belongs to a row, for each of its parts. None stays."""
    return tensor if tensor is None or (isinstance(count, int) and count == 1) else ops.repeat(tensor, count, axis=0)

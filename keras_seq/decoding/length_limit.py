"""What the constraints on the length share."""

from keras import ops


def length_argument(length):
    """Return `length`, or raise the error for one that is neither a number from 0 on nor a tensor of them."""
    wrong = isinstance(length, bool) or (isinstance(length, int) and length < 0)
    if wrong or not (isinstance(length, int) or (hasattr(length, "shape") and len(length.shape) <= 1)):
        raise ValueError(
            f"Argument `length` must be an integer from 0 on, or an integer tensor [batch]. Received: length={length!r}"
        )
    return length


def limit_tensor(length):
    """A limit for all rows, or one a row, so that it broadcasts with `[batch, width, vocabulary]`."""
    return ops.reshape(ops.cast(length, "int32"), (-1, 1, 1))


def end_column(logits, position):
    """Boolean `[1, 1, vocabulary]`: true at the end token."""
    if position.end_token is None:
        raise ValueError("A constraint on the length needs the `end_token` of `decode`. Received: end_token=None")
    column = ops.equal(ops.arange(logits.shape[-1], dtype="int32"), position.end_token)
    return ops.reshape(column, (1, 1, -1))

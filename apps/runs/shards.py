"""A batch in parts, each computed in a thread of its own, with the gradients of the whole.

Two cores that share the work of every operation of a small model spend much of their time on meeting again. Here each
core computes a part of the batch from its first operation to its last, and they meet once a step. That takes a
TensorFlow that computes each operation in one thread: `apps.console.import_tensorflow` sees to it.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Pass:
    """What the forward and the backward pass over some rows give.

    Attributes:
        total: What is minimised: the loss with the penalties on weights.
        loss: The mean loss.
        gradients: Of `total`, one for each variable, or None where a variable has no part in it.
        outputs: A nest of tensors with the rows first.
        state: The same; what is left to the next batch.
    """

    total: tf.Tensor
    loss: tf.Tensor
    gradients: list[Any]
    outputs: Any
    state: Any


def in_shards(count: int, compute: Callable[..., Pass], inputs: Any, targets: Any, weights: Any, state: Any) -> Pass:
    """What `compute(inputs, targets, weights, state)` gives for a batch, computed in `count` parts.

    Args:
        count: How many parts.
        compute: Means over the rows or, with `weights`, over their sum; the state may be an empty nest.
        inputs: A nest of tensors with the batch first.
        targets: The same.
        weights: A tensor with the batch first, or None.
        state: The nest of what the rows start from.
    """
    if count == 1:
        return compute(inputs, targets, weights, state)
    first = tf.nest.flatten(inputs)[0]
    rows = tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
    passes, shares, sizes = [], [], []
    for begin, end, size in _ranges(rows, count):
        part = functools.partial(tf.nest.map_structure, lambda tensor, rows=slice(begin, end): tensor[rows])
        own = None if weights is None else weights[begin:end]
        passes.append(compute(part(inputs), part(targets), own, part(state)))
        sizes.append(size)
        shares.append(tf.cast(size, tf.float32) if own is None else tf.reduce_sum(own[:size]))
    whole = tf.add_n(shares)
    return _merged(passes, [tf.math.divide_no_nan(share, whole) for share in shares], sizes)


def _ranges(rows: Any, count: int) -> Iterator[tuple[Any, Any, Any]]:
    """Begin, end and size of the parts; one without a row of its own reads one, whose size is 0, to have numbers."""
    larger = max if isinstance(rows, int) else tf.maximum
    for number in range(count):
        begin, end = rows * number // count, rows * (number + 1) // count
        yield begin, larger(end, begin + 1), end - begin


def _merged(passes: list[Pass], shares: list[tf.Tensor], sizes: list[tf.Tensor]) -> Pass:
    def joined(*parts: tf.Tensor) -> tf.Tensor:
        return tf.concat([part[:size] for part, size in zip(parts, sizes, strict=True)], axis=0)

    def mean(values: list[tf.Tensor]) -> tf.Tensor:
        return tf.add_n([share * value for share, value in zip(shares, values, strict=True)])

    return Pass(
        total=mean([part.total for part in passes]),
        loss=mean([part.loss for part in passes]),
        gradients=[_sum(parts, shares) for parts in zip(*(part.gradients for part in passes), strict=True)],
        outputs=tf.nest.map_structure(joined, *(part.outputs for part in passes)),
        state=tf.nest.map_structure(joined, *(part.state for part in passes)),
    )


def _sum(gradients: tuple[Any, ...], shares: list[tf.Tensor]) -> Any:
    """The weighted sum; of lookups, whose gradients name rows, the rows of all of them."""
    if gradients[0] is None:
        return None
    if all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients):
        values = [share * gradient.values for share, gradient in zip(shares, gradients, strict=True)]
        indices = tf.concat([gradient.indices for gradient in gradients], axis=0)
        return tf.IndexedSlices(tf.concat(values, axis=0), indices, gradients[0].dense_shape)
    return tf.add_n([share * tf.convert_to_tensor(gradient) for share, gradient in zip(shares, gradients, strict=True)])

"""Elements of a dataset, computed ahead of who reads them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

AHEAD = 2


def read_ahead(dataset: tf.data.Dataset, function: Callable[..., Any], parallel: int | None = None) -> tf.data.Dataset:
    """`function` of each element, in order, some elements before they are asked for.

    TensorFlow's tuning of datasets is off, for there is nothing to tune here, and its thread can take a minute to hear
    that a reader is done: at the end of an epoch everything stood still for so long.

    Args:
        dataset: The elements.
        function: For `tf.data.Dataset.map`.
        parallel: How many elements are computed at once, one if left out.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return dataset.map(function, num_parallel_calls=parallel).prefetch(AHEAD).with_options(options)

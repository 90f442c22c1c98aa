"""Elements computed ahead of their reader."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from pipelines.reading_ahead import AHEAD, read_ahead


@pytest.mark.parametrize("parallel", [None, 3])
def test_order_is_kept_and_little_is_computed_in_advance(parallel):
    computed, lock = [], threading.Lock()

    def square(number):
        with lock:
            computed.append(int(number))
        return number * number

    dataset = tf.data.Dataset.range(100)
    dataset = read_ahead(dataset, lambda number: tf.numpy_function(square, [number], tf.int64), parallel)
    iterator = dataset.as_numpy_iterator()
    assert [next(iterator) for _ in range(10)] == [number**2 for number in range(10)]
    assert len(computed) <= 10 + AHEAD + 1 + 2 * (parallel or 0)
    np.testing.assert_array_equal([*iterator], np.arange(10, 100) ** 2)


def test_nothing_is_tuned_whose_end_would_be_waited_for():
    options = read_ahead(tf.data.Dataset.range(3), lambda number: number).options()
    assert options.autotune.enabled is False
    assert options.deterministic is True

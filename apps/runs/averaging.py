"""An exponential moving average of the weights."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf


class WeightAverage:
    """Moving averages of trainable variables: after each step `average = d * average + (1 - d) * variable`.

    In step t the decay d is `min(decay, (1 + t) / (10 + t))`, so that the first, poor weights are soon forgotten.

    Args:
        variables: The Keras variables to average.
        decay: The largest decay, from 0 to below 1.
    """

    def __init__(self, variables: list[Any], decay: float) -> None:
        self.decay = decay
        self._variables = [variable.value for variable in variables]
        self._averages = [tf.Variable(value, trainable=False) for value in self._variables]

    def update(self, step: tf.Tensor) -> None:
        """Take the weights after `step` (int, a scalar) training steps into the average; works in a graph."""
        count = tf.cast(step, tf.float32)
        rest = 1.0 - tf.minimum(self.decay, (1.0 + count) / (10.0 + count))
        for average, variable in zip(self._averages, self._variables, strict=True):
            average.assign_add(tf.cast(rest, average.dtype) * (variable - average))

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Within this block the variables hold the averages."""
        weights = [variable.numpy() for variable in self._variables]
        for variable, average in zip(self._variables, self._averages, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, weight in zip(self._variables, weights, strict=True):
                variable.assign(weight)

    def get(self) -> list[np.ndarray]:
        """The averages."""
        return [average.numpy() for average in self._averages]

    def set(self, values: list[np.ndarray]) -> None:
        """Replace the averages."""
        for average, value in zip(self._averages, values, strict=True):
            average.assign(value)

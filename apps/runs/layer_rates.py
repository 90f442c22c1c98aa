"""Smaller steps for lower layers, and layers that begin to learn one after the other."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


class LayerRates:
    """Fine-tuning as in Howard and Ruder (2018), "Universal Language Model Fine-tuning for Text Classification".

    Discriminative rates: the steps of each group of weights are `rate` times those of the group above it. Gradual
    unfreezing: a group stands still until those above it have had `steps` steps each.

    An optimizer such as Adam makes steps of the same size whatever the size of the gradient, so it is the steps that
    are made smaller, after they were taken.

    Args:
        groups: Keras variables, group by group from the top of the model to its bottom.
        rate: From 0 to 1.
        steps: Steps before the next group joins; 0 has all learn from the beginning.
    """

    def __init__(self, groups: Sequence[Sequence[Any]], rate: float, steps: int) -> None:
        self._weights = [(depth, weight.value) for depth, group in enumerate(groups) for weight in group if depth]
        self._rate = rate
        self._steps = steps

    def before(self) -> list[tf.Tensor]:
        """The weights before a step."""
        return [tf.identity(weight) for _, weight in self._weights]

    def after(self, before: list[tf.Tensor], step: Any) -> None:
        """Make the step that was taken from `before` smaller; `step` steps had been taken before it."""
        for (depth, weight), old in zip(self._weights, before, strict=True):
            moving = tf.cast(tf.cast(step, tf.int64) >= depth * self._steps, weight.dtype)
            weight.assign(old + moving * self._rate**depth * (weight - old))

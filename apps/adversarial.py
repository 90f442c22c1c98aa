"""Adversarial training: learn to give the same answer when the word vectors are moved where it hurts most."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def adversarial_objective(
    loss: Callable[[Any, Any], Any], size: float
) -> Callable[[Any, Any, Any], tuple[tf.Tensor, tf.Tensor]]:
    """An objective for `Trainer`: the mean of the loss as it is, and with the word vectors perturbed.

    Each text's word vectors are moved by `size` (a Euclidean norm over the whole text) along the gradient of its loss;
    the direction counts as a constant. Miyato, Dai and Goodfellow (2017), "Adversarial Training Methods for
    Semi-Supervised Text Classification".

    Args:
        loss: `loss(targets, outputs)`, the mean over the batch.
        size: Norm of the perturbation, above 0.

    Returns:
        `objective(model, inputs, targets) -> (loss, outputs)`, for a model with `embed(ids)` and
        `classify(embedded, mask)`; the outputs are those of the texts as they are.
    """

    def objective(model: Any, ids: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mask = tf.not_equal(ids, 0)
        embedded = model.embed(ids, training=True)
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            outputs = model.classify(embedded, mask, training=True)
            plain = loss(targets, outputs)
        direction = tf.stop_gradient(tape.gradient(plain, embedded))
        moved = embedded + tf.cast(perturbation(direction, mask, size), embedded.dtype)
        return (plain + loss(targets, model.classify(moved, mask, training=True))) / 2, outputs

    return objective


def perturbation(gradient: tf.Tensor, mask: tf.Tensor, size: float) -> tf.Tensor:
    """The gradient [batch, time, features] scaled to the norm `size` in each row, without the padding; float32.

    A row whose gradient is zero is not moved.
    """
    gradient = tf.cast(gradient, tf.float32) * tf.cast(mask, tf.float32)[..., None]
    # Squares of small numbers vanish, so the row is brought to the size of one before its norm is taken.
    gradient = tf.math.divide_no_nan(gradient, tf.reduce_max(tf.abs(gradient), axis=[1, 2], keepdims=True))
    norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2], keepdims=True))
    return size * tf.math.divide_no_nan(gradient, norm)

"""Cross entropy and accuracy over large vocabularies, without passes over the logits that can be spared."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_seq.training import TokenAccuracy, output_cross_entropy


def loss_of_features(decoder: Any, label_smoothing: float) -> Callable[..., tf.Tensor]:
    """`loss(targets, outputs, weights)`: the mean cross entropy of `{"features": ...}`, what logits are made of.

    Args:
        decoder: The decoder, whose output layer it is.
        label_smoothing: From 0 to below 1.
    """

    def loss(targets: tf.Tensor, outputs: dict[str, tf.Tensor], weights: tf.Tensor) -> tf.Tensor:
        kernel, bias = decoder.output_weights()
        found = output_cross_entropy(kernel, bias, outputs["features"], targets, weights, label_smoothing)
        return tf.math.divide_no_nan(*found)

    return loss


class LargeVocabularyAccuracy(TokenAccuracy):
    """The share of the tokens whose logit no other exceeds: on a CPU far quicker than finding the largest one."""

    def sums(self, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The tokens that are right, and all tokens."""
        right = tf.gather(logits, labels, batch_dims=2) >= tf.reduce_max(logits, axis=-1)
        return tf.reduce_sum(weights * tf.cast(right, tf.float32)), tf.reduce_sum(weights)

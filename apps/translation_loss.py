"""Cross entropy and accuracy over large vocabularies, without passes over the logits that can be spared."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_seq.training import TokenAccuracy, output_cross_entropy, symmetric_divergence


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


def consistent_objective(label_smoothing: float, strength: float) -> Callable[..., tuple[tf.Tensor, Any]]:
    """An objective for `Trainer`: that loss over two passes with other dropout, and how far their answers are apart.

        (entropy_1 + entropy_2) / 2 + strength / 4 * (KL(1, 2) + KL(2, 1))

    which is half of what Liang et al. (2021), "R-Drop: Regularized Dropout for Neural Networks", minimise.

    Args:
        label_smoothing: From 0 to below 1.
        strength: Above 0; 5 in their translators.

    Returns:
        `objective(model, inputs, targets, weights) -> (loss, outputs)`, for a model that puts out `{"features": ...}`
        while training; the outputs are those of the first pass.
    """

    def objective(model: Any, inputs: Any, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        outputs = model(tf.nest.map_structure(_twice, inputs), training=True)
        entropy = loss_of_features(model.decoder, label_smoothing)(_twice(targets), outputs, _twice(weights))
        features = tf.split(outputs["features"], 2)
        counted = tf.where(weights > 0)  # padding has logits that nobody needs
        first, second = (model.decoder.score(tf.gather_nd(each, counted)) for each in features)
        apart, tokens = symmetric_divergence(first, second, tf.gather_nd(weights, counted))
        return entropy + strength / 4 * tf.math.divide_no_nan(apart, tokens), {"features": features[0]}

    return objective


def _twice(tensor: tf.Tensor) -> tf.Tensor:
    return tf.concat([tensor, tensor], axis=0)


class LargeVocabularyAccuracy(TokenAccuracy):
    """The share of the tokens whose logit no other exceeds: on a CPU far quicker than finding the largest one."""

    def sums(self, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The tokens that are right, and all tokens."""
        right = tf.gather(logits, labels, batch_dims=2) >= tf.reduce_max(logits, axis=-1)
        return tf.reduce_sum(weights * tf.cast(right, tf.float32)), tf.reduce_sum(weights)

"""Cross entropy and accuracy over large vocabularies, in few passes over the logits."""

from collections.abc import Callable

import tensorflow as tf

from keras_seq.training import TokenAccuracy


def smoothed_cross_entropy(label_smoothing: float) -> Callable[..., tf.Tensor]:
    """`loss(targets, logits, weights)`: the weighted mean cross entropy of the tokens.

    With label smoothing (Szegedy et al. 2016) the target is `1 - label_smoothing` for the label and `label_smoothing`
    spread evenly over the vocabulary. The cross entropy with it is `H - s (mean(logits) - logits[label])`, with the
    plain cross entropy H: neither the targets nor a logarithm of all probabilities is ever made.

    Args:
        label_smoothing: From 0 to below 1.
    """

    def loss(targets: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        weights = tf.reshape(tf.cast(weights, tf.float32), [-1])
        size = logits.shape[-1]
        entropy = _entropy(tf.reshape(logits, [-1, size]), tf.reshape(targets, [-1]), label_smoothing)
        return tf.math.divide_no_nan(tf.reduce_sum(weights * entropy), tf.reduce_sum(weights))

    return loss


def _entropy(logits: tf.Tensor, labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """The smoothed cross entropy of each token, float32 [tokens], of logits [tokens, vocabulary]."""

    @tf.custom_gradient
    def entropy(logits: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        values = tf.cast(logits, tf.float32)
        # One operation gives the cross entropy and its gradient, the probabilities less one at the label.
        plain, gradient = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=values, labels=labels)
        result = plain
        if smoothing:
            result += smoothing * (tf.gather(values, labels, batch_dims=1) - tf.reduce_mean(values, axis=-1))

        def backward(upstream: tf.Tensor) -> tf.Tensor:
            scale = upstream[:, None]
            if not smoothing:
                return tf.cast(gradient * scale, logits.dtype)
            spread = (gradient - smoothing / logits.shape[-1]) * scale
            rows = tf.range(tf.shape(labels)[0], dtype=labels.dtype)
            places = tf.stack([rows, labels], axis=1)
            return tf.cast(tf.tensor_scatter_nd_add(spread, places, smoothing * upstream), logits.dtype)

        return result, backward

    return entropy(logits)


class LargeVocabularyAccuracy(TokenAccuracy):
    """The share of the tokens whose logit no other exceeds: on a CPU far quicker than finding the largest one."""

    def sums(self, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The tokens that are right, and all tokens."""
        right = tf.gather(logits, labels, batch_dims=2) >= tf.reduce_max(logits, axis=-1)
        return tf.reduce_sum(weights * tf.cast(right, tf.float32)), tf.reduce_sum(weights)

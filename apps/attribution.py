"""Integrated gradients: how much each token of a text speaks for the answer (Sundararajan et al. 2017)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

TOKENS_TOGETHER = 4096
"""So many tokens, of several points of the integral, are read side by side."""


def integrated_gradients(
    classify: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    embedded: tf.Tensor,
    mask: tf.Tensor,
    target: tf.Tensor,
    points: int = 10,
) -> tf.Tensor:
    """Attribute the log-odds of a class to the tokens.

    The gradient of the log-odds is averaged along the straight line from zero vectors to the embedded text, and
    multiplied with the embedding. The attributions of a text therefore sum to its log-odds minus those of zero vectors,
    up to the error of the sum, which stands for an integral. Its points and their weights are those of Gauss and
    Legendre, exact where the gradient is a polynomial along the line, of a degree below twice their number.

    Short texts visit several points side by side, since a recurrent network takes hardly longer for them; otherwise one
    comes after the other, so that memory does not grow with their number.

    Args:
        classify: `classify(embedded, mask)`, logits [batch, classes].
        embedded: float [batch, time, features].
        mask: bool [batch, time], False at padding.
        target: The class, int [batch].
        points: Points on the line.

    Returns:
        float32 [batch, time], 0 at padding; positive where a token speaks for the class.
    """

    nodes, weights = np.polynomial.legendre.leggauss(points)  # on the line from -1 to 1, whose length is 2
    shares, weights = tf.constant((nodes + 1) / 2, embedded.dtype), tf.constant(weights / 2, embedded.dtype)
    shape = tf.shape(embedded)
    together = tf.clip_by_value(TOKENS_TOGETHER // tf.maximum(shape[0] * shape[1], 1), 1, points)

    def add_points(first: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        here = shares[first : first + together]
        count = tf.shape(here)[0]
        texts = tf.reshape(here[:, None, None, None] * embedded, [count * shape[0], shape[1], embedded.shape[2]])
        with tf.GradientTape() as tape:
            tape.watch(texts)
            odds = tf.reduce_sum(log_odds(classify(texts, tf.tile(mask, [count, 1])), tf.tile(target, [count])))
        gradient = tape.gradient(odds, texts, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = tf.reshape(gradient, tf.concat([[count], shape], axis=0))
        return first + count, total + tf.tensordot(weights[first : first + together], gradient, 1)

    _, total = tf.while_loop(
        lambda first, total: first < points,
        add_points,
        (tf.constant(0), tf.zeros_like(embedded)),
        parallel_iterations=1,
        shape_invariants=(tf.TensorShape([]), embedded.shape),
    )
    attribution = tf.reduce_sum(tf.cast(total * embedded, tf.float32), axis=-1)
    return tf.where(mask, attribution, 0.0)


def log_odds(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """log(p / (1 - p)) of the class `target` [batch] under `logits` [batch, classes]; float32 [batch]."""
    logits = tf.cast(logits, tf.float32)
    chosen = tf.one_hot(target, tf.shape(logits)[1], on_value=True, off_value=False, dtype=tf.bool)
    own = tf.reduce_sum(tf.where(chosen, logits, 0.0), axis=1)
    others = tf.where(chosen, logits.dtype.min, logits)
    return own - tf.reduce_logsumexp(others, axis=1)

"""Integrated gradients against what theory says of them."""

import numpy as np
import pytest
import tensorflow as tf

from apps.attribution import integrated_gradients, log_odds


def random_input(batch=3, time=5, features=4, seed=0):
    random = np.random.default_rng(seed)
    mask = np.arange(time)[None] < np.array([time, 2, 0])[:batch, None]
    return tf.constant(random.normal(size=(batch, time, features)), tf.float32), tf.constant(mask)


def masked_sum(embedded, mask):
    return tf.reduce_sum(tf.where(mask[..., None], embedded, 0.0), axis=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_log_odds(classes):
    logits = tf.constant(np.random.default_rng(1).normal(size=(6, classes)) * 3, tf.float32)
    target = tf.constant([0, 1, 0, 1, 1, 0])
    chance = tf.gather(tf.nn.softmax(logits), target, batch_dims=1)
    np.testing.assert_allclose(log_odds(logits, target), tf.math.log(chance / (1 - chance)), rtol=1e-4)


def test_linear_model_is_attributed_exactly():
    embedded, mask = random_input()
    weights = tf.constant(np.random.default_rng(2).normal(size=(4, 2)), tf.float32)
    target = tf.constant([1, 0, 1])
    found = integrated_gradients(lambda e, m: masked_sum(e, m) @ weights, embedded, mask, target, points=2)
    difference = tf.where(target[:, None] == 1, 1.0, -1.0) * (weights[:, 1] - weights[:, 0])  # [batch, features]
    expected = tf.einsum("btf,bf->bt", embedded, difference) * tf.cast(mask, tf.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_attributions_sum_to_the_change_of_the_log_odds_in_a_graph_too():
    embedded, mask = random_input(seed=3)
    random = np.random.default_rng(4)
    first = tf.constant(random.normal(size=(4, 8)), tf.float32)
    second = tf.constant(random.normal(size=(8, 3)), tf.float32)

    def classify(e, m):
        return masked_sum(tf.tanh(e @ first), m) @ second + tf.constant([0.3, -0.2, 0.1])

    target = tf.argmax(classify(embedded, mask), axis=1)
    change = log_odds(classify(embedded, mask), target) - log_odds(classify(embedded * 0, mask), target)
    eager = integrated_gradients(classify, embedded, mask, target, points=40)
    np.testing.assert_allclose(tf.reduce_sum(eager, axis=1), change, rtol=1e-4, atol=1e-4)
    graph = tf.function(lambda e, m, t: integrated_gradients(classify, e, m, t, points=40))(embedded, mask, target)
    np.testing.assert_allclose(graph, eager, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("together", [1, 30, 45, 10_000])
def test_points_side_by_side_are_those_one_after_the_other(monkeypatch, together):
    """One, two and three points of fifteen tokens at a time, of which the last group has fewer, and all of them."""
    embedded, mask = random_input(seed=5)
    second = tf.constant(np.random.default_rng(8).normal(size=(4, 3)), tf.float32)
    target = tf.constant([2, 0, 1])

    def attributed():
        return integrated_gradients(lambda e, m: masked_sum(tf.tanh(e), m) @ second, embedded, mask, target, points=7)

    expected = attributed()
    monkeypatch.setattr("apps.attribution.TOKENS_TOGETHER", together)
    np.testing.assert_allclose(tf.function(attributed)(), expected, rtol=1e-4, atol=1e-5)


def test_the_usual_points_are_as_good_as_many():
    """The change of the log-odds of a network far into its saturation, to a hundredth."""
    embedded, mask = random_input(seed=6)
    random = np.random.default_rng(7)
    first, second = (tf.constant(random.normal(size=shape) * 2, tf.float32) for shape in ((4, 8), (8, 2)))

    def classify(e, m):
        return tf.tanh(masked_sum(e, m) @ first) @ second

    target = tf.constant([1, 1, 0])
    change = log_odds(classify(embedded, mask), target) - log_odds(classify(embedded * 0, mask), target)
    found = tf.reduce_sum(integrated_gradients(classify, embedded, mask, target), axis=1)
    assert np.abs(change).max() > 3
    np.testing.assert_allclose(found, change, atol=0.01 * np.abs(change).max())


def test_padding_has_none():
    embedded, mask = random_input(seed=5)
    found = integrated_gradients(lambda e, m: tf.reduce_sum(e, axis=1)[:, :2], embedded, mask, tf.constant([0, 1, 1]))
    assert not np.any(found.numpy()[~mask.numpy()])
    assert np.all(found.numpy()[mask.numpy()] != 0)

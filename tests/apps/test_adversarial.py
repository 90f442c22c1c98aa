"""Adversarial training on a model whose worst perturbation is known."""

import numpy as np
import pytest
import tensorflow as tf

from apps.adversarial import adversarial_objective, perturbation


class LinearModel:
    """Logits are weights times the sum of the word vectors of the valid steps."""

    def __init__(self, table, weights):
        self.table, self.weights = tf.Variable(table), tf.Variable(weights)

    def embed(self, ids, training=False):
        return tf.gather(self.table, ids)

    def classify(self, embedded, mask, training=False):
        return tf.reduce_sum(embedded * tf.cast(mask, embedded.dtype)[..., None], axis=1) @ self.weights


def cross_entropy(targets, logits):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits))


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return LinearModel(rng.normal(size=(6, 3)).astype("float32"), rng.normal(size=(3, 2)).astype("float32"))


IDS, TARGETS = tf.constant([[1, 2, 3, 0], [4, 0, 0, 0]]), tf.constant([0, 1])


def test_no_perturbation_of_that_size_hurts_more(model):
    """For a linear model the gradient's direction is the worst one of all."""
    objective = adversarial_objective(cross_entropy, 0.5)
    loss, outputs = objective(model, IDS, TARGETS)
    embedded, mask = model.embed(IDS), IDS != 0
    plain = cross_entropy(TARGETS, model.classify(embedded, mask))
    np.testing.assert_allclose(outputs, model.classify(embedded, mask), rtol=1e-6)
    worst = 2 * loss - plain
    assert worst > plain
    rng = np.random.default_rng(1)
    for _ in range(200):
        other = perturbation(tf.constant(rng.normal(size=embedded.shape).astype("float32")), mask, 0.5)
        assert cross_entropy(TARGETS, model.classify(embedded + other, mask)) <= worst + 1e-6


def test_perturbation_has_its_norm_and_leaves_padding_alone():
    gradient = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 3)).astype("float32"))
    for scale in (1.0, 1e-30):  # the squares of the second are zero in float32
        moved = perturbation(gradient * scale, IDS != 0, 0.7).numpy()
        np.testing.assert_allclose(np.sqrt((moved**2).sum(axis=(1, 2))), [0.7, 0.7], rtol=1e-5)
        assert not moved[1, 1:].any()
    assert not perturbation(tf.zeros([2, 4, 3]), IDS != 0, 0.7).numpy().any()


def test_direction_counts_as_a_constant(model):
    """The gradient of the objective is the mean of the gradients at the two places."""
    objective = adversarial_objective(cross_entropy, 0.5)
    with tf.GradientTape() as tape:
        loss, _ = objective(model, IDS, TARGETS)
    gradient = tape.gradient(loss, model.weights)
    embedded, mask = model.embed(IDS), IDS != 0
    with tf.GradientTape() as tape:
        tape.watch(embedded)
        plain = cross_entropy(TARGETS, model.classify(embedded, mask))
    moved = embedded + perturbation(tape.gradient(plain, embedded), mask, 0.5)
    parts = []
    for place in (embedded, moved):
        with tf.GradientTape() as tape:
            value = cross_entropy(TARGETS, model.classify(place, mask))
        parts.append(tape.gradient(value, model.weights))
    np.testing.assert_allclose(gradient, (parts[0] + parts[1]) / 2, rtol=1e-5)

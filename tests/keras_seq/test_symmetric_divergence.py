"""How far two distributions are apart: the two Kullback-Leibler divergences by their definition."""

import numpy as np

from keras_seq.training import symmetric_divergence

RNG = np.random.default_rng(3)
ONE, OTHER = RNG.normal(size=(2, 2, 5, 7)).astype("float32") * 3


def probabilities(logits):
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def by_definition(one, other):
    p, q = probabilities(one.astype("float64")), probabilities(other.astype("float64"))
    return (p * np.log(p / q)).sum(-1) + (q * np.log(q / p)).sum(-1)


def test_both_divergences_together(numpy):
    total, count = numpy(symmetric_divergence(ONE, OTHER))
    np.testing.assert_allclose(total, by_definition(ONE, OTHER).sum(), rtol=1e-5)
    assert count == 10


def test_only_weighted_tokens_count(numpy):
    weights = np.array([[1, 0, 2, 0, 0.5], [0, 0, 0, 1, 0]], "float32")
    broken = np.where(weights[..., None] > 0, ONE, np.nan)
    total, count = numpy(symmetric_divergence(broken, OTHER, weights))
    np.testing.assert_allclose(total, (weights * by_definition(ONE, OTHER)).sum(), rtol=1e-5)
    assert count == 4.5


def test_the_same_distribution_is_not_apart_from_itself(numpy):
    total, _ = numpy(symmetric_divergence(ONE, ONE + 4.0))  # logits are known but for a constant
    np.testing.assert_allclose(total, 0.0, atol=1e-5)

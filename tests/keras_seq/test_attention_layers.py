"""Single attentions: by hand, beside Keras' and PyTorch's layers, and what only one of them has."""

import math

import keras
import numpy as np
import numpy_attention as oracles
import pytest
from keras import ops

import keras_seq
from keras_seq.attention import coverage_loss, sinusoids

RNG = np.random.default_rng(5)
QUERIES = RNG.normal(size=(2, 3, 4)).astype("float32")
MEMORY = RNG.normal(size=(2, 5, 4)).astype("float32")
ADDITIVE = keras_seq.AdditiveAttention(3)
MASK = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], bool)


def test_bahdanau_by_hand(numpy):
    """Three states of a decoder, four of an encoder, hidden layers of one unit: e_ij and a_ij number by number."""
    s, h = [0.0, 1.0, -0.5], [0.5, -1.0, 2.0, 0.0]
    w, u, v = 0.5, -1.0, 2.0
    attention = keras_seq.AdditiveAttention(1)
    attention.build((None, 1), (None, None, 1))
    attention.set_weights([np.array([[w]]), np.array([[u]]), np.array([v])])
    projected = attention.project_memory(np.array(h, "float32").reshape(1, 4, 1))
    queries = ops.convert_to_tensor(np.array(s, "float32").reshape(1, 3, 1))
    e = numpy(attention.scores(queries, projected))[0]
    context, a = numpy(attention.attend(queries, projected)[:2])
    # e_11 = 2 tanh(0.5 * 0 - 0.5) = 2 tanh(-0.5), and so on.
    inside = [[-0.5, 1.0, -2.0, 0.0], [0.0, 1.5, -1.5, 0.5], [-0.75, 0.75, -2.25, -0.25]]
    for i in range(3):
        expected = [2 * math.tanh(x) for x in inside[i]]
        np.testing.assert_allclose(e[i], expected, atol=1e-6)
        total = sum(math.exp(one) for one in expected)
        np.testing.assert_allclose(a[0, i], [math.exp(one) / total for one in expected], atol=1e-6)
        c = sum(math.exp(one) / total * h_j for one, h_j in zip(expected, h, strict=True))
        np.testing.assert_allclose(context[0, i, 0], c, atol=1e-6)
    np.testing.assert_allclose(a[0, 0], [0.06475, 0.74837, 0.02373, 0.16316], atol=1e-5)


def test_additive_equals_keras(numpy):
    """Whose layer has no projections: with the identity for ours they compute the same."""
    theirs, ours = keras.layers.AdditiveAttention(), keras_seq.AdditiveAttention(4)
    ours.build((None, 4), (None, None, 4))
    v = RNG.normal(size=4)
    ours.set_weights([np.eye(4), np.eye(4), v])
    theirs.build([QUERIES.shape, MEMORY.shape])
    theirs.set_weights([v])
    expected = numpy(theirs([QUERIES, MEMORY], mask=[None, MASK], return_attention_scores=True))
    for got, want in zip(numpy(ours(QUERIES, MEMORY, memory_mask=MASK)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("score", ["dot", "scaled"])
def test_multiplicative_equals_keras(score, numpy):
    theirs = keras.layers.Attention(use_scale=score == "scaled")
    ours = keras_seq.MultiplicativeAttention(score)
    ours.build((None, 4), (None, None, 4))
    theirs.build([QUERIES.shape, MEMORY.shape])
    if score == "scaled":
        ours.set_weights([np.array(0.7)])
        theirs.set_weights([np.array(0.7)])
    expected = numpy(theirs([QUERIES, MEMORY], mask=[None, MASK], return_attention_scores=True))
    for got, want in zip(numpy(ours(QUERIES, MEMORY, memory_mask=MASK)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_the_normalised_score_starts_as_in_the_field():
    attention = keras_seq.AdditiveAttention(16, normalize=True)
    attention.build((None, 4), (None, None, 4))
    assert float(attention.gain) == pytest.approx(0.25)
    assert not np.any(ops.convert_to_numpy(attention.bias))


def test_coverage_loss_by_hand(numpy):
    weights = np.array([[[0.5, 0.5, 0.0], [0.2, 0.0, 0.8], [0.9, 0.1, 0.0]]], "float32")
    # Step 1 covers nothing again; step 2: min(0.2, 0.5); step 3: min(0.9, 0.7) + min(0.1, 0.5).
    np.testing.assert_allclose(numpy(coverage_loss(weights)), [[0.0, 0.2, 0.8]], atol=1e-6)
    masked = numpy(coverage_loss(weights, np.array([[True, False, True]])))
    np.testing.assert_allclose(masked, [[0.0, 0.0, 0.6]], atol=1e-6)


def test_monotonic_expectation_is_that_of_walking():
    """The parallel expectation against the frequency of a walk that draws where it stops."""
    from keras_seq.attention.monotonic import expected_alignment

    stopping = np.array([0.3, 0.6, 0.1, 0.5, 0.9], "float32")
    before = np.array([0.5, 0.3, 0.2, 0.0, 0.0], "float32")
    rng, stops = np.random.default_rng(0), np.zeros(5)
    walks = 40000
    for start in rng.choice(5, size=walks, p=before.astype("float64") / before.sum()):
        while start < 5 and rng.random() > stopping[start]:
            start += 1
        if start < 5:
            stops[start] += 1
    got = ops.convert_to_numpy(
        expected_alignment(ops.convert_to_tensor(stopping[None]), ops.convert_to_tensor(before[None]))
    )
    np.testing.assert_allclose(got[0], stops / walks, atol=0.01)


@pytest.mark.parametrize("length", [1, 2, 7, 300])
def test_monotonic_in_parallel_equals_the_recursion(length, numpy):
    """Also where the paper's cumulative products leave the range of numbers: probabilities near zero and one."""
    from keras_seq.attention.monotonic import expected_alignment

    stopping = (1 / (1 + np.exp(-RNG.normal(size=(2, length), scale=8)))).astype("float32")
    before = RNG.dirichlet(np.ones(length), size=2).astype("float32")
    expected, q, p = np.zeros((2, length)), 0.0, 0.0
    for j in range(length):
        q = (1 - p) * q + before[:, j].astype("float64")
        p = stopping[:, j].astype("float64")
        expected[:, j] = p * q
    got = expected_alignment(ops.convert_to_tensor(stopping), ops.convert_to_tensor(before))
    np.testing.assert_allclose(numpy(got), expected, atol=1e-6)


def test_monotonic_noise_is_drawn_while_training_only(numpy):
    scoring = keras_seq.AdditiveAttention(4)
    attention = keras_seq.MonotonicAttention(scoring, noise=2.0, hard=False, seed=3)
    one, other = (numpy(attention(QUERIES, MEMORY)[1]) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    noisy, again = (numpy(attention(QUERIES, MEMORY, training=True)[1]) for _ in range(2))
    assert np.abs(noisy - one).max() > 0.01
    assert np.abs(noisy - again).max() > 0.01


def test_local_m_stays_on_the_last_step_of_a_shorter_memory(numpy):
    attention = keras_seq.LocalAttention(keras_seq.MultiplicativeAttention(), half_width=1, predictive=False)
    memory, mask = MEMORY[:1], np.array([[1, 1, 0, 0, 0]], bool)
    weights = numpy(attention(np.repeat(QUERIES[:1], 2, axis=1), memory, memory_mask=mask)[1])
    np.testing.assert_allclose(weights.sum(axis=-1), np.ones((1, 6)), atol=1e-6)


def test_sinusoidal_positions(numpy):
    x = RNG.normal(size=(2, 5, 7)).astype("float32")
    layer = keras_seq.SinusoidalPositions()
    np.testing.assert_allclose(numpy(layer(x)), x + oracles.sinusoids(range(5), 7), atol=1e-5)
    masked = numpy(layer(x, mask=MASK))
    np.testing.assert_allclose(masked[1, MASK[1]], x[1, MASK[1]] + oracles.sinusoids(range(4), 7), atol=1e-5)
    step = numpy(layer(x[:, 3], places=np.array([3, 700])))
    np.testing.assert_allclose(step, x[:, 3] + oracles.sinusoids([3, 700], 7), atol=1e-4)
    assert keras.backend.standardize_dtype(sinusoids(np.arange(3), 4, dtype="bfloat16").dtype) == "bfloat16"


def test_a_mask_that_is_attached_to_the_memory_holds(numpy):
    ids = np.array([[3, 4, 0, 0, 0], [5, 0, 7, 8, 2]])
    memory = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    attention = keras_seq.AdditiveAttention(3)
    weights = numpy(attention(QUERIES, memory)[1])
    assert np.all(weights[:, 0][ids == 0] == 0)
    assert np.all(weights[:, 0][ids != 0] > 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keras_seq.MultiplicativeAttention("cosine"), r"`score` must be one of .* Received"),
        (lambda: keras_seq.MultiplicativeAttention("dot", units=3), r'belongs to `score="concat"`. Received'),
        (lambda: keras_seq.LocationAwareAttention(3, kernel_size=4), r"must be odd. Received"),
        (lambda: keras_seq.CoverageAttention(3, max_fertility=0), r"`max_fertility` must be a positive number"),
        (
            lambda: keras_seq.MonotonicAttention(ADDITIVE, noise=-1),
            r"`noise` must not be negative",
        ),
        (
            lambda: keras_seq.LocalAttention(ADDITIVE, predictive=False, units=3),
            r"`units` belongs",
        ),
        (
            lambda: keras_seq.LocalAttention(ADDITIVE, half_width=0),
            r"`half_width` must be a positive",
        ),
        (lambda: keras_seq.SinusoidalPositions(0), r"`longest_wavelength` must be positive"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

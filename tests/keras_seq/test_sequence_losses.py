"""Losses over valid tokens, against NumPy, and the same however much padding there is."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from numpy_decoding import log_softmax

from keras_seq.training import (
    SequenceCrossEntropy,
    SquaredReconstructionError,
    cross_entropy,
    log_uniform_candidates,
    sampled_softmax,
    squared_error,
)
from keras_seq.training.sampled_softmax import first_arrivals, log_uniform_probability

BATCH, TIME, SIZE = 3, 5, 7


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, SIZE, size=(BATCH, TIME))
    labels[0, 3:] = 0
    labels[1, :2] = 0
    return labels, rng.normal(size=(BATCH, TIME, SIZE)).astype("float32") * 2


def expected_entropy(labels, logits, smoothing=0.0):
    target = np.eye(logits.shape[-1])[labels] * (1 - smoothing) + smoothing / logits.shape[-1]
    return -(target * log_softmax(logits.astype("float64"))).sum(axis=-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy(data, smoothing, numpy):
    labels, logits = data
    weights = np.random.default_rng(1).uniform(size=labels.shape) * (labels > 0)
    total, normaliser = numpy(cross_entropy(np.where(labels > 0, labels, -100), logits, weights, smoothing))
    np.testing.assert_allclose(total, (weights * expected_entropy(labels, logits, smoothing)).sum(), rtol=1e-5)
    np.testing.assert_allclose(normaliser, weights.sum(), rtol=1e-6)
    total, normaliser = numpy(cross_entropy(labels, logits, None, smoothing))
    np.testing.assert_allclose(total, expected_entropy(labels, logits, smoothing).sum(), rtol=1e-5)
    assert normaliser == BATCH * TIME


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_is_the_mean_over_valid_tokens(data, smoothing, numpy):
    labels, logits = data
    valid = labels > 0
    entropy = expected_entropy(labels, logits, smoothing)
    loss = SequenceCrossEntropy(label_smoothing=smoothing)
    np.testing.assert_allclose(numpy(loss(labels, logits)), entropy[valid].mean(), rtol=1e-5)
    np.testing.assert_allclose(
        numpy(loss(labels[..., None].astype("float32"), logits)), entropy[valid].mean(), rtol=1e-5
    )
    of_rows = np.array([1.0, 0.0, 2.5])
    weights = of_rows[:, None] * valid
    np.testing.assert_allclose(
        numpy(loss(labels, logits, of_rows)), (weights * entropy).sum() / weights.sum(), rtol=1e-5
    )
    of_tokens = np.random.default_rng(2).uniform(size=labels.shape)
    weights = of_tokens * valid
    expected = (weights * entropy).sum() / weights.sum()
    np.testing.assert_allclose(numpy(loss(labels, logits, of_tokens)), expected, rtol=1e-5)
    everything = SequenceCrossEntropy(ignore_class=None, label_smoothing=smoothing)
    np.testing.assert_allclose(numpy(everything(labels, logits)), entropy.mean(), rtol=1e-5)


def test_padding_changes_nothing(data, numpy):
    labels, logits = data
    loss = SequenceCrossEntropy(label_smoothing=0.1)
    longer = np.pad(labels, ((0, 2), (0, 6))), np.pad(logits, ((0, 2), (0, 6), (0, 0)), constant_values=9)
    np.testing.assert_allclose(numpy(loss(*longer)), numpy(loss(labels, logits)), rtol=1e-6)
    assert numpy(loss(np.zeros((2, 3), int), np.zeros((2, 3, SIZE), "float32"))) == 0


def test_half_precision_logits(data, numpy):
    labels, logits = data
    rounded = ops.cast(logits, "bfloat16")
    loss = numpy(SequenceCrossEntropy()(labels, rounded))
    assert loss.dtype == "float32"
    expected = expected_entropy(labels, numpy(ops.cast(rounded, "float32")))[labels > 0].mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def masking_model(loss, features=4, **compiled):
    """A model whose logits carry the mask of its ids."""
    model = keras.Sequential(
        [keras.layers.Embedding(SIZE, features, mask_zero=True), keras.layers.Dense(SIZE, kernel_initializer="normal")]
    )
    model.compile(keras.optimizers.SGD(0.5), loss=loss, **compiled)
    model.build((None, None))
    return model


def test_under_fit_the_mask_of_the_outputs_counts(data, numpy):
    labels, _ = data
    ids = np.array(labels)
    ids[2, 2:] = 0  # here the labels go on, but the model masks
    model = masking_model(SequenceCrossEntropy())
    entropy = expected_entropy(labels, numpy(model(ids)))
    valid = (labels > 0) & (ids > 0)
    np.testing.assert_allclose(model.evaluate(ids, labels, verbose=0), entropy[valid].mean(), rtol=1e-5)


def test_fit_learns_the_same_with_more_padding(data, numpy):
    labels, _ = data
    losses, weights = [], []
    for padding in (0, 4):
        keras.utils.set_random_seed(0)
        model = masking_model(SequenceCrossEntropy(label_smoothing=0.1))
        padded = np.pad(labels, ((0, 0), (0, padding)))
        losses.append(model.fit(padded, padded, epochs=3, verbose=0, shuffle=False).history["loss"])
        weights.append(model.get_weights())
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][-1] < losses[0][0]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from keras_seq.training import Perplexity, SequenceCrossEntropy, TokenAccuracy

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
labels = np.array([[1, 2, 3, 4], [5, 6, 1, 2], [3, 0, 0, 0], [4, 5, 0, 0]])  # 8 tokens on one replica, 3 on the other
results = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.layers.Embedding(7, 4), keras.layers.Dense(7, kernel_initializer="normal")])
        loss = SequenceCrossEntropy(label_smoothing=0.1)
        model.compile(keras.optimizers.SGD(0.5), loss, [Perplexity(), TokenAccuracy()])
        model.build((None, None))
    history = model.fit(tf.data.Dataset.from_tensors((labels, labels)).unbatch().batch(4), epochs=3, verbose=0).history
    results.append([*history["loss"], *history["perplexity"], *history["token_accuracy"]])
    results[-1] += [weight for array in model.get_weights() for weight in array.ravel()]
np.testing.assert_allclose(results[0], results[1], atol=1e-5)
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="replicas of tf.distribute")
def test_across_replicas_as_on_one():
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", REPLICAS], check=True, env=environment, timeout=300)


def test_squared_error(numpy):
    rng = np.random.default_rng(0)
    targets, outputs = rng.normal(size=(2, BATCH, TIME, 4)).astype("float32")
    weights = rng.uniform(size=(BATCH, TIME)) * (rng.uniform(size=(BATCH, TIME)) > 0.4)
    distances = ((targets - outputs) ** 2).sum(axis=-1)
    total, normaliser = numpy(squared_error(targets, outputs, weights))
    np.testing.assert_allclose([total, normaliser], [(weights * distances).sum(), weights.sum()], rtol=1e-5)
    loss = SquaredReconstructionError()
    np.testing.assert_allclose(numpy(loss(targets, outputs)), distances.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        numpy(loss(targets, outputs, weights)), (weights * distances).sum() / weights.sum(), rtol=1e-5
    )


def test_squared_error_of_masked_outputs(numpy):
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(BATCH, TIME, 4)).astype("float32")
    sequences[1, 3:] = 0
    model = keras.Sequential([keras.layers.Masking(), keras.layers.Dense(4)])
    model.compile("sgd", SquaredReconstructionError())
    distances = ((sequences - numpy(model(sequences))) ** 2).sum(axis=-1)
    valid = (sequences != 0).any(axis=-1)
    np.testing.assert_allclose(model.evaluate(sequences, sequences, verbose=0), distances[valid].mean(), rtol=1e-5)


def softmax_data(vocabulary=50, features=4):
    rng = np.random.default_rng(3)
    embeddings = rng.normal(size=(vocabulary, features)).astype("float32")
    bias, hidden = (
        rng.normal(size=vocabulary).astype("float32"),
        rng.normal(size=(BATCH, TIME, features)).astype("float32"),
    )
    return embeddings, bias, hidden, rng.integers(0, vocabulary, size=(BATCH, TIME))


def test_sampled_softmax(numpy):
    """The equation, token by token."""
    embeddings, bias, hidden, labels = softmax_data()
    sampled, draws = np.array([0, 3, 7, 20, int(labels[0, 0])], "int32"), np.float32(8.5)
    probability = np.log((np.arange(50) + 2) / (np.arange(50) + 1)) / np.log(51)
    np.testing.assert_allclose(probability.sum(), 1)
    np.testing.assert_allclose(numpy(log_uniform_probability(np.arange(50), 50)), probability, rtol=1e-4)
    scores = hidden @ embeddings.T + bias - np.log(1 - np.exp(-8.5 * probability))
    expected = np.zeros((BATCH, TIME))
    for place in np.ndindex(BATCH, TIME):
        label = labels[place]
        rivals = scores[place][[k for k in sampled if k != label]]
        expected[place] = np.log(np.exp(np.append(rivals, scores[place][label])).sum()) - scores[place][label]
    weights = np.arange(BATCH * TIME).reshape(BATCH, TIME) % 4
    total, normaliser = numpy(sampled_softmax(embeddings, bias, hidden, labels, (sampled, draws), weights))
    np.testing.assert_allclose([total, normaliser], [(weights * expected).sum(), weights.sum()], rtol=1e-4)
    total, _ = numpy(sampled_softmax(embeddings, np.zeros(50, "float32"), hidden, labels, (sampled, draws)))
    without, _ = numpy(sampled_softmax(embeddings, None, hidden, labels, (sampled, draws)))
    np.testing.assert_allclose(without, total, rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the loss of TensorFlow")
def test_sampled_softmax_of_tensorflow(numpy):
    import tensorflow as tf

    embeddings, bias, hidden, labels = softmax_data()
    sampled, draws = numpy(log_uniform_candidates(12, 50, seed=1))
    expected = -np.expm1(-draws * numpy(log_uniform_probability(np.arange(50), 50)))
    theirs = tf.nn.sampled_softmax_loss(
        embeddings,
        bias,
        labels.reshape(-1, 1),
        hidden.reshape(-1, 4),
        num_sampled=12,
        num_classes=50,
        sampled_values=(tf.constant(sampled, tf.int64), expected[labels].reshape(-1, 1), expected[sampled]),
    )
    ours, _ = sampled_softmax(embeddings, bias, hidden, labels, (sampled, draws))
    np.testing.assert_allclose(numpy(ours), numpy(theirs).sum(), rtol=1e-5)


def test_a_sample_of_everything_gives_the_cross_entropy(numpy):
    embeddings, bias, hidden, labels = softmax_data()
    expected, _ = numpy(cross_entropy(labels, hidden @ embeddings.T + bias))
    got, _ = numpy(sampled_softmax(embeddings, bias, hidden, labels, log_uniform_candidates(50, 50, seed=2)))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_candidates_differ_and_follow_the_distribution(numpy):
    """The first one has the probability of its id, and what is expected of a sample adds up to the vocabulary."""
    rows, size = 20_000, 8
    probability = numpy(log_uniform_probability(np.arange(size), size))
    uniform = ops.convert_to_tensor(np.random.default_rng(0).uniform(size=(rows, size)).astype("float32"))
    first, _ = numpy(first_arrivals(uniform, 1))
    statistic = ((np.bincount(first[:, 0], minlength=size) - rows * probability) ** 2 / (rows * probability)).sum()
    assert statistic < 24.3  # 7 degrees of freedom, 99.9 %
    ids, draws = numpy(first_arrivals(uniform, 3))
    assert all(len(set(row)) == 3 for row in ids[:1000])
    expected = -np.expm1(-draws[:, None] * probability[ids])
    for k in range(size):
        estimates = ((ids == k) / expected).sum(axis=1)
        assert abs(estimates.mean() - 1) < 4 * estimates.std() / np.sqrt(rows)


def test_candidates_of_a_seed(numpy):
    one, other, third = (numpy(log_uniform_candidates(5, 100, seed=seed)[0]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert set(one) != set(third)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`label_smoothing` must be from 0 to below 1"):
        SequenceCrossEntropy(label_smoothing=1.0)
    with pytest.raises(ValueError, match="`samples` must be from 1 to `vocabulary_size`"):
        log_uniform_candidates(6, 5)

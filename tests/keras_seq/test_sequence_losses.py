"""Losses over valid tokens, against NumPy, and the same however much padding there is."""

import keras
import numpy as np
import pytest
from keras import ops
from numpy_decoding import log_softmax

from keras_seq.training import (
    SequenceCrossEntropy,
    SquaredReconstructionError,
    cross_entropy,
    squared_error,
)

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


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`label_smoothing` must be from 0 to below 1"):
        SequenceCrossEntropy(label_smoothing=1.0)

"""Metrics over valid tokens, against NumPy, batch after batch and under `fit`."""

import keras
import numpy as np
import pytest
from numpy_decoding import log_softmax

from keras_seq.training import BitsPerCharacter, Perplexity, SequenceAccuracy, SequenceCrossEntropy, TokenAccuracy

SIZE = 5
CHARACTERS = [0, 3, 1, 2, 5]


def mean_entropy(labels, logits, weights, counts=None):
    entropy = -np.take_along_axis(log_softmax(logits), labels[..., None], axis=-1)[..., 0]
    return (weights * entropy).sum() / (weights if counts is None else weights * counts).sum()


def accuracy(labels, logits, weights):
    return (weights * (logits.argmax(axis=-1) == labels)).sum() / weights.sum()


def sequence_accuracy(labels, logits, weights):
    rows = [(logits[row].argmax(axis=-1) == labels[row])[weights[row] > 0] for row in range(len(labels))]
    return np.mean([row.all() for row in rows if len(row)])


METRICS = {
    "perplexity": (Perplexity, lambda *batch: np.exp(mean_entropy(*batch))),
    "bits": (BitsPerCharacter, lambda *batch: mean_entropy(*batch) / np.log(2)),
    "bits_of_words": (
        lambda **options: BitsPerCharacter(CHARACTERS, **options),
        lambda labels, *batch: mean_entropy(labels, *batch, np.array(CHARACTERS)[labels]) / np.log(2),
    ),
    "tokens": (TokenAccuracy, accuracy),
    "sequences": (SequenceAccuracy, sequence_accuracy),
}


@pytest.fixture(params=METRICS)
def metric(request):
    return METRICS[request.param]


def batch(seed, rows=6, time=4, right=0.8):
    """Labels with padding, and logits that are mostly right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, SIZE, size=(rows, time)) * (np.arange(time) < rng.integers(0, time + 1, size=(rows, 1)))
    logits = (
        rng.normal(size=(rows, time, SIZE)) + 4 * (rng.uniform(size=(rows, time, 1)) < right) * np.eye(SIZE)[labels]
    )
    return labels, logits.astype("float32")


def joined(batches):
    """Batches of several lengths as one."""
    longest = max(labels.shape[1] for labels, _ in batches)
    pads = [longest - labels.shape[1] for labels, _ in batches]
    labels = np.concatenate(
        [np.pad(labels, ((0, 0), (0, pad))) for (labels, _), pad in zip(batches, pads, strict=True)]
    )
    logits = [np.pad(logits, ((0, 0), (0, pad), (0, 0))) for (_, logits), pad in zip(batches, pads, strict=True)]
    return labels, np.concatenate(logits)


def test_sums_over_batches(metric, numpy):
    make, oracle = metric
    batches = [batch(1), batch(2, rows=3, time=7), batch(3, rows=1, time=2)]
    ours = make()
    assert numpy(ours.result()) == (1 if make is Perplexity else 0)
    for labels, logits in batches:
        ours.update_state(labels, logits)
    labels, logits = joined(batches)
    np.testing.assert_allclose(numpy(ours.result()), oracle(labels, logits, labels > 0), rtol=1e-5)
    ours.reset_state()
    ours.update_state(*batches[1])
    labels, logits = batches[1]
    np.testing.assert_allclose(numpy(ours.result()), oracle(labels, logits, labels > 0), rtol=1e-5)


def test_without_padding(metric, numpy):
    make, oracle = metric
    labels, logits = batch(4)
    ours = make(ignore_class=None)
    ours.update_state(labels, logits)
    np.testing.assert_allclose(numpy(ours.result()), oracle(labels, logits, np.ones(labels.shape)), rtol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (6, 4)])
def test_sample_weights(metric, shape, numpy):
    make, oracle = metric
    labels, logits = batch(5)
    weights = np.random.default_rng(1).integers(0, 3, size=shape).astype("float32")
    ours = make()
    ours.update_state(labels, logits, weights)
    weights = np.reshape(weights, (6, -1)) * (labels > 0)
    np.testing.assert_allclose(numpy(ours.result()), oracle(labels, logits, weights), rtol=1e-5)


def test_under_fit_padding_and_masks_do_not_count(numpy):
    labels = np.concatenate([batch(6)[0], np.pad(batch(7, rows=2)[0][:, :2], ((0, 0), (0, 2)))])
    ids = np.array(labels)
    ids[0, 1:] = 0
    model = keras.Sequential(
        [keras.layers.Embedding(SIZE, 4, mask_zero=True), keras.layers.Dense(SIZE, kernel_initializer="normal")]
    )
    model.compile("sgd", SequenceCrossEntropy(), metrics=[make(name=name) for name, (make, _) in METRICS.items()])
    logits = numpy(model(ids))
    got = model.evaluate(ids, labels, batch_size=3, return_dict=True, verbose=0)
    for name, (_, oracle) in METRICS.items():
        np.testing.assert_allclose(got[name], oracle(labels, logits, (labels > 0) & (ids > 0)), rtol=1e-5, err_msg=name)

"""R-Drop: two passes with other dropout, and how far their answers are apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.errors import UsageError
from apps.runs.shards import Pass, in_shards
from apps.translation import TASK, Config
from apps.translation_config import ModelConfig
from keras_seq.training import SequenceCrossEntropy
from pipelines.parallel_config import PairBatchConfig, PairTextConfig

KINDS = ("transformer", "rnn_attention")


def config_of(kind, **model):
    sizes = {"units": 16, "encoder_layers": 1, "decoder_layers": 1}
    return Config(
        text=PairTextConfig(vocabulary_size=400),
        batch=PairBatchConfig(tokens=512),
        model=ModelConfig(kind=kind, **{**sizes, **model}),
    )


@pytest.fixture(scope="module")
def data():
    return TASK.datasets(config_of("transformer"))


@pytest.fixture(scope="module")
def batch(data):
    return next(iter(data.train(0)))


def gradients_of(model, loss):
    with tf.GradientTape() as tape:
        value = loss()
    return value, [tf.convert_to_tensor(each) for each in tape.gradient(value, model.trainable_variables)]


@pytest.mark.parametrize("kind", KINDS)
def test_without_dropout_it_is_the_cross_entropy(kind, data, batch):
    inputs, targets, weights = batch
    config = config_of(kind, dropout=0.0, consistency=5.0)
    model = TASK.build_model(config, data)
    plain = TASK.training_loss(model, config)
    value, gradients = gradients_of(model, lambda: TASK.objective(config)(model, *batch)[0])
    expected, others = gradients_of(model, lambda: plain(targets, model(inputs, training=True), weights))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_with_dropout_it_is_two_cross_entropies_and_their_divergence(kind, data, batch):
    """From the features that the model gave, by the definitions, in NumPy."""
    _, targets, weights = batch
    config = config_of(kind, dropout=0.5, consistency=3.0)
    model = TASK.build_model(config, data)
    model.decoder.embedding.embeddings.assign(3 * model.decoder.embedding.embeddings)  # answers that do differ
    seen = []

    def watched(inputs, training):
        seen.append(model(inputs, training=training))
        return seen[-1]

    watched.decoder = model.decoder
    value, outputs = TASK.objective(config)(watched, *batch)
    passes = np.split(seen[0]["features"].numpy(), 2)
    np.testing.assert_array_equal(outputs["features"], passes[0])
    logits = [model.decoder.score(each).numpy() for each in passes]
    entropies = [float(SequenceCrossEntropy(None, 0.1)(targets, each, weights)) for each in logits]
    chances = [keras.ops.convert_to_numpy(keras.ops.softmax(each)).astype("float64") for each in logits]
    p, q = chances
    apart = (p * np.log(p / q) + q * np.log(q / p)).sum(-1)
    apart = (apart * weights.numpy()).sum() / weights.numpy().sum()
    assert apart > 0.1
    np.testing.assert_allclose(value, sum(entropies) / 2 + 3.0 / 4 * apart, rtol=1e-4)


def test_parts_of_a_batch_have_both_passes(data, batch):
    """Without dropout each part is the same as both passes of the whole."""
    config = config_of("transformer", dropout=0.0, consistency=2.0)
    model = TASK.build_model(config, data)

    def compute(inputs, targets, weights, state):
        value, outputs = TASK.objective(config)(model, inputs, targets, weights)
        return Pass(value, value, [], outputs, state)

    inputs, targets, weights = batch
    one, two = (in_shards(count, compute, inputs, targets, weights, ()) for count in (1, 2))
    np.testing.assert_allclose(one.loss, two.loss, rtol=1e-5)
    np.testing.assert_allclose(one.outputs["features"], two.outputs["features"], atol=1e-5)


def test_without_the_option_there_is_no_objective():
    assert TASK.objective(config_of("transformer")) is None
    with pytest.raises(UsageError, match=r"model\.consistency"):
        ModelConfig(consistency=-1.0)

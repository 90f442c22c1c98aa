"""The sentiment task: its layers, its loss, and the functions of the exported model."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.attribution import log_odds
from apps.sentiment import TASK, Config, ModelConfig, SentimentProcessor
from apps.sentiment_model import LikeliestAccuracy, build_classifier, cross_entropy
from apps.settings import build_config
from pipelines.text import WordTokenizer
from pipelines.text.ngram_weights import ngram_weights
from pipelines.text.word_vectors import cooccurrence_vectors

WORDS = ["", "[UNK]", "a", "good", "bad", "film", "not", "the", "很", "好", "!", "."]
TEXTS = [
    b"a good film !",
    b"",
    b"bad",
    b"the bad film . " * 50,
    "很 好".encode(),
    "🙂 good 🙂".encode(),
    b"caf\xe9 \xff good",
    b"nothing known here",
]
SMALL = {"model.units": 5, "model.embedding_size": 6, "text.max_length": 20}


@pytest.fixture(scope="module")
def processor():
    return SentimentProcessor(WordTokenizer(WORDS), ["negative", "neutral", "positive"])


@pytest.fixture(scope="module")
def model(processor):
    keras.utils.set_random_seed(3)
    return TASK.build_model(build_config(Config, SMALL), processor)


@pytest.fixture(scope="module")
def signatures(model, processor):
    return TASK.signatures(model, processor, build_config(Config, SMALL))


def ids_of(text, processor, length=20, head_share=0.25):
    ids = processor.tokenizer.encode(tf.constant([text]))[0].numpy().tolist()
    head = round(length * head_share)
    return ids if len(ids) <= length else ids[:head] + ids[len(ids) - (length - head) :]


def give_all_ngrams_weights(layer):
    """Random weights for every word and pair of known words."""
    pairs = np.array([*itertools.product(range(2, len(WORDS)), repeat=2)], np.int32)
    keys, _ = layer.keys(pairs)
    known = np.unique(np.concatenate([keys.numpy()[:, 0, 0], keys.numpy()[:, 1, 0]]))
    rng = np.random.default_rng(5)
    layer.set_ngrams(known, rng.normal(size=(len(known), layer.classes)), rng.normal(size=layer.classes))


def test_served_text_equals_the_model_on_its_ids_whatever_is_beside_it(signatures, model, processor):
    answers = signatures["serving_default"](tf.constant(TEXTS))
    for index, text in enumerate(TEXTS):
        ids = ids_of(text, processor) or [0]
        expected = tf.nn.softmax(model(tf.constant([ids])))[0]
        np.testing.assert_allclose(answers["probabilities"][index], expected, atol=1e-6)
        assert answers["label"][index].numpy().decode() == processor.labels[int(np.argmax(expected))]


@pytest.mark.parametrize("name", ["serving_default", "explain"])
def test_batch_of_none(signatures, name):
    answers = signatures[name](tf.constant([], tf.string))
    assert answers["label"].shape == (0,)
    assert answers["probabilities"].shape == (0, 3)


@pytest.mark.parametrize("ngrams", [0, 2])
def test_explanation_gives_tokens_and_what_they_add_to_the_log_odds(ngrams, model, processor):
    config = build_config(Config, {**SMALL, "explain_steps": 40, "model.ngrams": ngrams, "model.ngram_features": 200})
    if ngrams:
        model = TASK.build_model(config, processor)
        give_all_ngrams_weights(model.ngrams)
    answers = TASK.signatures(model, processor, config)["explain"](tf.constant(TEXTS))
    served = TASK.signatures(model, processor, config)["serving_default"](tf.constant(TEXTS))
    np.testing.assert_allclose(answers["probabilities"], served["probabilities"], atol=1e-6)
    tokens, saliency = answers["tokens"].numpy(), answers["saliency"].numpy()
    assert tokens.shape == saliency.shape == (len(TEXTS), 20)
    for index, text in enumerate(TEXTS):
        ids = ids_of(text, processor)
        known = [token.decode() for token in tokens[index] if token]
        assert len(known) == len(ids)
        assert [word for word in known if word in WORDS] == [WORDS[i] for i in ids if i > 1]
        assert not saliency[index, len(ids) :].any()
        mask = np.array([ids or [0]]) != 0
        embedded, scores = model.embed(tf.constant([ids or [0]])), model.ngram_scores(tf.constant([ids or [0]]))
        target = tf.argmax(answers["probabilities"][index : index + 1], axis=1)
        whole = log_odds(model.classify(embedded, tf.constant(mask), scores), target)
        scores = None if scores is None else scores * 0
        nothing = log_odds(model.classify(embedded * 0, tf.constant(mask), scores), target)
        np.testing.assert_allclose(saliency[index].sum(), (whole - nothing)[0], atol=5e-4)


@pytest.mark.parametrize(
    ("cell", "pooling", "layers", "bidirectional"),
    [
        *itertools.product(["elman", "gru", "lstm"], ["mean"], [1], [True]),
        *itertools.product(["gru"], ["last", "max", "mean_max", "attentive"], [1], [True]),
        ("lstm", "mean", 2, True),
        ("gru", "last", 2, False),
        ("gru", "mean", 0, True),
    ],
)
def test_every_option_builds_a_model_that_learns_in_all_its_parts(cell, pooling, layers, bidirectional):
    config = ModelConfig(
        embedding_size=6,
        units=6,
        cell=cell,
        pooling=pooling,
        layers=layers,
        bidirectional=bidirectional,
        residual=layers == 2,
        layer_dropout=0.1,
        segment_length=4 if layers == 2 else None,
    )
    model = build_classifier(config, vocabulary_size=11, classes=2)
    ids = tf.constant([[3, 4, 5, 6, 7, 8, 9], [2, 3, 0, 0, 0, 0, 0]])
    with tf.GradientTape() as tape:
        loss = cross_entropy(0.0)(tf.constant([0, 1]), model(ids, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        values = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(values).all(), variable.path
    size = 6 * (2 if bidirectional and layers else 1) * (2 if pooling == "mean_max" else 1)
    assert model.head.kernel.shape == (size, 2)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_loss_is_the_smoothed_cross_entropy(smoothing):
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(5, 4)).astype(np.float32), np.array([0, 3, 1, 2, 2])
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = np.eye(4)[targets] * (1 - smoothing) + smoothing / 4
    expected = -(wanted * np.log(chances)).sum(axis=1).mean()
    assert float(cross_entropy(smoothing)(tf.constant(targets), tf.constant(logits))) == pytest.approx(
        expected, rel=1e-5
    )


def test_ngrams_start_from_a_linear_model_of_the_training_texts():
    """Against the same fit with n-grams as Python tuples, of texts that are no longer than the chunks they come in."""
    options = {**SMALL, "model.ngrams": 2, "model.ngram_features": 5000, "data.source": "samples"}
    config = build_config(Config, options)
    data = TASK.datasets(config)
    model = TASK.build_model(config, data)
    assert not model.ngrams(np.array([[5, 6, 7]])).numpy().any()
    TASK.start_weights(model, data, config)

    texts = data.texts("train")
    rows = [texts.ids[start:stop].tolist() for start, stop in itertools.pairwise(texts.offsets)]
    found = [
        {ngram for n in (1, 2) for ngram in zip(*(row[i:] for i in range(n)), strict=False) if min(ngram) >= 2}
        for row in rows
    ]
    numbers = {ngram: index for index, ngram in enumerate(sorted(set.union(*found)))}
    where = np.repeat(np.arange(len(rows)), [len(ngrams) for ngrams in found])
    keys = np.array([numbers[ngram] for ngrams in found for ngram in sorted(ngrams)])
    kept, weights, bias = ngram_weights(where, keys, texts.labels, 2, 5000)
    known = dict(zip(kept.tolist(), weights, strict=True))
    for row, ngrams in zip(rows, found, strict=True):
        expected = sum((known.get(numbers[ngram], np.zeros(2)) for ngram in ngrams), np.zeros(2))
        assert np.any(expected)
        np.testing.assert_allclose(model.ngrams(np.array([row])).numpy().sum(axis=(0, 1)), expected, atol=1e-4)
    np.testing.assert_allclose(model.ngrams.bias, bias, atol=1e-5)


@pytest.mark.parametrize("start", ["random", "cooccurrence"])
def test_embeddings_start_from_the_training_texts_if_asked_for(start):
    config = build_config(Config, {**SMALL, "data.source": "samples", "model.embedding_start": start})
    data = TASK.datasets(config)
    model = TASK.build_model(config, data)
    before = model.embedding.get_weights()[0]
    TASK.start_weights(model, data, config)
    texts = data.texts("train")
    vectors = cooccurrence_vectors(texts.ids, texts.offsets, len(data.tokenizer.vocabulary), 6, config.training.seed)
    expected = before if start == "random" else vectors
    np.testing.assert_array_equal(model.embedding.get_weights()[0], expected)


def test_probabilities_as_targets():
    """Sure ones count as their classes do; of others, the loss is the mean of those of the classes."""
    rng = np.random.default_rng(2)
    logits, classes = rng.normal(size=(6, 3)).astype("float32"), np.array([0, 2, 1, 1, 0, 2])
    for smoothing in (0.0, 0.3):
        loss = cross_entropy(smoothing)
        np.testing.assert_allclose(loss(tf.one_hot(classes, 3), logits), loss(tf.constant(classes), logits), rtol=1e-6)
        shares = rng.dirichlet([1, 1, 1], size=1).astype("float32")
        each = [loss(tf.constant([label]), logits[:1]) for label in range(3)]
        np.testing.assert_allclose(loss(tf.constant(shares), logits[:1]), shares[0] @ each, rtol=1e-5)
    metric = LikeliestAccuracy()
    metric.update_state(tf.constant([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), tf.eye(3)[:2])
    metric.update_state(tf.constant([1, 1]), tf.constant([[0.2, 0.3, 0.1], [0.0, 0.1, 0.2]]))
    assert float(metric.result()) == 0.25

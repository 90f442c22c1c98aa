"""The sentiment task, exported whole: alone it answers as here, and its saliencies add up."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from apps.serving import fresh, registry
from apps.serving.export import export_model, largest_difference

TEXTS = [
    b"",
    b"wonderful",
    b" ".join([b"The plot was dull, but I enjoyed it."] * 625),
    "这部电影太好看了".encode(),
    "🙂 loved it 👍🏽".encode(),
    b"caf\xe9 \xff\xfe bad",
]


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """The task on the samples, with random weights large enough that words make a difference."""
    import keras

    from apps.sentiment import Config, ModelConfig
    from apps.task import load_task
    from pipelines.config import BatchConfig, DataConfig, TextConfig

    keras.utils.set_random_seed(3)
    config = Config(
        data=DataConfig(source="samples"),
        text=TextConfig(max_length=60, vocabulary_size=400),
        batch=BatchConfig(batch_size=16),
        model=ModelConfig(embedding_size=8, units=6, cell="gru", pooling="mean_max"),
        explain_steps=25,
    )
    sentiment = load_task("sentiment")
    data = sentiment.datasets(config)
    model = sentiment.build_model(config, data)
    for number, weight in enumerate(model.trainable_weights):
        weight.assign(keras.random.normal(weight.shape, stddev=0.6, seed=number))
    signatures = sentiment.signatures(model, data, config)
    facts = sentiment.data_facts(data, config)
    report = export_model(
        signatures,
        [model, data.tokenizer],
        "sentiment",
        tmp_path_factory.mktemp("models"),
        metadata={"task": "sentiment", "labels": data.labels, "data": {"rows": facts["rows"]}},
        card=sentiment.card(config, facts, "keras-seq train sentiment --data.source samples"),
        check=False,
    )
    return SimpleNamespace(model=model, data=data, signatures=signatures, report=report)


def test_fresh_process_gives_the_same_answers(task):
    short = [text for text in TEXTS if len(text) < 99]
    batches = [[text] for text in TEXTS] + [[], (short * 7)[:33]]
    requests = [(name, batch) for name in ("serving_default", "explain") for batch in batches]
    answers = fresh.answers(task.report.path, [(name, {"text": batch}) for name, batch in requests])
    for (name, batch), answer in zip(requests, answers, strict=True):
        expected = task.signatures[name](tf.constant(batch, tf.string, shape=[len(batch)]))
        assert set(answer) == set(expected)
        for output, tensor in expected.items():
            assert largest_difference(tensor.numpy(), answer[output]) < 1e-5, (name, output, len(batch))


def test_saliencies_sum_to_what_the_words_add(task):
    """Completeness of integrated gradients: against a text of the same length whose embeddings are all zero."""
    from apps.attribution import log_odds

    texts = ["The film is wonderful, warm and funny.", "A dull plot, bad acting, and I want my money back!"]
    outputs = task.signatures["explain"](tf.constant(texts))
    ids = task.data.tokenizer.encode(tf.constant(texts)).to_tensor()
    mask = ids != 0
    embedded = task.model.embed(ids)
    target = tf.argmax(outputs["probabilities"], axis=1)
    odds = log_odds(task.model.classify(embedded, mask), target)
    baseline = log_odds(task.model.classify(tf.zeros_like(embedded), mask), target)
    added = (odds - baseline).numpy()
    summed = tf.reduce_sum(outputs["saliency"], axis=1).numpy()
    assert np.abs(added).min() > 0.05  # otherwise the comparison would say nothing
    np.testing.assert_allclose(summed, added, atol=0.03 * np.abs(added).max())
    assert np.all(outputs["saliency"].numpy()[~mask.numpy()] == 0)


def test_tokens_and_saliencies_stand_side_by_side(task):
    texts = ["One two three.", "", "好 🙂"]
    outputs = task.signatures["explain"](tf.constant(texts))
    lengths = task.data.tokenizer.tokenize(tf.constant(texts)).row_lengths().numpy()
    assert outputs["tokens"].shape == outputs["saliency"].shape
    assert np.sum(outputs["tokens"].numpy() != b"", axis=1).tolist() == lengths.tolist()


def test_long_text_is_cut_and_labels_are_those_of_the_data(task):
    outputs = task.signatures["explain"](tf.constant(TEXTS[2:3]))
    assert outputs["tokens"].shape[1] == 60
    served = registry.load(registry.find(str(task.report.path)))
    labels = {label for row, _ in served.predict(["good", "bad", "wonderful film", "a waste of time"]) for label in row}
    assert labels <= set(task.data.labels)
    assert served.entry.labels == task.data.labels

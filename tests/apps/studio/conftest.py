"""A small sentiment model made of core ops, and the studio on top of it."""

import os
from pathlib import Path

import pytest
import tensorflow as tf

from apps.serving import registry
from apps.serving.export import export_model
from apps.serving.model_card import Card

from .gallery import Gallery

LABELS = ["awful", "so & so", "<b>great</b>"]
GOOD = ["good", "great", "lovely", "好"]
BAD = ["bad", "boring", "dull"]
APP = Path(registry.__file__).parents[1] / "studio" / "app.py"
FIGURES = {
    "rows": 10,
    "accuracy": 0.75,
    "roc_auc": None,
    "classes": {label: {"precision": 0.5, "recall": 0.6, "f1": 0.55, "rows": 3} for label in LABELS},
    "confusion": [[4, 1, 0], [0, 2, 1], [0, 0, 2]],
    "calibration": [{"from": 0.6, "to": 0.7, "rows": 7, "confidence": 0.65, "accuracy": 0.7}],
}


def export_words_model(directory: Path, *, explains: bool = True, name: str = "mood", good=GOOD):
    """A model that counts good and bad words: each token's saliency is known."""
    weights = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([*good, *BAD], [1.0] * len(good) + [-1.0] * len(BAD)), default_value=0.0
    )
    labels = tf.constant(LABELS)
    signature = [tf.TensorSpec([None], tf.string, name="text")]

    def tokenize(text):
        spaced = tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), r"([\pP\p{Han}])", r" \1 ")
        return tf.strings.split(spaced)

    def answer(tokens):
        score = tf.reduce_sum(tokens.with_flat_values(weights.lookup(tokens.flat_values)), axis=1)
        probabilities = tf.nn.softmax(tf.stack([-score, 0.5 * tf.ones_like(score), score], axis=1))
        return {"label": tf.gather(labels, tf.argmax(probabilities, axis=1)), "probabilities": probabilities}

    @tf.function(input_signature=signature, autograph=False)
    def serving_default(text):
        return answer(tokenize(text))

    @tf.function(input_signature=signature, autograph=False)
    def explain(text):
        tokens = tokenize(text)
        found = answer(tokens)
        sign = tf.where(found["label"] == labels[0], -1.0, 1.0)[:, None]
        padded = tokens.to_tensor()
        return {**found, "tokens": padded, "saliency": sign * weights.lookup(padded)}

    class Owner(tf.Module):
        def __init__(self):
            self.weights = weights

    signatures = {"serving_default": serving_default} | ({"explain": explain} if explains else {})
    metadata = {
        "task": "sentiment",
        "labels": LABELS,
        "metrics": {"validation": {"accuracy": 0.8}, "test": FIGURES},
        "config": {"units": 3},
        "data": {"source": "made up", "licence": "CC0"},
    }
    card = Card("Counts <script>alert('card')</script> words.", limits=("It knows seven words.",))
    return export_model(signatures, [Owner()], name, directory, metadata=metadata, card=card, check=False)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory) -> Gallery:
    """Tiny models of the other tasks."""
    folder = tmp_path_factory.getbasetemp()
    return Gallery((folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "gallery")


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """A folder with one model; tests that change it copy it first."""
    directory = tmp_path_factory.mktemp("studio") / "models"
    export_words_model(directory)
    return directory


@pytest.fixture
def models(exported, monkeypatch) -> Path:
    """The folder of the model, where the studio looks for it."""
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(exported))
    return exported

"""A classifier that learns from the answers of an exported one: whole, and one line where they do not fit."""

import shutil

import numpy as np
import pytest

from apps.errors import UserError
from apps.sentiment import Config, ModelConfig, SentimentTask
from apps.serving import registry
from apps.teacher import open_teacher
from pipelines.config import DataConfig

NAME = "sentiment_words"


def test_answers_are_those_of_the_exported_model():
    texts = ["a wonderful film", "", "dull and far too long", "a wonderful film"]
    served = registry.load(registry.find(NAME))
    probabilities = served.call("serving_default", texts)["probabilities"]
    teacher = open_teacher(NAME)
    np.testing.assert_allclose(teacher(["neg", "pos"])(texts), probabilities, atol=1e-6)
    np.testing.assert_allclose(teacher(["pos", "neg"])(texts), probabilities[:, ::-1], atol=1e-6)


def test_the_version_is_stored(tmp_path, monkeypatch):
    """A version that is exported between a stop and a resume does not take the place of the one that taught."""

    def stored(teacher):
        model, data = ModelConfig(teacher=teacher), DataConfig(unlabelled=True)
        return SentimentTask().settled(Config(model=model, data=data)).model.teacher

    shipped = registry.find(f"{NAME}/1")
    shutil.copytree(shipped.path, tmp_path / NAME / "1")
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    before = stored(NAME)
    assert before == f"{NAME}/1"
    shutil.copytree(shipped.path, tmp_path / NAME / "2")
    assert stored(NAME) == f"{NAME}/2"
    assert stored(before) == before
    assert stored(str(tmp_path / NAME / "1")) == str(tmp_path / NAME / "1")
    with pytest.raises(UserError, match="No model 'nobody'"):
        stored("nobody")


def test_what_does_not_fit_is_one_line():
    with pytest.raises(UserError, match="tells apart neg, pos, and the data bad, good: name a teacher"):
        open_teacher(NAME)(["bad", "good"])
    with pytest.raises(UserError, match=r"--model\.teacher text_generation does text_generation: name an exported"):
        open_teacher("text_generation")
    with pytest.raises(UserError, match="No model 'nobody'"):
        open_teacher("nobody")
    with pytest.raises(
        Exception, match=r"data\.unlabelled must be true, or data\.unlabelled_file given, with model\.teacher"
    ):
        Config(model=ModelConfig(teacher=NAME))


def test_trains_with_it(command, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    features = tfds.features.FeaturesDict({
        "text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["neg", "pos"])
    })  # fmt: skip
    texts = [(f"{'good fine' if i % 2 else 'bad dull'} film of {i}", i % 2) for i in range(40)]
    rows = [(number, {"text": text, "label": label}) for number, (text, label) in enumerate(texts)]
    free = [(number, {"text": f"a wonderful film of {number}", "label": -1}) for number in range(20)]
    tfds.dataset_builders.store_as_tfds_dataset(
        "tiny_reviews", version="1.0.0", features=features, data_dir=tmp_path / "tfds",
        split_datasets={"train": rows, "test": rows[:4], "unsupervised": free},
    )  # fmt: skip
    data = ("--data.name", "tiny_reviews", "--data.dir", tmp_path / "tfds", "--data.unlabelled", "true")
    small = ("--model.units", "3", "--model.embedding_size", "4", "--text.min_count", "1", "--model.teacher", NAME)
    quick = ("--training.epochs", "1", "--training.min_steps", "0", "--training.tensorboard", "false")
    code, out, errors = command(
        *("train", "sentiment", *data, *small, *quick, "--batch.batch_size", "10"),
        *("--runs.dir", tmp_path, "--name", "student", "--json"),
    )
    assert code == 0, errors
    assert f"teacher: {NAME}/1" in (tmp_path / "sentiment" / "student" / "config.yaml").read_text()
    assert '"steps": 6' in out  # 36 texts with labels and 20 without, ten at a time

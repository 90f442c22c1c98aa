"""Models are found where they should be, and a changed one is refused by the name of its file."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf

from apps.errors import UserError
from apps.serving import registry
from apps.serving.export import export_model
from apps.serving.model_card import Card


def _export(directory, name, version=None, task="echo"):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def echo(text):
        return {"label": text, "probabilities": tf.ones([tf.size(text), 1])}

    return export_model(
        {"serving_default": echo},
        [],
        name,
        directory,
        metadata={"task": task, "labels": ["same"]},
        card=Card("Says the same again."),
        version=version,
        check=False,
    )


@pytest.fixture
def models(tmp_path):
    directory = tmp_path / "models"
    _export(directory, "echo", 2)
    _export(directory, "echo", 10)
    _export(directory, "parrot", task="repeat")
    return directory


def test_listing_and_finding(models):
    assert [entry.key for entry in registry.list_models(models)] == ["echo/10", "echo/2", "parrot/1"]
    assert [entry.key for entry in registry.list_models(models, task="repeat")] == ["parrot/1"]
    assert registry.find("echo", models).version == 10
    assert registry.find("echo/2", models).version == 2
    assert registry.find(str(models / "parrot" / "1")).key == "parrot/1"


@pytest.mark.parametrize(
    ("model", "words"),
    [("ekho", ["'ekho'", "echo, parrot", "keras-seq export"]), ("echo/3", ["'3'", "2, 10"]), ("echo/x", ["'x'"])],
)
def test_unknown_model_says_what_there_is(models, model, words):
    with pytest.raises(UserError) as caught:
        registry.find(model, models)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_places_in_their_order(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(registry.ENVIRONMENT_VARIABLE, raising=False)
    _export(tmp_path / "saved_models", "local")
    assert "local/1" in [entry.key for entry in registry.list_models()]
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(models))
    assert registry.find("echo").version == 10
    other = tmp_path / "other"
    _export(other, "only")
    assert [entry.key for entry in registry.list_models(other)] == ["only/1"]
    assert registry.list_models(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["saved_model.pb", "assets/labels.txt", "MODEL_CARD.md", "variables/variables.index"])
def test_changed_file_is_named_and_not_loaded(models, name):
    entry = registry.find("echo", models)
    path = entry.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert registry.verify(entry) == [f"changed: {name}"]
    with pytest.raises(UserError, match=name):
        registry.load(entry)


def test_missing_extra_and_edited_metadata_are_named(models):
    entry = registry.find("echo", models)
    (entry.path / "assets" / "labels.txt").unlink()
    (entry.path / "assets" / "new.txt").write_text("new")
    assert registry.verify(entry) == ["missing: assets/labels.txt", "extra: assets/new.txt"]
    path = registry.find("parrot", models).path / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["metrics"] = {"test": {"accuracy": 1.0}}
    path.write_text(json.dumps(metadata), encoding="utf-8")
    assert registry.verify(registry.find("parrot", models)) == ["changed: metadata.json"]


def test_fingerprint_changes_with_a_file(models):
    entry = registry.find("echo", models)
    before = entry.fingerprint()
    assert registry.find("echo", models).fingerprint() == before
    (entry.path / "MODEL_CARD.md").write_text("Other words.", encoding="utf-8")
    assert entry.fingerprint() != before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', "\xff"])
def test_unreadable_metadata_hides_one_model_only(models, content):
    path = models / "echo" / "10" / "metadata.json"
    path.write_text(content, encoding="latin-1")
    assert [entry.key for entry in registry.list_models(models)] == ["echo/2", "parrot/1"]
    assert len(registry.unreadable(models)) == 1
    with pytest.raises(UserError, match=r"metadata\.json"):
        registry.find("echo", models)


def test_loaded_model_answers(models):
    model = registry.load(registry.find("echo", models))
    assert model.signatures == ["serving_default"]
    assert [labels for labels, _ in model.predict(["a", "好", b"\xff"], batch_size=2)] == [["a", "好"], ["\ufffd"]]
    assert list(model.predict([])) == []
    assert model.call("serving_default", ["\ud800"])["label"].tolist() == [b"?"]
    with pytest.raises(UserError, match="explain"):
        model.call("explain", ["a"])


def test_failing_model_is_one_line(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def number(text):
        return {"label": text, "probabilities": tf.strings.to_number(text)[:, None]}

    export_model(
        {"serving_default": number}, [], "n", tmp_path, metadata={"task": "t"}, card=Card("Reads."), check=False
    )
    model = registry.load(registry.find("n", tmp_path))
    assert model.call("serving_default", ["2"])["probabilities"].tolist() == [[2.0]]
    with pytest.raises(UserError, match=r"n/1 fails in .serving_default.: StringToNumber"):
        model.call("serving_default", ["2", "two"])


def test_unreadable_graph_is_one_line(models):
    entry = registry.find("echo", models)
    (entry.path / "saved_model.pb").write_bytes(b"no graph")
    from apps.serving.served import ServedModel

    with pytest.raises(UserError, match=r"echo/10 cannot be loaded: saved_model\.pb is damaged"):
        ServedModel.load(entry)


def test_listing_needs_no_tensorflow(models):
    code = (
        "import sys; from apps.serving import registry; print(len(registry.list_models(sys.argv[1])));"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(models)], check=True)

"""An exported model answers like the functions it was made of, alone; a bad one is not written at all."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from apps.errors import UserError
from apps.serving import export, fresh, registry
from apps.serving.export import export_model, largest_difference
from apps.serving.model_card import Card

CARD = Card(summary="Says what a text thinks.", command="keras-seq train sentiment", limits=("It knows nine words.",))
TEXTS = [
    b"",
    b"good",
    b" ".join([b"the film", b"was not bad"] * 1000),
    "这部电影好 好".encode(),
    "good 🙂 🙂 film".encode(),
    b"good \xff\xfe bad \xc3",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory, classifier, fields):
    directory = tmp_path_factory.mktemp("models")
    report = export_model(
        classifier.signatures, classifier.tracked, "mood", directory, metadata=fields, card=CARD, check=False
    )
    return directory, report


def test_fresh_process_with_tensorflow_alone_gives_the_same_answers(exported, classifier):
    _, report = exported
    short = [text for text in TEXTS if len(text) < 99]
    batches = [[text] for text in short] + [[], (short * 7)[:33]]
    requests = [(name, batch) for name in ("serving_default", "explain") for batch in batches]
    requests += [("serving_default", TEXTS)]
    answers = fresh.answers(report.path, [(name, {"text": batch}) for name, batch in requests])
    for (name, batch), answer in zip(requests, answers, strict=True):
        expected = classifier.signatures[name](tf.constant(batch, tf.string, shape=[len(batch)]))
        assert set(answer) == set(expected)
        assert answer["probabilities"].shape == (len(batch), 3)
        for output, tensor in expected.items():
            assert largest_difference(tensor.numpy(), answer[output]) < 1e-5, (name, output, len(batch))


def test_only_what_the_signatures_use_is_written(exported, classifier):
    _, report = exported
    names = [name for name, _ in tf.train.list_variables(str(report.path / "variables" / "variables"))]
    weights = [name for name in names if "CHECKPOINTABLE" not in name]
    assert len(weights) == len(classifier.model.trainable_variables)
    assert report.parameters == classifier.model.count_params()
    assert len(classifier.model.optimizer.variables) > 0


def test_layout_metadata_and_card(exported, fields):
    directory, report = exported
    assert report.path == directory / "mood" / "1"
    entry = registry.find("mood", directory)
    assert registry.verify(entry) == []
    assert set(report.sizes) == {"metadata.json", *entry.metadata["files"]}
    assert {"saved_model.pb", "MODEL_CARD.md", "assets/labels.txt"} <= set(report.sizes)
    assert report.size == entry.size
    for key, value in fields.items():
        assert entry.metadata[key] == value
    assert entry.metadata["signatures"]["serving_default"] == {
        "inputs": {"text": {"dtype": "string", "shape": [None]}},
        "outputs": {
            "label": {"dtype": "string", "shape": [None]},
            "probabilities": {"dtype": "float32", "shape": [None, 3]},
        },
    }
    card = registry.model_card(entry)
    for part in ("Says what a text thinks.", "keras-seq train sentiment", "It knows nine words.", "CC0", "0.75"):
        assert part in card


def test_code_of_the_card_runs(exported, capsys, monkeypatch):
    directory, _ = exported
    link = directory / "saved_models"
    link.symlink_to(directory, target_is_directory=True)
    monkeypatch.chdir(directory)
    try:
        code = registry.model_card(registry.find("mood", directory)).split("```python\n")[1].split("```")[0]
        exec(code, {})
    finally:
        link.unlink()
    printed = capsys.readouterr().out
    assert any(label in printed for label in ("neg", "neutral", "pos"))


def test_versions_count_up_and_a_taken_one_is_refused(tmp_path, classifier, fields):
    serve = {"serving_default": classifier.signatures["serving_default"]}
    arguments = {"metadata": fields, "card": CARD, "check": False}
    assert export_model(serve, classifier.tracked, "m", tmp_path, version=4, **arguments).version == 4
    assert export_model(serve, classifier.tracked, "m", tmp_path, **arguments).version == 5
    before = (tmp_path / "m" / "4" / "metadata.json").read_bytes()
    with pytest.raises(UserError, match="exists already"):
        export_model(serve, classifier.tracked, "m", tmp_path, version=4, **arguments)
    assert (tmp_path / "m" / "4" / "metadata.json").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["4", "5"]


def test_leftovers_of_a_killed_export_go_with_the_next_one(tmp_path, classifier, fields):
    killed, running = tmp_path / "toy" / ".exporting-killed", tmp_path / "toy" / ".exporting-running"
    for folder in (killed, running):
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"half")
    os.utime(killed, (0, time.time() - 7_200))
    serve = {"serving_default": classifier.signatures["serving_default"]}
    export_model(serve, classifier.tracked, "toy", tmp_path, metadata=fields, card=CARD, check=False)
    assert not killed.exists()
    assert running.exists()


def test_check_compares_a_fresh_process_to_this_one(tmp_path, classifier, fields, monkeypatch):
    serve = {"serving_default": classifier.signatures["serving_default"]}
    report = export_model(serve, classifier.tracked, "m", tmp_path, metadata=fields, card=CARD)
    assert report.checked

    def other_answers(directory, requests):
        return [
            {"label": np.array([b"pos"] * len(t), object), "probabilities": np.ones([len(t), 3])}
            for _, inputs in requests
            for t in inputs.values()
        ]

    monkeypatch.setattr(fresh, "answers", other_answers)
    with pytest.raises(UserError, match="differs"):
        export_model(serve, classifier.tracked, "m", tmp_path, metadata=fields, card=CARD)
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["1"]


def _text_function(body):
    return tf.function(body, input_signature=[tf.TensorSpec([None], tf.string, name="text")])


def _python_in_a_branch(text):
    def called(value):
        return value

    # Both branches are functions of the library, and neither is in the main graph.
    length = tf.size(text)
    result = tf.cond(length > 1, lambda: tf.numpy_function(called, [length], tf.int32), lambda: length)
    return {"answer": result}


@tf.function(jit_compile=True)
def _compiled(value):
    return value * 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_python_in_a_branch, "calls back into Python"),
        (lambda text: {"answer": _compiled(tf.size(text))}, "must be compiled by XLA"),
        (
            lambda text: {
                "answer": tf.raw_ops.CudnnRNN(
                    input=tf.zeros([2, 1, 3]), input_h=tf.zeros([1, 1, 3]), input_c=tf.zeros([]), params=tf.zeros([99])
                ).output
            },
            "runs on a GPU only",
        ),
    ],
)
def test_graph_that_needs_more_than_a_cpu_is_refused(tmp_path, fields, body, message):
    with pytest.raises(UserError, match=message):
        export_model({"serving_default": _text_function(body)}, [], "m", tmp_path, metadata=fields, card=CARD)
    assert list(tmp_path.iterdir()) == []


def test_untracked_variable_is_named(tmp_path, fields):
    variable = tf.Variable(1.0, name="forgotten")
    serve = _text_function(lambda text: {"answer": variable * tf.cast(tf.size(text), tf.float32)})
    with pytest.raises(ValueError, match="none of `tracked` owns"):
        export_model({"serving_default": serve}, [], "m", tmp_path, metadata=fields, card=CARD)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, classifier, fields, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_flush", full)
    serve = {"serving_default": classifier.signatures["serving_default"]}
    with pytest.raises(UserError, match="No space left on device"):
        export_model(serve, classifier.tracked, "m", tmp_path, metadata=fields, card=CARD, check=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", ".hidden"])
def test_names_that_are_no_folder_are_refused(tmp_path, classifier, fields, name):
    with pytest.raises(UserError, match="name"):
        export_model(classifier.signatures, [], name, tmp_path, metadata=fields, card=CARD)


def test_default_signature_is_required(tmp_path, classifier, fields):
    with pytest.raises(ValueError, match="serving_default"):
        export_model({"explain": classifier.signatures["explain"]}, [], "m", tmp_path, metadata=fields, card=CARD)


def test_assets_are_copied_and_two_of_one_name_refused(tmp_path, classifier, fields):
    vocabulary = tmp_path / "run" / "vocabulary"
    vocabulary.mkdir(parents=True)
    (vocabulary / "vocabulary.txt").write_text("好\n", encoding="utf-8")
    serve = {"serving_default": classifier.signatures["serving_default"]}
    arguments = {"metadata": fields, "card": CARD, "check": False}
    report = export_model(serve, classifier.tracked, "m", tmp_path, assets=[vocabulary], **arguments)
    assert (report.path / "assets" / "vocabulary.txt").read_text(encoding="utf-8") == "好\n"
    other = Path(tmp_path / "vocabulary.txt")
    other.write_text("other")
    with pytest.raises(ValueError, match=r"vocabulary\.txt"):
        export_model(serve, classifier.tracked, "m", tmp_path, assets=[vocabulary, other], **arguments)


def test_metadata_is_plain_json(exported):
    _, report = exported
    metadata = json.loads((report.path / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["created"].endswith("+00:00")
    assert set(metadata["versions"]) == {"python", "tensorflow", "keras", "keras_seq"}

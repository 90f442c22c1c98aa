"""A classifier that starts from a language model: its weights and vocabulary, and one line where they do not fit."""

import numpy as np
import pytest
import tensorflow as tf

from apps.errors import UserError
from apps.language_start import cells_of_layers, start_from_language_model, vocabulary_of
from apps.runs.folder import RunFolder
from apps.runs.trained import open_run
from apps.sentiment import TASK, Config, ModelConfig
from apps.studio.alignment import align
from apps.text_generation import TASK as GENERATION

SAME = {"cell": "gru", "units": 6, "layers": 2, "embedding_size": 5, "bidirectional": False}


@pytest.fixture(scope="module")
def run(command, tmp_path_factory):
    """The folder of a language model of the reviews among the samples."""
    root = tmp_path_factory.mktemp("language")
    text = root / "reviews.txt"
    text.write_text("it is a good film and it is not a bad one .\n" * 80)
    small = ("--model.units", "6", "--model.layers", "2", "--model.embedding_size", "5", "--text.level", "word")
    quick = ("--training.epochs", "1", "--training.min_steps", "5", "--training.tensorboard", "false")
    size = ("--batch.batch_size", "4", "--batch.window", "16")
    code, _, errors = command(
        "train", "text_generation", "--data.file", text, *small, *quick, *size, "--runs.dir", root, "--name", "words"
    )
    assert code == 0, errors
    return root / "text_generation" / "words"


def classifier(run, **options):
    config = Config(model=ModelConfig(language_model=str(run), **{**SAME, **options}))
    tokenizer = vocabulary_of(str(run))
    processor = type("Processor", (), {"tokenizer": tokenizer, "labels": ["bad", "good"]})()
    return TASK.build_model(config, processor), config


@pytest.mark.parametrize("options", [{"segment_length": None}, {"segment_length": 4}, {"top_units": 3}])
def test_starts_with_the_weights_of_the_language_model(run, options):
    model, config = classifier(run, **options)
    groups = TASK.layer_groups(model, config)
    assert sorted(id(weight) for group in groups for weight in group) == sorted(map(id, model.trainable_weights))
    assert len(groups) == 4
    TASK.start_weights(model, None, config)
    decoder = open_run(
        GENERATION, RunFolder(str(run.parent.parent), "text_generation", "words"), print
    ).model.model.decoder
    np.testing.assert_array_equal(model.embedding.embeddings, decoder.embedding.embeddings)
    layers = cells_of_layers(model.encoder)
    assert [len(cells) for cells in layers] == ([1, 1, 2] if "top_units" in options else [1, 1])
    for (ours,), theirs in zip(layers[:2], decoder.cells, strict=True):
        for one, other in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_layers_that_read_both_ways_learn_at_one_rate():
    config = Config(model=ModelConfig(units=3, layers=2, embedding_size=4, segment_length=None))
    processor = type("Processor", (), {"tokenizer": type("Some", (), {"vocabulary": ["", "a", "b"]}), "labels": [0, 1]})
    model = TASK.build_model(config, processor)
    top, upper, lower, embeddings = TASK.layer_groups(model, config)
    below, above = ((layer.forward_layer.cell, layer.backward_layer.cell) for layer in model.encoder.layers)
    for group, cells in ((lower, below), (upper, above)):
        assert set(map(id, group)) == {id(weight) for cell in cells for weight in cell.trainable_weights}
    assert len(embeddings) == 1
    assert len(top) == 2


def test_reads_texts_in_the_vocabulary_of_the_language_model(run):
    _, config = classifier(run)
    assert vocabulary_of(str(run)).vocabulary[:2] == ["", "[UNK]"]
    assert config.model.language_model == str(run)


def test_tokens_are_shown_without_the_spaces_that_they_were_learnt_with(run):
    model, config = classifier(run)
    processor = type("Processor", (), {"tokenizer": vocabulary_of(str(run)), "labels": ["bad", "good"]})()
    texts = ["it is  a good film .", "bad"]
    outputs = TASK.signatures(model, processor, config)["explain"](tf.constant(texts))
    tokens = outputs["tokens"].numpy().tolist()
    assert [[token.decode() for token in row if token] for row in tokens] == [text.split() for text in texts]
    assert outputs["tokens"].shape == outputs["saliency"].shape
    assert align(texts[0], [token.decode() for token in tokens[0] if token]) is not None


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"units": 7}, "model.units 6"),
        ({"embedding_size": 4}, "model.embedding_size 5"),
        ({"layers": 1}, "model.layers 2"),
        ({"cell": "lstm"}, "model.cell"),
    ],
)
def test_what_does_not_fit_is_one_line(run, options, option):
    model, _ = classifier(run, **options)
    with pytest.raises(UserError, match=option):
        start_from_language_model(model, str(run), options.get("layers", 2))


def test_what_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match="folder of a text generation run"):
        vocabulary_of(str(tmp_path))
    with pytest.raises(Exception, match=r"model\.bidirectional"):
        ModelConfig(language_model="x", bidirectional=True)


def test_trains_from_it_and_resumes_without_it(command, run, tmp_path):
    options = [word for name, value in SAME.items() for word in (f"--model.{name}", str(value).lower())]
    quick = ("--training.epochs", "2", "--training.min_steps", "0", "--training.tensorboard", "false")
    quick += ("--training.layer_rate", "0.4", "--training.unfreeze_epochs", "1")
    given = ("--data.source", "samples", "--data.limit", "60", "--model.language_model", run, *options, *quick)
    code, _, errors = command("train", "sentiment", *given, "--runs.dir", tmp_path, "--name", "s", "--quiet")
    assert code == 0, errors
    code, _, errors = command("evaluate", "sentiment", "--run", "s", "--runs.dir", tmp_path, "--json")
    assert code == 0, errors

"""Text generation: streamed = at once, batched = alone, scores against the model itself, resume, bad input."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.errors import Interrupted
from apps.language_evaluation import MeasuredText, measure
from apps.language_model import with_cache
from apps.language_signatures import language_signatures, prompt_inputs
from apps.runs.folder import RunFolder
from apps.runs.progress import NoReport
from apps.runs.trainer import Trainer, prepare
from apps.runs.training_config import TrainingConfig
from apps.serving import registry
from apps.serving.served import call_signature
from apps.serving.writing import write
from apps.text_generation import TASK, CacheConfig, Config, ModelConfig
from pipelines.corpus_config import CorpusConfig, VocabularyConfig, WindowConfig

from .language_models import LETTERS, export_language_model, make_model

PROMPTS = ["", "a", "bad cab", "好é\nhead"]


@pytest.fixture(scope="module", params=["recurrent", "cached", "transformer"])
def functions(request):
    model, tokenizer, config = make_model(request.param.replace("cached", "recurrent"), layers=2)
    model = with_cache(model.model, CacheConfig(size=30 if request.param == "cached" else 0, closeness=0.5))
    signatures = language_signatures(model, tokenizer, config.model.context)

    def call(name, **inputs):
        return call_signature(signatures[name], inputs)

    call.model, call.tokenizer = model, tokenizer
    return call


class Served:
    """What `write` needs of a served model."""

    def __init__(self, call):
        self.ask = call


def continuations(call, prompts, **settings):
    return [text.decode() for text in call("serving_default", **prompt_inputs(prompts, **settings))["continuation"]]


def test_streamed_equals_at_once(functions):
    for settings in ({"temperature": 0.0}, {"temperature": 1.0, "top_k": 5, "seed": 7}, {"top_p": 0.6, "seed": 3}):
        for prompt in PROMPTS:
            whole = continuations(functions, [prompt], max_tokens=20, **settings)[0]
            plain = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "seed": 1, **settings}
            assert "".join(write(Served(functions), prompt, max_tokens=20, **plain)) == whole
            assert len(whole) == 20
            assert not {"", "\ufffd"} & set(whole)


def test_batched_equals_alone(functions):
    together = continuations(functions, PROMPTS, temperature=0.0, max_tokens=12)
    assert together == [continuations(functions, [prompt], temperature=0.0, max_tokens=12)[0] for prompt in PROMPTS]
    if functions.model.reads_on:  # random Transformers stick to one token
        assert len(set(together)) > 1
    assert continuations(functions, [], max_tokens=5) == []


def test_greedy_text_is_the_most_probable_token_each_time(functions):
    text = "dead"
    for character in continuations(functions, [text], temperature=0.0, max_tokens=6)[0]:
        known = functions("start", text=[text])
        scores = known["log_probabilities"][0].copy()
        scores[:2] = -np.inf  # neither padding nor the unknown
        assert LETTERS[scores.argmax()] == character
        text += character


def test_seeds_reproduce_and_differ(functions):
    one, same, other = (continuations(functions, ["a"], seed=seed, max_tokens=30)[0] for seed in (1, 1, 2))
    assert one == same != other


def test_candidates_are_the_most_probable_tokens(functions):
    known = functions("start", text=["cab"])
    order = np.argsort(-known["log_probabilities"][0])
    assert [token.decode() for token in known["candidates"][0][:5] if token] == [
        LETTERS[place].replace("[UNK]", "\ufffd") for place in order[:5] if place
    ]
    np.testing.assert_allclose(known["candidate_probabilities"][0].sum(), 1, atol=1e-5)


def test_scores_are_those_of_the_model(functions):
    texts = ["abc", "", "feed the bad 好 cab\n" * 20]  # the last is longer than a window
    found = functions("score", text=texts)
    model, tokenizer = functions.model, functions.tokenizer
    for row, text in enumerate(texts):
        ids = tokenizer.encode(tf.constant([text])).to_tensor().numpy()[0]
        inputs = np.concatenate([[LETTERS.index("\n")], ids])[:-1] if len(ids) else ids
        expected = []
        parts = [slice(None)] if model.reads_on else [slice(i, i + 64) for i in range(0, len(ids), 64)]
        for part in parts if len(ids) else []:
            scores = tf.nn.log_softmax(model(inputs[None, part])[0])[0].numpy()
            expected += list(scores[np.arange(len(ids[part])), ids[part]])
        np.testing.assert_allclose(found["log_probabilities"][row][: len(ids)], expected, atol=2e-4)
        assert (found["log_probabilities"][row][len(ids) :] == 0).all()
        shown = [token.decode() for token in found["tokens"][row] if token]
        assert (
            "".join(shown).replace("[UNK]", "\ufffd") == "".join(c if c in LETTERS else "\ufffd" for c in text) or shown
        )


def test_activations_have_a_vector_a_token(functions):
    found = functions("activations", text=["abc", "a"])
    assert found["activations"].shape == (2, 3, 12)
    alone = functions("activations", text=["a"])["activations"]
    np.testing.assert_allclose(found["activations"][1, 0], alone[0, 0], atol=1e-5)


@pytest.mark.parametrize("kind", ["recurrent", "transformer"])
def test_exported_model_needs_tensorflow_alone(tmp_path, kind):
    report, _ = export_language_model(tmp_path, kind, check=True)
    assert report.checked
    served = registry.load(registry.find("tiny", tmp_path))
    long_prompt = "bad cab " * 1250
    for prompt in ("", "日本", "a" * 3, long_prompt):
        assert len("".join(write(served, prompt, 0.8, 0, 1.0, 5, 1))) == 5
    card = (report.path / "MODEL_CARD.md").read_text()
    assert "temperature=tf.constant(0.8)" in card


def data_config(tmp_path, **options):
    file = tmp_path / "letters.txt"
    file.write_text("abcd efgh\n" * 90)
    window = {"batch_size": 4, "window": 10, "evaluation_batch_size": 1, "evaluation_window": 16, **options}
    return Config(
        data=CorpusConfig(file=str(file)),
        text=VocabularyConfig(),
        batch=WindowConfig(**window),
        model=ModelConfig(units=8, embedding_size=4, dropout=0.1),
    )


def figures_of(config):
    """What `measure` says of an untrained model, the model, and the ids of the text."""
    data = TASK.datasets(config)
    model = TASK.build_model(config, data)
    signatures = TASK.signatures(model, data, config)

    def call(name, **inputs):
        return call_signature(signatures[name], inputs)

    ids = np.asarray(data.text("validation").ids).astype(int)
    return measure(call, MeasuredText(data, "validation", True)), model.model, ids


def mean_loss(model, ids):
    """The loss of the text read at once."""
    scores, _ = model(ids[None, :-1])
    return np.mean(keras.losses.sparse_categorical_crossentropy(ids[None, 1:], scores, from_logits=True))


def test_evaluation_reads_the_text_as_one(tmp_path):
    """The figures of `evaluate` = those of the model over the whole validation text at once."""
    figures, model, ids = figures_of(data_config(tmp_path))
    np.testing.assert_allclose(figures["nats_per_token"], mean_loss(model, ids), rtol=1e-4)
    np.testing.assert_allclose(figures["bits_per_character"], mean_loss(model, ids) / np.log(2), rtol=1e-4)
    assert figures["windows"]["tokens"] == figures["tokens"] == len(ids) - 1


# A second stream begins from a state of its own, with as much before it as the cache remembers.
@pytest.mark.parametrize(("streams", "tolerance"), [(1, 1e-4), (2, 2e-3)])
def test_evaluation_reads_the_text_as_one_with_a_cache(tmp_path, streams, tolerance):
    config = data_config(tmp_path, evaluation_batch_size=streams)
    config = dataclasses.replace(config, cache=CacheConfig(size=40, closeness=0.5))
    figures, model, ids = figures_of(config)
    expected = mean_loss(with_cache(model, config.cache), ids)
    np.testing.assert_allclose(figures["nats_per_token"], expected, rtol=tolerance)
    np.testing.assert_allclose(figures["nats_per_character_without_cache"], mean_loss(model, ids), rtol=tolerance)
    assert figures["nats_per_character"] < figures["nats_per_character_without_cache"]
    assert figures["windows"]["bits_per_character_without_cache"] > figures["windows"]["bits_per_character"]


@pytest.mark.parametrize("writes", [False, True])
def test_the_cache_reads_and_writes_only_if_asked(tmp_path, writes):
    config = data_config(tmp_path)
    data = TASK.datasets(config)
    model = TASK.build_model(config, data)

    def answers(cache):
        signatures = TASK.signatures(model, data, dataclasses.replace(config, cache=cache))
        known = call_signature(signatures["start"], {"text": ["abcd efgh\n" * 3]})
        scores = call_signature(signatures["score"], {"text": ["abcd efgh\n" * 3]})
        return known["log_probabilities"], scores["log_probabilities"]

    plain, cached = answers(CacheConfig()), answers(CacheConfig(size=40, closeness=0.5, writes=writes))
    assert np.allclose(plain[0], cached[0], atol=1e-6) != writes
    assert cached[1].mean() > plain[1].mean() + 0.01


class StopAfter(NoReport):
    """Interrupts after some batches."""

    def __init__(self, batches):
        self.left = batches

    def after_batch(self, batch, figures):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def train(tmp_path, name, report=None, resume=False, **model_options):
    config = data_config(tmp_path)
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, **model_options))
    training = TrainingConfig(
        epochs=2, min_steps=0, monitor="loss", checkpoint_seconds=0, tensorboard=False, average_decay=0.9
    )
    prepare(training)
    data = TASK.datasets(config)
    model = TASK.build_model(config, data)
    folder = RunFolder(tmp_path, "text_generation", name)
    folder.lock()
    trainer = Trainer(
        model=model,
        loss=TASK.loss(config),
        make_metrics=lambda: TASK.metrics(config),
        training_loss=TASK.training_loss(model, config),
        train=data.train,
        validation=data.validation,
        config=training,
        folder=folder,
        report=report,
    )
    try:
        progress = trainer.run(resume)
    finally:
        folder.unlock()
    return progress, [weight.numpy() for weight in model.weights]


def test_a_resumed_training_equals_one_in_one_piece_with_the_state_it_carried(tmp_path):
    progress, weights = train(tmp_path, "whole")
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        train(tmp_path, "parts", StopAfter(27))
    resumed, same = train(tmp_path, "parts", resume=True)
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [entry["validation"] for entry in progress.history] == [entry["validation"] for entry in resumed.history]


@pytest.mark.parametrize("samples", [5, 100])
def test_a_sampled_softmax_trains_the_same_weights(tmp_path, samples):
    """With as many samples as there are characters it is the softmax itself."""
    progress, _ = train(tmp_path, "sampled", sampled_softmax=samples, dropout=0.0)
    plain, _ = train(tmp_path, "plain", dropout=0.0)
    assert "accuracy" not in progress.history[-1]["train"]
    losses = [run.history[-1]["validation"]["loss"] for run in (progress, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=0.15 if samples == 5 else 1e-4)


def test_time_decides_where_it_is_given(tmp_path):
    config = TrainingConfig(minutes=0.02, monitor="loss", tensorboard=False, average_decay=0.0)
    data_options = data_config(tmp_path)
    data = TASK.datasets(data_options)
    model = TASK.build_model(data_options, data)
    folder = RunFolder(tmp_path, "text_generation", "timed")
    folder.lock()
    trainer = Trainer(
        model=model,
        loss=TASK.loss(data_options),
        make_metrics=lambda: TASK.metrics(data_options),
        train=data.train,
        validation=data.validation,
        config=config,
        folder=folder,
    )
    progress = trainer.run()
    folder.unlock()
    assert progress.finished
    assert progress.seconds >= 1.2
    assert progress.history[-1]["learning_rate"] < 0.2 * config.learning_rate


def test_commands_from_a_text_to_a_stream(command, tmp_path):
    text = tmp_path / "mine.txt"
    text.write_text("the cat sat on the mat. " * 120)
    small = ("--model.units", "8", "--batch.batch_size", "4", "--batch.window", "16", "--training.epochs", "1")
    quick = ("--training.min_steps", "20", "--training.tensorboard", "false")
    runs, models = ("--runs.dir", tmp_path / "runs"), ("--models.dir", tmp_path / "models")
    data = ("--data.file", text, "--data.test_fraction", "0.1")
    code, _, errors = command("train", "text_generation", *data, *small, *quick, *runs, "--name", "cat")
    assert code == 0, errors
    code, output, errors = command("evaluate", "text_generation", "--run", "cat", *runs, "--json")
    assert code == 0, errors
    assert json.loads(output)["bits_per_character"] < 6
    without = json.loads(output)["bits_per_character"]
    evaluated = ("evaluate", "text_generation", "--run", "cat", *runs, "--json", "--cache.size", "50")
    code, output, errors = command(*evaluated)
    assert code == 0, errors
    assert json.loads(output)["bits_per_character_without_cache"] == pytest.approx(without, rel=1e-3)
    folder = RunFolder(tmp_path / "runs", "text_generation", "cat")
    assert folder.read_config(Config).cache.size == 0
    command("evaluate", "text_generation", "--run", "cat", *runs, "--split", "test")
    assert "bits_per_character_without_cache" not in folder.read_json("report.json")["metrics"]["validation"]
    code, output, errors = command(*evaluated, "--keep_settings")
    assert code == 0, errors
    assert folder.read_config(Config).cache.size == 50
    assert "test" not in folder.read_json("report.json")["metrics"]  # it was measured before
    code, _, errors = command(*evaluated, "--keep_settings", "--split", "test")
    assert code == 0, errors
    kept = folder.read_json("report.json")["metrics"]["validation"]
    assert kept["bits_per_character"] == json.loads(output)["bits_per_character"] < without
    code, _, errors = command("export", "text_generation", "--run", "cat", *runs, *models)
    assert code == 0, errors
    code, output, errors = command("evaluate", "text_generation", *models, "--model", "text_generation", "--json")
    assert code == 0, errors
    assert json.loads(output)["bits_per_character"] == pytest.approx(kept["bits_per_character"], rel=1e-4)
    for wrong, named in (
        (("--model", "text_generation", *models, "--cache.size", "5"), "fixed in an exported model"),
        (("--run", "cat", *runs, "--keep_settings"), "--cache"),
        (("--run", "cat", *runs, "--cache.share", "2"), "cache.share"),
    ):
        code, _, errors = command("evaluate", "text_generation", *wrong)
        assert code == 2
        assert named in errors
        assert "Traceback" not in errors
    given = ("predict", "text_generation", "--prompt", "the ", "--max_tokens", "9", "--seed", "2", *models)
    code, output, errors = command(*given)
    assert code == 0, errors
    assert output.startswith("the ")
    assert len(output) == len("the ") + 9 + 1
    code, again, _ = command(*given, "--json")
    assert json.loads(again)["text"] == output[:-1]
    for wrong in (("--temperature", "-1"), ("--top_p", "0"), ("--max_tokens", "0")):
        code, _, errors = command("predict", "text_generation", *wrong, *models)
        assert code == 2
        assert wrong[0] in errors
        assert "Traceback" not in errors


def test_bad_options_name_the_fix():
    with pytest.raises(Exception, match=r"batch\.cutting"):
        Config(model=ModelConfig(kind="transformer"))
    with pytest.raises(Exception, match=r"cache\.size"):
        Config(batch=WindowConfig(cutting="windows"), model=ModelConfig(kind="transformer"), cache=CacheConfig(size=9))
    with pytest.raises(Exception, match=r"model\.heads"):
        ModelConfig(kind="transformer", units=10, heads=4)

"""The training loop on a tiny model: resume, interruption, failures, averages, early stopping."""

import errno
import json
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.errors import Interrupted, UserError
from apps.runs import atomic
from apps.runs.averaging import WeightAverage
from apps.runs.folder import RunFolder
from apps.runs.optimization import build_optimizer
from apps.runs.progress import NoReport
from apps.runs.trainer import Trainer
from apps.runs.training_config import TrainingConfig

ROWS, BATCH = 48, 8
STEPS = ROWS // BATCH


class At(NoReport):
    """Calls `action` after one batch of one epoch."""

    def __init__(self, epoch, batch, action):
        self.moment, self.action, self.epoch = (epoch, batch), action, 0

    def start_epoch(self, epoch, epochs, batch, batches):
        self.epoch = epoch

    def after_batch(self, batch, figures):
        if (self.epoch, batch) == self.moment:
            self.action()


def make_trainer(path, report=None, scale=1.0, validation=True, warn=pytest.fail, note=lambda line: None, **options):
    plain = {"min_steps": 0, "schedule": "constant", "warmup": 0.0, "average_decay": 0.0, "tensorboard": False}
    options = {"epochs": 3, "learning_rate": 0.05, **plain, **options}
    config = TrainingConfig(**options)
    keras.utils.set_random_seed(config.seed)
    random = np.random.default_rng(0)
    inputs = (random.normal(size=(ROWS, 4)) * scale).astype(np.float32)
    targets = (inputs[:, 0] > 0).astype(np.int32)
    data = tf.data.Dataset.from_tensor_slices((inputs, targets))
    layers = [keras.layers.Dense(5, activation="tanh"), keras.layers.Dropout(0.4), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    folder = RunFolder(path, "test", "run")
    folder.lock()
    return Trainer(
        model=model,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        make_metrics=lambda: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        train=lambda epoch: data.shuffle(ROWS, seed=epoch + 1, reshuffle_each_iteration=False).batch(BATCH),
        validation=data.batch(16) if validation else None,
        config=config,
        folder=folder,
        report=report,
        warn=warn,
        note=note,
        resume_command="keras-seq train test --name run --resume",
    )


def finish(trainer, resume=False):
    progress = trainer.run(resume)
    trainer._folder.unlock()
    return progress, [value.numpy() for value in trainer.model.weights]


def break_off(path, report, **options):
    trainer = make_trainer(path, report, **options)
    with pytest.raises((Interrupted, UserError)) as caught:
        trainer.run()
    trainer._folder.unlock()
    return caught.value


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def figures(progress):
    return [(entry["train"], entry.get("validation"), entry["learning_rate"]) for entry in progress.history]


OPTIONS = {"average_decay": 0.9, "schedule": "cosine", "warmup": 0.2, "weight_decay": 0.01, "label_smoothing": 0.1}


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    return finish(make_trainer(tmp_path_factory.mktemp("whole"), **OPTIONS))


@pytest.mark.parametrize("moment", [(1, 1), (2, 3), (3, STEPS)], ids=str)
def test_interrupted_and_resumed_run_equals_the_whole(tmp_path, whole_run, moment):
    whole, weights = whole_run
    error = break_off(tmp_path / "parts", At(*moment, press_ctrl_c), **OPTIONS)
    assert isinstance(error, Interrupted)
    assert "--resume" in str(error)
    status = RunFolder(tmp_path / "parts", "test", "run").read_json("status.json")
    assert status["state"] == "interrupted"
    # A request is heard before the next batch, be it of training or of validation.
    assert status["step"] == (moment[0] - 1) * STEPS + moment[1]
    resumed, resumed_weights = finish(make_trainer(tmp_path / "parts", **OPTIONS), resume=True)
    assert figures(resumed) == figures(whole)
    assert resumed.best == whole.best
    for one, other in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_so_does_one_with_muon_and_batches_in_parts(tmp_path):
    options = {**OPTIONS, "optimizer": "muon", "shards": 3}
    whole, weights = finish(make_trainer(tmp_path / "whole", **options))
    break_off(tmp_path / "parts", At(2, 3, press_ctrl_c), **options)
    resumed, resumed_weights = finish(make_trainer(tmp_path / "parts", **options), resume=True)
    assert figures(resumed) == figures(whole)
    for one, other in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_signal_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    finish(make_trainer(tmp_path, epochs=1))
    assert signal.getsignal(signal.SIGINT) is before


def test_metrics_file_and_status_tell_each_epoch(tmp_path):
    progress, _ = finish(make_trainer(tmp_path))
    folder = tmp_path / "test" / "run"
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert lines == progress.history
    assert [line["step"] for line in lines] == [STEPS, 2 * STEPS, 3 * STEPS]
    status = json.loads((folder / "status.json").read_text())
    assert (status["epoch"], status["step"], status["best"]) == (3, 3 * STEPS, progress.best)


def test_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    def corrupt():
        trainer.model.layers[0].kernel.assign(np.full((4, 5), np.nan))

    trainer = make_trainer(tmp_path, At(2, 2, corrupt), checkpoint_seconds=0)
    with pytest.raises(UserError, match=r"no longer a number in epoch 2 of 3.*learning_rate") as caught:
        trainer.run()
    assert caught.value.exit_code == 1
    folder = trainer._folder
    assert folder.state == "failed"
    checkpoint = folder.checkpoints.load_newest(pytest.fail)
    assert checkpoint.step == STEPS + 1  # the weights after the second batch were broken before they were written
    assert all(np.isfinite(value).all() for value in checkpoint.arrays.values())


def test_full_disk_names_the_fix_and_the_run_goes_on_from_before(tmp_path, monkeypatch, whole_run):
    whole, weights = whole_run
    write = atomic.write_bytes

    def fail(path, content):
        if path.suffix == ".npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    def fill_disk():
        monkeypatch.setattr(atomic, "write_bytes", fail)

    error = break_off(tmp_path / "parts", At(2, 1, fill_disk), **OPTIONS)
    assert "No space left on device" in str(error)
    assert f"The checkpoint of step {STEPS} is kept: free some space" in str(error)
    assert "go on with: keras-seq train test --name run --resume" in str(error)
    monkeypatch.setattr(atomic, "write_bytes", write)
    resumed, resumed_weights = finish(make_trainer(tmp_path / "parts", **OPTIONS), resume=True)
    assert figures(resumed) == figures(whole)
    for one, other in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_damaged_newest_checkpoint_costs_only_the_steps_since_the_one_before(tmp_path, whole_run):
    whole, weights = whole_run
    break_off(tmp_path / "parts", At(3, 2, press_ctrl_c), checkpoint_seconds=0, **OPTIONS)
    newest = max((tmp_path / "parts" / "test" / "run" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-10])
    lines = []
    resumed, resumed_weights = finish(
        make_trainer(tmp_path / "parts", warn=lines.append, checkpoint_seconds=0, **OPTIONS), resume=True
    )
    assert any(newest.name in line for line in lines)
    assert figures(resumed) == figures(whole)
    for one, other in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_patience_ends_the_run_and_the_best_epoch_is_what_remains(tmp_path):
    trainer = make_trainer(tmp_path, epochs=40, learning_rate=1.5, optimizer="sgd", patience=2, monitor="loss")
    progress, weights = finish(trainer)
    losses = [entry["validation"]["loss"] for entry in progress.history]
    best = int(np.argmin(losses))
    assert progress.best["epoch"] == best + 1
    assert len(losses) == best + 3 < 40
    checkpoint = trainer._folder.checkpoints.load(progress.best["step"])
    for number, value in enumerate(weights):
        np.testing.assert_array_equal(value, checkpoint.arrays[f"weights/{number:04d}"])


@pytest.mark.parametrize(("min_steps", "epochs"), [(0, 3), (18, 3), (19, 4), (60, 10)])
def test_small_data_get_more_epochs(tmp_path, min_steps, epochs):
    lines = []
    progress = make_trainer(tmp_path, min_steps=min_steps, note=lines.append).run()
    assert (progress.epoch, progress.step) == (epochs, epochs * STEPS)
    assert len(lines) == (epochs != 3)
    assert all(f"{epochs} epochs in place of 3" in line for line in lines)


def test_averages_are_what_is_validated_and_kept(tmp_path):
    trainer = make_trainer(tmp_path, average_decay=0.8, epochs=1)
    progress, weights = finish(trainer)
    arrays = trainer._folder.checkpoints.load_newest(pytest.fail).arrays
    for number, value in enumerate(weights):
        np.testing.assert_array_equal(value, arrays[f"average/{number:04d}"])
        assert np.any(value != arrays[f"weights/{number:04d}"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    total = [(float(loss(y, trainer.model(x))), len(y)) for x, y in trainer._validation]
    expected = sum(value * count for value, count in total) / ROWS
    assert progress.history[0]["validation"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_run_without_validation_ends_with_the_last_weights(tmp_path):
    trainer = make_trainer(tmp_path, validation=False, epochs=2, patience=1)
    progress, weights = finish(trainer)
    assert progress.best is None
    assert progress.epoch == 2
    arrays = trainer._folder.checkpoints.load_newest(pytest.fail).arrays
    np.testing.assert_array_equal(weights[0], arrays["weights/0000"])


def test_checkpoint_of_another_model_is_refused(tmp_path):
    break_off(tmp_path, At(1, 2, press_ctrl_c))
    trainer = make_trainer(tmp_path)
    trainer.model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(UserError, match="does not fit the model"):
        trainer.run(resume=True)


def test_event_files_tell_each_epoch_and_are_not_needed(tmp_path):
    finish(make_trainer(tmp_path / "with", tensorboard=True, epochs=2))
    (file,) = (tmp_path / "with" / "test" / "run" / "tensorboard").iterdir()
    records = [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]
    values = {(event.step, value.tag) for event in records for value in event.summary.value}
    assert {(1, "train/loss"), (2, "validation/accuracy"), (2, "learning_rate")} <= values
    lines = []
    trainer = make_trainer(tmp_path / "without", tensorboard=True, epochs=2, warn=lines.append)
    (tmp_path / "without" / "test" / "run" / "tensorboard").write_text("a file where the folder should be")
    assert finish(trainer)[0].epoch == 2
    assert len(lines) == 1
    assert "TensorBoard" in lines[0]


def test_average_follows_its_recurrence():
    variable = keras.Variable(np.array([1.0, 2.0]))
    average = WeightAverage([variable], decay=0.5)
    expected = np.array([1.0, 2.0])
    for step in range(1, 30):
        variable.assign(np.array([step, -step], np.float32))
        average.update(tf.constant(step))
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * np.array([step, -step])
        np.testing.assert_allclose(average.get()[0], expected, rtol=1e-5)
    with average.in_place():
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5)
    np.testing.assert_array_equal(variable.numpy(), [29, -29])


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_schedule_rises_then_falls_to_its_end(schedule):
    config = TrainingConfig(learning_rate=0.2, schedule=schedule, warmup=0.1, final_learning_rate=0.5)
    rate = build_optimizer(config, 100)._learning_rate
    values = np.array([float(rate(step)) for step in range(101)])
    np.testing.assert_allclose(values[:10], 0.2 * np.arange(1, 11) / 10, rtol=1e-5)
    done = (np.arange(10, 101) - 10) / 90
    share = {"constant": 1 + 0 * done, "linear": 1 - done, "cosine": 0.5 + 0.5 * np.cos(np.pi * done)}[schedule]
    np.testing.assert_allclose(values[10:], 0.1 + 0.1 * share, rtol=1e-5)


def test_biases_do_not_decay():
    config = TrainingConfig(weight_decay=0.1, learning_rate=0.5, clip_norm=None, optimizer="sgd", momentum=0.0)
    kernel, bias = keras.Variable(np.ones(3), name="kernel"), keras.Variable(np.ones(3), name="bias")
    build_optimizer(config, 10).apply([tf.zeros(3), tf.zeros(3)], [kernel, bias])
    np.testing.assert_allclose(kernel.numpy(), 0.95)
    np.testing.assert_array_equal(bias.numpy(), 1.0)


def test_muon_steps_are_orthogonal_and_words_are_left_to_adam():
    config = TrainingConfig(
        optimizer="muon", learning_rate=0.5, adam_rate=0.1, clip_norm=None, schedule="constant", warmup=0
    )
    names = {"kernel": (6, 4), "embedding/embeddings": (6, 4), "decoder/head/kernel": (6, 4), "gru_cell/bias": (2, 4)}
    variables = [keras.Variable(tf.zeros(shape), name=name.replace("/", "_")) for name, shape in names.items()]
    for variable, name in zip(variables, names, strict=True):
        variable._path = name
    gradients = [tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32) for shape in names.values()]
    optimizer = build_optimizer(config, 10)
    optimizer.apply(gradients, variables)
    values = np.linalg.svd(variables[0].numpy(), compute_uv=False)
    assert values.max() < 2 * values.min()  # Newton and Schulz come near to 1, within some 30 %
    for variable, gradient in zip(variables[1:], gradients[1:], strict=True):
        np.testing.assert_allclose(variable.numpy(), -0.05 * np.sign(gradient), rtol=1e-3)  # the first step of Adam

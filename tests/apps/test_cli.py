"""The command line: quick help, exit codes, one line for each mistake."""

import errno
import subprocess
import sys
import time

import pytest

from apps.cli import explain, main
from apps.commands import VERBS
from apps.errors import Interrupted, UsageError, UserError
from pipelines.errors import DataError


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "apps", *arguments], capture_output=True, text=True)


def test_help_is_quick():
    def seconds():
        start = time.perf_counter()
        assert run("--help").returncode == 0
        return time.perf_counter() - start

    assert min(seconds() for _ in range(4)) < 1.0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["train", "sentiment", "--print_config"],
        *[[verb, "sentiment", "--help"] for verb in ("train", "evaluate", "predict", "export")],
        *[[verb, "--help"] for verb in ("cells", "models", "studio", "doctor")],
    ],
    ids=" ".join,
)
def test_help_imports_no_tensorflow(arguments):
    code = (
        "import sys; from apps.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'tensorflow', 'keras', 'streamlit', 'pandas', 'sklearn'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def test_help_names_all_verbs(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)


def test_help_documents_every_setting(capsys):
    from apps.sentiment import Config
    from apps.settings import field_types

    assert main(["train", "sentiment", "--help"]) == 0
    shown = capsys.readouterr().out
    for name in field_types(Config):
        option = shown.index(f"--{name} ")
        explanation = shown[option:].split("--", 2)[1].split(maxsplit=2)
        assert len(explanation) == 3, f"{name} has no explanation"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trian"], "did you mean 'train'?"),
        (["train"], "needs a task, one of: sentiment"),
        (["train", "sentimant"], "did you mean 'sentiment'?"),
        (["train", "sentiment", "--traning.epochs", "3"], "did you mean '--training.epochs'?"),
        (["train", "sentiment", "--training.epoch", "3"], "did you mean '--training.epochs'?"),
        (["train", "sentiment", "--training.epochs", "many"], "training.epochs: expected int, got many"),
        (["train", "sentiment", "--training.epochs", "0"], "training.epochs must be at least 1"),
        (["train", "sentiment", "--model.cell", "lstn"], "expected one of 'lstm', 'gru', 'elman'"),
        (["train", "sentiment", "--text.max_length", "0"], "text.max_length must be at least 1"),
        (["train", "sentiment", "--training.epochs"], "expected one argument"),
        (["train", "sentiment", "--config", "nowhere.yaml"], "no configuration file nowhere.yaml"),
        (["train", "sentiment", "--name", "a/b"], "A run's name is made of letters"),
        (["train", "sentiment", "extra"], "Unexpected argument 'extra'"),
        (["evaluate", "sentiment", "--run", "a", "--model", "b"], "exclude each other"),
        (["predict", "sentiment", "text", "--csv", "file.csv"], "exclude each other"),
        (["predict", "sentiment", "--csv", "nowhere.csv"], "no file nowhere.csv"),
        (["predict", "sentiment", "text", "--output", "a.csv"], "--output belongs to --csv"),
        (["cells", "--steps", "0"], "--steps must be at least 1. Received: 0"),
        (["cells", "--seed", "-1"], "--seed must be at least 0. Received: -1"),
        (["models", "inspect"], "Which model?"),
        (["models", "lst"], "expected one of 'list', 'inspect', 'verify'"),
        (["--quiet", "train"], "The verb comes first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_on_the_command_line_is_one_line_and_code_2(arguments, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "sentiment", "--resume"], "no unfinished sentiment run in runs/sentiment"),
        (["train", "sentiment", "--resume", "--name", "a"], "No sentiment run 'a'"),
        (["models", "inspect", "nothing", "--models.dir", "here"], "No model 'nothing' in here"),
        (["studio", "--port", "99999"], "--port must be from 1 to 65535"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_missing_is_one_line_and_code_1(arguments, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("Do this."), 1, "Do this."),
        (UsageError("Do that."), 2, "Do that."),
        (Interrupted("Stopped."), 130, "Stopped."),
        (DataError("bad row"), 1, "bad row"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (MemoryError(), 1, "smaller batches"),
        (OSError(errno.ENOSPC, "No space left on device", "big.npz"), 1, "disk is full (while writing big.npz)"),
        (PermissionError(errno.EACCES, "Permission denied", "secret"), 1, "Permission denied: secret"),
        (ZeroDivisionError("division by zero"), 1, "Unexpected ZeroDivisionError: division by zero (--debug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_failure_has_a_line_and_a_code(error, code, words):
    line, exit_code = explain(error)
    assert exit_code == code
    assert words in line
    assert "\n" not in line


def test_out_of_memory_of_tensorflow_names_the_batch_size():
    import tensorflow as tf

    line, code = explain(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nwith shape"))
    assert "--batch.batch_size" in line
    assert code == 1


def test_debug_shows_the_traceback(capsys):
    assert main(["train", "sentiment", "--config", "nowhere.yaml", "--debug"]) == 2
    errors = capsys.readouterr().err
    assert "Traceback" in errors
    assert errors.splitlines()[-1].startswith("keras-seq: There is no configuration file")


def test_task_needs_no_change_of_a_verb(monkeypatch, capsys):
    """A module with a `TASK`, and its line in the registry, are all that the verbs ask for."""
    import types
    from dataclasses import dataclass, field

    from apps import sentiment, task
    from apps.runs.training_config import TrainingConfig
    from pipelines.config import DataConfig

    @dataclass(frozen=True)
    class Config:
        """Settings of echo.

        Attributes:
            data: The records.
            training: The training.
            loudness: How loud to call.
        """

        data: DataConfig = field(default_factory=DataConfig)
        training: TrainingConfig = field(default_factory=TrainingConfig)
        loudness: int = 3

    class EchoTask(sentiment.SentimentTask):
        name = "echo"
        summary = "Repeat."
        config_class = Config

        def settled(self, config):
            return config

    module = types.ModuleType("echo_task")
    module.TASK = EchoTask()
    monkeypatch.setitem(sys.modules, "echo_task", module)
    monkeypatch.setitem(task.TASKS, "echo", "echo_task")
    assert main(["train", "echo", "--print_config", "--loudness", "5"]) == 0
    assert "loudness: 5" in capsys.readouterr().out
    for verb in ("train", "evaluate", "predict", "export"):
        assert main([verb, "echo", "--help"]) == 0
        assert f"keras-seq {verb} echo" in capsys.readouterr().out

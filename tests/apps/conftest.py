"""Runs of the real command in processes of their own, which share one import of TensorFlow."""

import json
from pathlib import Path

import pytest

TINY = [
    *("--data.source", "samples", "--data.limit", "96", "--text.max_length", "12", "--batch.batch_size", "8"),
    *("--model.cell", "elman", "--model.units", "4", "--model.embedding_size", "4", "--model.bidirectional", "false"),
    *("--training.epochs", "4", "--training.average_decay", "0.9", "--training.checkpoint_seconds", "0"),
    *("--training.schedule", "cosine", "--training.warmup", "0.2", "--training.tensorboard", "false"),
    *("--training.min_steps", "0", "--training.learning_rate", "0.001"),
]


@pytest.fixture(scope="session")
def start_command(start_apart):
    """`start_command(arguments)` starts `keras-seq` in a process of its own and returns (process, output path)."""
    return lambda arguments: start_apart(
        "import sys; from apps.cli import main; sys.exit(main(sys.argv[1:]))", *arguments
    )


@pytest.fixture(scope="session")
def command(start_command):
    """`command(*arguments)` runs `keras-seq` to its end and returns (exit code, output, errors)."""

    def run(*arguments):
        process, output = start_command(arguments)
        process.join(400)
        assert process.exitcode is not None, "the command hangs"
        return process.exitcode, Path(f"{output}.out").read_text(), Path(f"{output}.err").read_text()

    return run


@pytest.fixture(scope="session")
def tiny():
    """Options of a training that takes seconds."""
    return TINY


@pytest.fixture(scope="session")
def trained(command, tmp_path_factory):
    """The folder of all runs, with the finished run `whole`."""
    root = tmp_path_factory.mktemp("runs")
    code, output, errors = command("train", "sentiment", *TINY, "--runs.dir", root, "--name", "whole", "--json")
    assert code == 0, errors
    assert json.loads(output)["name"] == "whole"
    return root


@pytest.fixture(scope="session")
def exported(command, trained):
    """The folder of exported models, with `sentiment/1`."""
    folder = trained.parent / f"{trained.name}-models"
    code, _, errors = command("export", "sentiment", "--run", "whole", "--runs.dir", trained, "--models.dir", folder)
    assert code == 0, errors
    return folder

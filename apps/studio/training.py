"""Small trainings that the studio starts: each in a process of its own, which the studio can stop."""

import atexit
import ipaddress
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from apps.errors import UserError
from apps.studio.runs import LOG

_COMMON = (
    *("--data.source", "samples", "--training.min_steps", "0", "--training.tensorboard", "false"),
    # With so few steps, the usual average of the weights would be one of weights that have learnt nothing.
    *("--training.checkpoint_seconds", "2", "--training.average_decay", "0.9"),
)
PRESETS = {
    "sentiment": (
        *("--batch.batch_size", "16", "--text.max_length", "40", "--model.units", "32", "--model.embedding_size", "32"),
        *("--training.epochs", "12", "--training.learning_rate", "0.008", *_COMMON),
    ),
    "text_generation": (
        *("--batch.batch_size", "8", "--batch.window", "32", "--model.units", "96", "--model.embedding_size", "32"),
        *("--training.epochs", "15", "--training.learning_rate", "0.004", *_COMMON),
    ),
    "translation": (
        *("--model.kind", "rnn_attention", "--model.units", "64"),
        *("--text.vocabulary_size", "400", "--decoding.validation_pairs", "16", "--training.epochs", "12", *_COMMON),
        *("--batch.tokens", "300", "--training.learning_rate", "0.005"),
    ),
}
"""The options of the training of each task: on the bundled samples, a minute or two on two cores."""

_started: dict[Path, subprocess.Popen] = {}
_stopping: set[Path] = set()
_guard = threading.Lock()


def refusal(address: str | None, read_only: bool) -> str | None:
    """Why visitors may start no training here; None if they may.

    Whoever can reach the studio could keep its processor busy: so only people at this machine may.

    Args:
        address: Where the studio listens; None is everywhere.
        read_only: Whether the studio was told to start none.
    """
    if read_only:
        return "This studio was started with `--read_only`, so no training can be started here."
    if address == "localhost":
        return None
    try:
        loopback = ipaddress.ip_address(address or "0.0.0.0").is_loopback
    except ValueError:
        loopback = False
    return None if loopback else "Other machines can reach this studio, so no training can be started here."


def command(task: str, name: str, root: Path | str) -> list[str]:
    """The program and arguments of a small training."""
    return [
        *(sys.executable, "-m", "apps", "train", task, *PRESETS[task]),
        *("--name", name, "--runs.dir", str(root)),
    ]


def start(task: str, root: Path | str) -> Path:
    """Start the small training of a task; it writes its log into the run's folder.

    Args:
        task: The task's name.
        root: The folder of all runs.

    Returns:
        The run's folder.

    Raises:
        UserError: when one is going on already, or the folder cannot be made.
    """
    with _guard:
        if any(process.poll() is None for process in _started.values()):
            raise UserError("A training that was started here is going on: wait for its end, or stop it.")
        try:
            folder = _new_folder(Path(root) / task)
            with open(folder / LOG, "wb") as log:
                process = subprocess.Popen(
                    command(task, folder.name, root),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
                    # Ctrl-C on the terminal of the studio must reach it once, by `_stop_all`: the second would kill it.
                    start_new_session=True,
                )
        except OSError as error:
            raise UserError(f"No training can be started in {root}: {error.strerror or error}.") from None
        _started[folder.resolve()] = process
        _stopping.discard(folder.resolve())
        return folder


def _new_folder(parent: Path) -> Path:
    """Makes `studio-1`, `studio-2` and so on, the first that is not there."""
    number = 1
    while True:
        folder = parent / f"studio-{number}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def alive() -> frozenset[Path]:
    """The folders of the trainings that were started here and go on."""
    with _guard:
        return frozenset(path for path, process in _started.items() if process.poll() is None)


def is_stopping(folder: Path) -> bool:
    """Whether a training was asked to stop."""
    return folder.resolve() in _stopping


def stop(folder: Path) -> bool:
    """Ask a training to stop; it writes a checkpoint first.

    Returns:
        Whether it was started here and was going on.
    """
    with _guard:
        process = _started.get(folder.resolve())
        if process is None or process.poll() is not None:
            return False
        _interrupt(folder.resolve(), process)
        return True


def _interrupt(folder: Path, process: subprocess.Popen) -> None:
    if folder in _stopping:  # a second request would end it at once, without a checkpoint
        return
    _stopping.add(folder)
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:  # Windows cannot ask one process alone: it goes on from its last checkpoint
        process.terminate()


@atexit.register
def _stop_all() -> None:
    """When the studio ends, so do its trainings, each with a checkpoint."""
    for folder, process in _started.items():
        if process.poll() is None:
            _interrupt(folder, process)

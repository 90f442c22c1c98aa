"""The folder of one run: what is in it, making it, and having it to oneself."""

import json
import re
import time
from pathlib import Path
from typing import IO, Any

from apps.errors import UsageError, UserError
from apps.runs import atomic
from apps.runs.checkpoints import CheckpointStore
from apps.settings import build_config, read_settings, to_yaml

DEFAULT_ROOT = "runs"


class RunFolder:
    """`<root>/<task>/<name>/`, where a run keeps all it knows.

    The run exists from the moment that its `config.yaml` is there.

    Args:
        root: The folder of all runs.
        task: The task's name.
        name: The run's name: letters, digits, `.`, `_` and `-`.
    """

    def __init__(self, root: Path | str, task: str, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise UsageError(f"A run's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}")
        self.task = task
        self.name = name
        self.path = Path(root) / task / name
        self.checkpoints = CheckpointStore(self.path / "checkpoints")
        self._lock: IO | None = None

    @property
    def config_file(self) -> Path:
        """The resolved configuration, every field named."""
        return self.path / "config.yaml"

    @property
    def vocabulary(self) -> Path:
        """The folder of the tokenizer."""
        return self.path / "vocabulary"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def exists(self) -> bool:
        """Whether there is a run of this name."""
        return self.config_file.is_file()

    def require(self) -> "RunFolder":
        """This folder, if the run exists.

        Raises:
            UserError: when it does not; the line names the runs that there are.
        """
        if not self.exists:
            names = run_names(self.path.parent.parent, self.task)
            known = f"there are: {', '.join(names)}" if names else "there are none"
            raise UserError(f"No {self.task} run {self.name!r} in {self.path.parent}; {known}.")
        return self

    def lock(self) -> None:
        """Keep other processes from training in this folder until this one ends, however it ends.

        Raises:
            UserError: when another process has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.path / ".lock", "a")  # noqa: SIM115 - open as long as the process
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: no advisory locks, and so no protection
            pass
        except OSError:
            raise UserError(
                f"Another process is training the run {self.path}; wait for it or choose a --name."
            ) from None
        atomic.remove_leftovers(self.path)
        atomic.remove_leftovers(self.path / "checkpoints")

    def unlock(self) -> None:
        """Let others have the folder again."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def create(self, config: Any, tokenizer: Any, data: dict[str, Any]) -> None:
        """Write what stays the same through the run; `config.yaml` last, since it makes the run exist.

        Args:
            config: The task's configuration.
            tokenizer: What `vocabulary/` is to hold; it has `save(directory)`.
            data: What is known about the data: JSON values.
        """
        atomic.write_directory(self.vocabulary, tokenizer.save)
        atomic.write_json(self.path / "data.json", data)
        self.write_config(config)

    def write_config(self, config: Any) -> None:
        """Write the configuration of the run."""
        atomic.write_text(self.config_file, to_yaml(config))

    def read_config(self, config_class: type) -> Any:
        """The configuration that the run was made with."""
        return build_config(config_class, read_settings(self.config_file, config_class), str(self.config_file))

    def read_json(self, file_name: str) -> dict[str, Any]:
        """One of the run's JSON files.

        Raises:
            UserError: when it is missing or malformed.
        """
        path = self.path / file_name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}); restore it or train the run again.") from None

    def write_json(self, file_name: str, value: Any) -> None:
        """Write one of the run's JSON files."""
        atomic.write_json(self.path / file_name, value)

    def write_status(self, state: str, **fields: Any) -> None:
        """Write `status.json`: `running`, `interrupted`, `failed` or `finished`, and where the run is."""
        self.write_json("status.json", {"state": state, "updated": timestamp(), **fields})

    @property
    def state(self) -> str:
        """The state in `status.json`, or `unknown`."""
        try:
            return str(self.read_json("status.json")["state"])
        except (UserError, KeyError):
            return "unknown"


def run_names(root: Path | str, task: str) -> list[str]:
    """The names of a task's runs."""
    folder = Path(root) / task
    return sorted(path.parent.name for path in folder.glob("*/config.yaml")) if folder.is_dir() else []


def newest_run(root: Path | str, task: str, unfinished: bool = False) -> str:
    """The name of the run that was written to last, among the unfinished ones if that is asked for.

    Raises:
        UserError: when there is none.
    """
    folders = [RunFolder(root, task, name) for name in run_names(root, task)]
    wanted = [folder for folder in folders if not unfinished or folder.state != "finished"]
    if not wanted:
        kind = "unfinished " if unfinished else ""
        raise UserError(
            f"There is no {kind}{task} run in {Path(root) / task}; begin one with `keras-seq train {task}`."
        )
    return max(wanted, key=_last_change).name


def _last_change(folder: RunFolder) -> int:
    status = folder.path / "status.json"
    return (status if status.exists() else folder.config_file).stat().st_mtime_ns


def unused_name(root: Path | str, task: str) -> str:
    """`run-1`, `run-2` and so on: the first number after all that are there."""
    folder = Path(root) / task
    numbers = [0]
    if folder.is_dir():
        numbers += [int(path.name[4:]) for path in folder.iterdir() if re.fullmatch(r"run-\d+", path.name)]
    return f"run-{max(numbers) + 1}"


def timestamp() -> str:
    """Now, in UTC, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

"""The runs on this machine, as their folders tell: what each is doing, how well it does, and its settings.

`status.json`, `metrics.jsonl`, `config.yaml` and `report.json` are read and never written; one that is missing, or
cannot be read, counts as empty.
"""

import contextlib
import functools
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from apps.studio.settings import MAX_RUNS

LOG = "log.txt"
LOG_BYTES, LOG_LINES = 16_384, 40
STARTING, RUNNING, FINISHED = "starting", "running", "finished"
INTERRUPTED, FAILED, LOST = "interrupted", "failed", "lost"
ACTIVE = frozenset({STARTING, RUNNING})
LOWER_IS_BETTER = frozenset({"loss", "perplexity"})


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        task: The task's name.
        name: The run's name.
        path: Its folder.
        state: What it is doing; `lost` is a run whose process ended without a word.
        updated: When it last wrote its status, in seconds since 1970.
        status: The contents of its `status.json`.
        config: Its settings, `section.field` by value.
    """

    task: str
    name: str
    path: Path
    state: str
    updated: float
    status: Mapping[str, Any] = field(repr=False, hash=False)
    config: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def key(self) -> str:
        """`task/name`."""
        return f"{self.task}/{self.name}"

    @property
    def monitor(self) -> str:
        """The figure by which its epochs are compared."""
        return str(self.config.get("training.monitor", "figure"))

    @property
    def best(self) -> float | None:
        """That figure in the best epoch so far, if there is one."""
        best = self.status.get("best")
        return _number(best.get("value")) if isinstance(best, Mapping) else None

    @property
    def best_epoch(self) -> int | None:
        """The best epoch, from 1."""
        best = self.status.get("best")
        return best.get("epoch") if isinstance(best, Mapping) and isinstance(best.get("epoch"), int) else None

    @property
    def epochs(self) -> tuple[int, int | None]:
        """How many epochs are done, and of how many; None where time decides."""
        done, total = (self.status.get(name) for name in ("epoch", "epochs"))
        return done if isinstance(done, int) else 0, total if isinstance(total, int) and total > 0 else None


def list_runs(root: Path | str, started: frozenset[Path] = frozenset()) -> list[Run]:
    """All runs, the one that was written to last first.

    Args:
        root: The folder of all runs.
        started: Folders in which a process is known to be alive: one that has not come to its lock yet is `starting`.
    """
    folders = [path for path in Path(root).glob("*/*") if (path / "config.yaml").is_file() or (path / LOG).is_file()]
    # A folder may go while it is being read.
    found = [_changed(path) for path in folders]
    newest = sorted(zip(found, folders, strict=True), key=lambda pair: (-pair[0], pair[1]))[:MAX_RUNS]
    runs = [read_run(path, path.resolve() in started) for _, path in newest]
    return sorted(runs, key=lambda run: (run.state not in ACTIVE, -run.updated, run.key))


def read_run(path: Path, alive: bool = False) -> Run:
    """The run in a folder.

    Args:
        path: The folder.
        alive: Whether a process is known to work on it.
    """
    status = _read_json(path / "status.json")
    state = str(status.get("state", ""))
    if state not in (RUNNING, FINISHED, INTERRUPTED, FAILED):
        # A run without a configuration has come to an end before it began: its log says why.
        ended = LOST if (path / "config.yaml").is_file() else FAILED
        state = STARTING if alive or is_locked(path) else ended
    elif state == RUNNING and not alive and not is_locked(path):
        state = LOST
    return Run(path.parent.name, path.name, path, state, _updated(path, status), status, read_config(path))


def is_locked(path: Path) -> bool:
    """Whether a process has a run's folder to itself, as one that trains does until its end."""
    try:
        import fcntl
    except ImportError:  # Windows: nobody can tell
        return True
    try:
        with open(path / ".lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def history(run: Run) -> list[dict[str, Any]]:
    """The figures of each completed epoch."""
    entries = []
    with contextlib.suppress(OSError):
        for line in (run.path / "metrics.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and isinstance(entry.get("epoch"), int):
                    entries.append(entry)
    return entries


def figures(entry: Mapping[str, Any], split: str) -> dict[str, float]:
    """The figures of an epoch on `train` or `validation` that are numbers."""
    found = entry.get(split)
    if not isinstance(found, Mapping):
        return {}
    return {str(name): number for name, value in found.items() if (number := _number(value)) is not None}


def best_figures(run: Run) -> dict[str, float]:
    """The validation figures of a run's best epoch; those of its last one where none is the best."""
    entries = history(run)
    chosen = [entry for entry in entries if entry["epoch"] == run.best_epoch] or entries[-1:]
    return figures(chosen[-1], "validation") if chosen else {}


def report(run: Run) -> dict[str, Any]:
    """The report of a finished run."""
    return _read_json(run.path / "report.json")


def log_tail(run: Run) -> str:
    """The last lines of a run's log; empty where there is none."""
    try:
        with open(run.path / LOG, "rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - LOG_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-LOG_LINES:])


def read_config(path: Path) -> dict[str, Any]:
    """The settings of the run in a folder, `section.field` by value."""
    file = path / "config.yaml"
    try:
        return _read_config(file, file.stat().st_mtime_ns)
    except OSError:
        return {}


@functools.lru_cache(maxsize=2 * MAX_RUNS)
def _read_config(file: Path, changed: int) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError):
        return {}
    return flatten(found) if isinstance(found, dict) else {}


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with the names of their sections before their own: `{"a": {"b": 1}}` is `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def config_differences(first: Run, second: Run) -> list[tuple[str, Any, Any]]:
    """The settings in which two runs differ, as (name, value of the first, value of the second); None: not there."""
    names = list(dict.fromkeys([*first.config, *second.config]))
    pairs = [(name, first.config.get(name), second.config.get(name)) for name in names]
    return [(name, one, other) for name, one, other in pairs if one != other]


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _updated(path: Path, status: Mapping[str, Any]) -> float:
    with contextlib.suppress(TypeError, ValueError):
        return datetime.fromisoformat(status.get("updated", "")).timestamp()
    return _changed(path)


def _changed(path: Path) -> float:
    """When a run was last written to; now, for one that is gone."""
    for name in ("status.json", "config.yaml", LOG):
        with contextlib.suppress(OSError):
            return (path / name).stat().st_mtime
    return time.time()

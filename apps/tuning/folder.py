"""The folder of a search: what is in it, and having it to oneself."""

from pathlib import Path
from typing import Any

import yaml

from apps.errors import UsageError, UserError
from apps.runs import atomic
from apps.runs.folder import RunFolder
from apps.tuning.journal import Journal

DEFAULT_ROOT = "searches"


class SearchFolder:
    """`<root>/<task>/<name>/`, where a search keeps all it knows.

    `search.yaml` has its settings and makes it exist, `events.jsonl` what happened, `trials/<task>/` the runs.

    Args:
        root: The folder of all searches.
        task: The task's name.
        name: The search's name; it is made as a run's is.
    """

    def __init__(self, root: Path | str, task: str, name: str) -> None:
        self._lockable = RunFolder(root, task, name)
        self.task = task
        self.name = name
        self.path = self._lockable.path
        self.journal = Journal(self.path / "events.jsonl")

    @property
    def settings_file(self) -> Path:
        """What the search was begun with."""
        return self.path / "search.yaml"

    @property
    def best_file(self) -> Path:
        """The settings of the best trial, as `train --config` takes them."""
        return self.path / "best.yaml"

    @property
    def trials(self) -> Path:
        """The root of the trials' run folders."""
        return self.path / "trials"

    @property
    def exists(self) -> bool:
        """Whether there is a search of this name."""
        return self.settings_file.is_file()

    def require(self) -> "SearchFolder":
        """This folder, if the search exists.

        Raises:
            UserError: when it does not; the line names the searches that there are.
        """
        if not self.exists:
            names = sorted(path.parent.name for path in self.path.parent.glob("*/search.yaml"))
            known = f"there are: {', '.join(names)}" if names else "there are none"
            raise UserError(f"No {self.task} search {self.name!r} in {self.path.parent}; {known}.")
        return self

    def lock(self) -> None:
        """Keep other processes from going on with this search.

        Raises:
            UserError: when another process has it.
        """
        try:
            self._lockable.lock()
        except UserError:
            raise UserError(f"Another process is at the search {self.path}; wait for it or choose a --name.") from None

    def unlock(self) -> None:
        """Let others have the folder again."""
        self._lockable.unlock()

    def trial(self, name: str) -> RunFolder:
        """The run folder of a trial."""
        return RunFolder(self.trials, self.task, name)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write `search.yaml`."""
        atomic.write_text(self.settings_file, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))

    def read_settings(self) -> dict[str, Any]:
        """What `write_settings` wrote.

        Raises:
            UserError: when the file is malformed.
        """
        try:
            return yaml.safe_load(self.settings_file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(f"{self.settings_file} cannot be read: {' '.join(str(error).split())}") from None


def newest_search(root: Path | str, task: str) -> str:
    """The name of the search that was written to last.

    Raises:
        UsageError: when there is none.
    """
    files = list((Path(root) / task).glob("*/search.yaml"))
    if not files:
        raise UsageError(f"There is no {task} search in {Path(root) / task}; begin one with `keras-seq tune {task}`.")

    def changed(file: Path) -> int:
        journal = file.with_name("events.jsonl")
        return (journal if journal.exists() else file).stat().st_mtime_ns

    return max(files, key=changed).parent.name


def unused_search_name(root: Path | str, task: str) -> str:
    """`search-1`, `search-2` and so on: the first that is free."""
    number = 1
    while (Path(root) / task / f"search-{number}").exists():
        number += 1
    return f"search-{number}"

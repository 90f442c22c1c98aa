"""The searches on this machine, as their folders tell: what each is doing, and what it has found.

`search.yaml` and `events.jsonl` are read and never written, with the code that writes them.
"""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from apps.errors import UserError
from apps.studio.runs import is_locked
from apps.tuning.journal import Journal
from apps.tuning.objective import Objective
from apps.tuning.parameter import Parameter
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.report_page import Section, page, sections, summarize
from apps.tuning.stored_space import from_stored

MAX_SEARCHES = 100
RUNNING, FINISHED, INTERRUPTED = "running", "finished", "interrupted"
KEPT = 8
"""How many searches are kept in memory as they were read."""


@dataclass(frozen=True)
class Search:
    """One search.

    Attributes:
        task: The task's name.
        name: The search's name.
        path: Its folder.
        updated: When something happened last, in seconds since 1970.
    """

    task: str
    name: str
    path: Path
    updated: float

    @property
    def key(self) -> str:
        """`task/name`."""
        return f"{self.task}/{self.name}"


@dataclass(frozen=True)
class Findings:
    """What a search has found so far.

    Attributes:
        records: Its trials.
        parameters: What is searched.
        objective: The figure searched by.
        options: Those of `tuner`.
        summary: What its `report.json` would hold.
        over: Whether it came to its end.
    """

    records: SearchRecords
    parameters: tuple[Parameter, ...]
    objective: Objective
    options: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    over: bool

    @property
    def best(self) -> TrialRecord | None:
        """The best trial."""
        return next(iter(self.records.ranking(self.objective)), None)

    @property
    def sections(self) -> list[Section]:
        """The sections of its report."""
        return sections(self.records, self.parameters, self.objective, self.summary)

    def report(self, task: str, name: str) -> str:
        """Its report as it would be now."""
        return page(task, name, self.records, self.parameters, self.objective, self.summary)


def list_searches(root: Path | str) -> list[Search]:
    """All searches, the one in which something happened last first."""
    found = []
    for file in Path(root).glob("*/*/search.yaml"):
        path = file.parent
        found.append(Search(path.parent.name, path.name, path, _stamp(path)[0]))
    return sorted(found, key=lambda search: (-search.updated, search.key))[:MAX_SEARCHES]


def findings(search: Search) -> Findings:
    """What a search has found so far.

    Raises:
        UserError: when its settings or its journal cannot be read; the line says which line of which file.
    """
    return _read(search.path, _stamp(search.path))


def state(search: Search, found: Findings | None) -> str:
    """What it is doing: a search holds the lock of its folder until its end, however it ends."""
    if is_locked(search.path):
        return RUNNING
    return FINISHED if found is not None and found.over else INTERRUPTED


def now_running(search: Search, found: Findings) -> list[dict[str, Any]]:
    """How far the trials are that run on this machine now, a row each."""
    rows = []
    for trial in found.records.unfinished():
        if trial.attempts and trial.attempts[-1][2] is None:
            curve = found.objective.curve(search.path / "trials" / search.task / trial.name)
            values = {name.rpartition(".")[2]: value for name, value in trial.values.items()}
            figure = curve[-1] if curve else None
            rows.append({"trial": trial.name, "epochs": len(curve), found.objective.name: figure, **values})
    return rows


def best_settings(search: Search) -> str | None:
    """The settings of the best trial, as `train --config` takes them."""
    try:
        return (search.path / "best.yaml").read_text(encoding="utf-8")
    except OSError:
        return None


def _stamp(path: Path) -> tuple[float, int]:
    """What changes with the journal."""
    for name in ("events.jsonl", "search.yaml"):
        try:
            about = (path / name).stat()
            return about.st_mtime, about.st_size
        except OSError:
            continue
    return 0.0, 0


@functools.lru_cache(maxsize=KEPT)
def _read(path: Path, stamp: tuple[float, int]) -> Findings:
    file = path / "search.yaml"
    try:
        stored = yaml.safe_load(file.read_text(encoding="utf-8"))
        options, parameters = stored["tuner"], from_stored(stored["space"])
        objective = Objective(options["objective"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    events = Journal(path / "events.jsonl").read()
    try:
        records = SearchRecords(events)
        summary = summarize(records, parameters, objective, options["algorithm"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path / 'events.jsonl'} is no journal of a search: {type(error).__name__} {error}") from None
    over = bool(events) and events[-1]["event"] == "done"
    return Findings(records, parameters, objective, options, summary, over)

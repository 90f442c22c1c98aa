"""`keras-seq tune TASK`: search for good settings, go on with a search, or write its report."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from apps.console import Console, table
from apps.errors import UsageError, UserError
from apps.settings import (
    Parser,
    build_config,
    field_names,
    field_types,
    flatten,
    given_settings,
    read_settings,
    to_settings,
)
from apps.task import Task
from apps.tuning.config import CHANGEABLE, TunerConfig
from apps.tuning.folder import DEFAULT_ROOT, SearchFolder, newest_search, unused_search_name
from apps.tuning.objective import OF_EPOCHS, Objective
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.space import Parameter, Space, narrowed, shown
from apps.tuning.stored_space import from_stored, to_stored

SUMMARY = "Search for good settings, or go on with a search that was interrupted."
TAKES_TASK = True
USAGE = "[--config FILE] [--tuner.FIELD VALUE ...] [--space.SETTING VALUES ...] [--name NAME] [--resume] [--report]"
SHOWN = 5


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    search = parser.add_argument_group("Search")
    search.add_argument(
        "--config", metavar="FILE", help="Settings in YAML or TOML, with the sections tuner and space if you like."
    )
    search.add_argument("--name", metavar="NAME", help="Name of the search's folder; search-1 and so on if left out.")
    search.add_argument("--searches.dir", metavar="DIR", help=f"The folder of searches. (default: {DEFAULT_ROOT})")
    search.add_argument("--resume", action="store_true", help="Go on with the search of this name, or the newest one.")
    search.add_argument("--report", action="store_true", help="Write the report of a search anew, and end.")
    search.add_argument(
        "--print_space", "--print-space", action="store_true", help="Show what would be searched, and end."
    )
    machines = parser.add_argument_group("Many machines (in a network that you trust)")
    machines.add_argument("--role", choices=["chief", "worker"], help="chief: lead the search, others do the trials.")
    machines.add_argument("--chief", metavar="HOST:PORT", help="Where the chief listens, or is found by workers.")
    parser.add_config(TunerConfig, "tuner")
    proposed = {parameter.name: parameter for parameter in task.search_space()}
    space = parser.add_argument_group("Space: values 64,128, a range 0.1..0.5 or '1e-4..1e-2 log', or off")
    for name in dict.fromkeys([*proposed, *field_names(task.config_class)]):
        option = space.add_argument(f"--space.{name}", metavar="VALUES", type=str)
        option.help = f"(searched: {proposed[name].describe()})" if name in proposed else argparse.SUPPRESS
    parser.add_config(task.config_class)


def run(arguments: Any, task: Task, console: Console) -> None:
    """Search, and write the report."""
    root = arguments.get("searches.dir", DEFAULT_ROOT)
    name = arguments.get("name")
    if arguments.get("role") and not arguments.get("chief"):
        raise UsageError(f"--role {arguments['role']} needs --chief HOST:PORT.")
    if arguments.get("role") == "worker":
        _work(arguments, root, task, console)
        return
    if arguments.get("report"):
        folder = SearchFolder(root, task.name, name or newest_search(root, task.name)).require()
        _report(folder, task, console)
        return
    if arguments.get("resume"):
        folder = SearchFolder(root, task.name, name or newest_search(root, task.name)).require()
        tuner, space = _resumed(folder, arguments, task)
    else:
        tuner, space = _begun(arguments, task)
        folder = SearchFolder(root, task.name, name or unused_search_name(root, task.name))
    if arguments.get("print_space"):
        console.result(_space_rows(space), table("", ["setting", "values", "start", "only with"], space.rows()))
        return
    if not space.parameters:
        raise UsageError("There is nothing to search: leave more settings open; --print_space shows which are.")
    folder.lock()
    try:
        if not arguments.get("resume"):
            if folder.exists:
                raise UserError(
                    f"There is a search {name!r} in {folder.path} already: "
                    "go on with --resume, or choose another --name."
                )
            folder.write_settings(_settings(tuner, space))
        elif tuner_changes(folder.read_settings(), tuner):
            folder.write_settings(folder.read_settings() | {"tuner": to_settings(tuner)})
        _search(folder, tuner, space, task, console, arguments.get("chief"))
    finally:
        folder.unlock()


def _begun(arguments: Any, task: Task) -> tuple[TunerConfig, Space]:
    """The options and the space of a new search."""
    source = str(arguments.get("config") or "")
    settings, tuner, wishes = _read(source, task) if source else ({}, {}, {})
    given = given_settings(arguments, task.config_class)
    settings |= given
    tuner |= _given_tuner(arguments)
    wishes |= _given_wishes(arguments, task)
    config = build_config(TunerConfig, tuner, source)
    parameters = narrowed(task.search_space(), wishes, given)
    objective = _objective_name(config, task, settings, parameters)
    if objective in OF_EPOCHS:
        settings["training.monitor"] = objective
    if config.algorithm == "hyperband":
        # A rung is a number of epochs, for small data and slow machines as well.
        settings |= {"training.min_steps": 0, "training.minutes": None}
    base: Any = build_config(task.config_class, settings, source)
    tuner["objective"] = objective
    space = Space(parameters, base)
    space.check_kinds(wishes)
    return build_config(TunerConfig, tuner), space


def _resumed(folder: SearchFolder, arguments: Any, task: Task) -> tuple[TunerConfig, Space]:
    """Those of a search that has begun; only what decides how long it goes on may be given anew."""
    stored = folder.read_settings()
    asked = _given_tuner(arguments)
    for name in asked:
        if name not in CHANGEABLE and asked[name] != stored["tuner"][name]:
            raise UsageError(
                f"The search {folder.name!r} has tuner.{name} = {stored['tuner'][name]!r}: go on without that option, "
                f"or begin a new search. What may change: {', '.join(CHANGEABLE)}."
            )
    if arguments.get("config") or _given_wishes(arguments, task) or given_settings(arguments, task.config_class):
        raise UsageError(f"--resume takes settings and space from {folder.settings_file}: leave them out.")
    tuner = build_config(TunerConfig, stored["tuner"] | asked, str(folder.settings_file))
    return tuner, _stored_space(stored, task)


def _stored_space(stored: dict[str, Any], task: Task) -> Space:
    return Space(from_stored(stored["space"]), build_config(task.config_class, flatten(stored["config"])))


def tuner_changes(stored: dict[str, Any], tuner: TunerConfig) -> bool:
    """Whether a search goes on with other options than it had."""
    return stored["tuner"] != to_settings(tuner)


def _settings(tuner: TunerConfig, space: Space) -> dict[str, Any]:
    return {"tuner": to_settings(tuner), "space": to_stored(space.parameters), "config": to_settings(space.config)}


def _read(path: str, task: Task) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Settings, options of the search and wishes for the space, of a file."""
    flat = read_settings(path, task.config_class, ("tuner", "space"))
    sections: dict[str, dict[str, Any]] = {"tuner": {}, "space": {}}
    for section, found in sections.items():
        for name in [name for name in flat if name.startswith(f"{section}.")]:
            found[name.removeprefix(f"{section}.")] = flat.pop(name)
    _check_names(sections["space"], task, path)
    types = field_types(task.config_class)
    for name, wish in sections["space"].items():
        if wish is False and types[name] is not bool:  # what YAML takes the word `off` for
            sections["space"][name] = "off"
    return flat, sections["tuner"], sections["space"]


def _check_names(wishes: dict[str, Any], task: Task, path: str) -> None:
    from apps.settings import unknown

    known = field_names(task.config_class)
    for name in wishes:
        if name not in known:
            raise UsageError(f"{path}: space: " + unknown("setting", name, known, "--print_config"))


def _given_tuner(arguments: Any) -> dict[str, Any]:
    names = [f"tuner.{name}" for name in field_names(TunerConfig)]
    items = dict(arguments.items())
    return {name.removeprefix("tuner."): items[name] for name in names if name in items}


def _given_wishes(arguments: Any, task: Task) -> dict[str, Any]:
    items = dict(arguments.items())
    known = field_names(task.config_class)
    return {name: items[f"space.{name}"] for name in known if items.get(f"space.{name}") is not None}


def _objective_name(tuner: TunerConfig, task: Task, settings: dict[str, Any], parameters: tuple[Parameter, ...]) -> str:
    if tuner.objective:
        return Objective(tuner.objective).name
    # What compares texts that are cut into other tokens is measured at the end only; a figure of each epoch tells more.
    if task.search_objective and any(parameter.name.startswith("text.") for parameter in parameters):
        return task.search_objective
    return settings.get("training.monitor") or task.config_class().training.monitor


def _space_rows(space: Space) -> list[dict[str, str]]:
    return [dict(zip(("setting", "values", "start", "only_with"), row, strict=True)) for row in space.rows()]


def _work(arguments: Any, root: str, task: Task, console: Console) -> None:
    from apps.console import import_tensorflow

    import_tensorflow()
    from apps.tuning.worker import TrialWorker

    TrialWorker(arguments["chief"], Path(root), task.name, tell=console.note).run()


def _search(
    folder: SearchFolder, tuner: TunerConfig, space: Space, task: Task, console: Console, address: str | None
) -> None:
    from apps.console import import_tensorflow

    import_tensorflow()  # KerasTuner does, with more noise
    from apps.tuning.command import train_command
    from apps.tuning.hparams import HParamsEvents
    from apps.tuning.search import Search

    objective = Objective(str(tuner.objective))
    words = ["keras-seq", "tune", task.name, "--name", folder.name, "--resume"]
    root = folder.path.parent.parent.as_posix()
    resume_command = shlex.join(words if root == DEFAULT_ROOT else [*words, "--searches.dir", root])
    console.note(f"search {folder.path}: {tuner.algorithm}, {tuner.trials} trials, {len(space.parameters)} settings")

    events = HParamsEvents(folder, space, objective, console.note) if tuner.tensorboard else None

    def tell(trial: TrialRecord, records: SearchRecords) -> None:
        console.note(describe(trial, records, tuner, objective))
        if events is not None:
            events.write(records)

    if address:
        from apps.tuning.chief import Chief

        resume_command += f" --role chief --chief {address}"
        search: Search = Chief(folder, tuner, space, objective, train_command, tell, resume_command, address=address)
    else:
        search = Search(folder, tuner, space, objective, train_command, tell, resume_command)
    try:
        search.run()
    finally:
        if search.records.searched:
            _report(folder, task, console)


def describe(trial: TrialRecord, records: SearchRecords, tuner: TunerConfig, objective: Objective) -> str:
    """A trial that has ended, in one line."""
    ended = sum(other.status != "running" for other in records.searched)
    best = records.ranking(objective)[:1]
    what = f"{trial.kind}: {trial.error}" if trial.status == "failed" else f"{objective.name} {trial.score:.4f}"
    parts = [f"{ended}/{tuner.trials}", f"trial {trial.name}", what + (" *" if best and best[0] is trial else "")]
    if trial.status == "stopped":
        parts.append(f"stopped after epoch {len(trial.curve)}")
    if trial.same_as:
        parts.append(f"as trial {trial.same_as}")
    parts += [f"{trial.seconds:.0f} s", *(f"{name} {shown(value)}" for name, value in trial.values.items())]
    return "  ".join(parts)


def _report(folder: SearchFolder, task: Task, console: Console) -> None:
    """Write the report, and show the best trials."""
    from apps.tuning.report import write_report

    stored = folder.read_settings()
    objective = Objective(stored["tuner"]["objective"])
    records = SearchRecords(folder.journal.read())
    space = _stored_space(stored, task)
    summary = write_report(folder, records, space.parameters, objective, stored["tuner"]["algorithm"])
    rows = [[t.name, t.score, f"{t.seconds:.0f} s", _values(t, space.parameters)] for t in records.ranking(objective)]
    if rows:
        columns = ["trial", objective.name, "time", "values"]
        console.result(summary, table("", columns, rows[:SHOWN]), f"{folder.path / 'report.html'}")
        console.note(f"keras-seq train {task.name} --config {folder.best_file}    # the best settings")
    else:
        console.result(summary, f"No trial has ended well. {folder.path / 'report.html'}")


def _values(trial: TrialRecord, parameters: tuple[Parameter, ...]) -> str:
    names = [parameter.name for parameter in parameters if parameter.name in trial.values]
    return ", ".join(f"{name.rpartition('.')[2]} {shown(trial.values[name])}" for name in names)

"""`keras-seq evaluate TASK`: measure a run or an exported model."""

import dataclasses
import typing
from typing import Any

from apps.console import Console, import_tensorflow
from apps.errors import UsageError
from apps.runs.folder import DEFAULT_ROOT, RunFolder, newest_run
from apps.settings import Parser, build_config, field_names, flatten, to_settings
from apps.task import TASKS, Task

SUMMARY = "Measure a run or an exported model."
TAKES_TASK = True
USAGE = "[--run NAME | --model NAME[/VERSION]] [--split SPLIT] [--data.FIELD VALUE ...]"


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    what = parser.add_argument_group("What to measure")
    what.add_argument("--run", metavar="NAME", help="A run; the newest one if neither --run nor --model is given.")
    what.add_argument("--model", metavar="NAME[/VERSION]", help="An exported model; its newest version if left out.")
    what.add_argument(
        "--split",
        type=typing.Literal["validation", "test", "all"],
        help="Which texts; `all` is every row of a file of your own. (default: validation)",
    )
    what.add_argument("--runs.dir", metavar="DIR", help=f"The folder of all runs. (default: {DEFAULT_ROOT})")
    what.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")
    parser.add_config(_section_class(task, "data"), "data")
    if task.later_section:
        what.add_argument(
            "--keep_settings",
            action="store_true",
            help=f"Write --{task.later_section}.* into the run, with the figures they give; its export has them then. "
            "What is left out stays as the run has it.",
        )
        parser.add_config(_section_class(task, task.later_section), task.later_section)


def run(arguments: Any, task: Task, console: Console) -> None:
    """Measure and show."""
    if arguments.get("run") and arguments.get("model"):
        raise UsageError("--run and --model exclude each other: leave one of them out.")
    split = arguments.get("split", "validation")
    given = _given(arguments, task, "data")
    changed = _given(arguments, task, task.later_section) if task.later_section else {}
    keep = bool(arguments.get("keep_settings"))
    if keep and (given or not changed):
        raise UsageError(f"--keep_settings goes with --{task.later_section}.* alone, on the data of the run.")
    if arguments.get("model"):
        if changed:
            raise UsageError(f"--{next(iter(changed))} is fixed in an exported model: give it with --run, then export.")
        entry = find_model(arguments, task)
        import_tensorflow()
        with console.working():
            figures, measured = _evaluate_model(entry, task, split, given)
    else:
        folder = named_run(arguments, task)
        import_tensorflow()
        with console.working():
            figures, measured = _evaluate_run(folder, task, split, given, changed, keep, console)
    result = {"task": task.name, **measured, "split": split, **figures}
    console.result(result, f"{measured.get('model') or measured.get('run')}, {split}", *task.show_evaluation(figures))


def named_run(arguments: Any, task: Task) -> RunFolder:
    """The run that --run names, or the newest.

    Raises:
        UserError: when there is no such run.
    """
    root = arguments.get("runs.dir", DEFAULT_ROOT)
    return RunFolder(root, task.name, arguments.get("run") or newest_run(root, task.name)).require()


def _evaluate_run(
    folder: RunFolder,
    task: Task,
    split: str,
    given: dict[str, Any],
    changed: dict[str, Any],
    keep: bool,
    console: Console,
) -> tuple[dict[str, Any], dict[str, Any]]:
    from apps.commands.train import signature_caller
    from apps.runs.trained import open_run

    trained = open_run(task, folder, console.warn)
    config = trained.config
    if changed:
        config = build_config(task.config_class, {**flatten(to_settings(config)), **changed})
    records = task.records(_with_data(config, task, given), split, trained.processor)
    call = signature_caller(task.signatures(trained.model, trained.processor, config))
    figures = task.evaluate(call, records, trained.processor.labels)
    if not given and (keep or not changed) and (folder.path / "report.json").exists():
        report = folder.read_json("report.json")
        # What other settings have given is no longer true of the run.
        others = {} if config != trained.config else report.get("metrics", {})
        report["metrics"] = {**others, split: figures}
        folder.write_json("report.json", report)
    if keep:
        folder.write_config(config)
    return figures, {"run": str(folder.path)}


def _evaluate_model(entry: Any, task: Task, split: str, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    from apps.serving import registry

    served = registry.load(entry)
    # What the run did not know of a newer version of this configuration has its default.
    known = set(field_names(task.config_class))
    settings = {name: value for name, value in flatten(entry.metadata.get("config", {})).items() if name in known}
    config = _with_data(build_config(task.config_class, settings, entry.key), task, given)
    processor = task.load_processor(entry.path / "assets", entry.labels)
    records = task.records(config, split, processor)
    figures = task.evaluate(served.ask, records, entry.labels)
    return figures, {"model": entry.key}


def find_model(arguments: Any, task: Task) -> Any:
    """The exported model that --model names, or the only one of the task.

    Raises:
        UserError: when there is no such model, or it belongs to another task.
    """
    from apps.serving import registry

    directory = arguments.get("models.dir")
    name = arguments.get("model")
    if not name:
        names = sorted({entry.name for entry in registry.list_models(directory, task.name)})
        if len(names) > 1 and task.name not in names:
            raise UsageError(f"There are several {task.name} models; choose one with --model: {', '.join(names)}.")
        name = names[0] if len(names) == 1 else task.name
    entry = registry.find(name, directory)
    if entry.task != task.name:
        way = f"use `keras-seq VERB {entry.task}` with it" if entry.task in TASKS else "it is for the studio"
        raise UsageError(f"{entry.key} is a model for {entry.task}: {way}.")
    return entry


def _with_data(config: Any, task: Task, given: dict[str, Any]) -> Any:
    """The configuration, with other records if any option names some."""
    if not given:
        return config
    data: Any = build_config(
        _section_class(task, "data"), {name.removeprefix("data."): value for name, value in given.items()}
    )
    return dataclasses.replace(config, data=data)


def _section_class(task: Task, section: str) -> type:
    return typing.get_type_hints(task.config_class)[section]


def _given(arguments: Any, task: Task, section: str) -> dict[str, Any]:
    """The settings of a section that the command line has, by dotted name."""
    names = {f"{section}.{name}" for name in field_names(_section_class(task, section))}
    return {name: value for name, value in arguments.items() if name in names}

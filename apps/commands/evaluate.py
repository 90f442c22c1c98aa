"""`keras-seq evaluate TASK`: measure a run or an exported model."""

import dataclasses
import typing
from typing import Any

from apps.console import Console, import_tensorflow
from apps.errors import UsageError
from apps.runs.folder import DEFAULT_ROOT, RunFolder, newest_run
from apps.settings import Parser, build_config, field_names, flatten
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
    parser.add_config(_data_class(task), "data")


def run(arguments: Any, task: Task, console: Console) -> None:
    """Measure and show."""
    if arguments.get("run") and arguments.get("model"):
        raise UsageError("--run and --model exclude each other: leave one of them out.")
    split = arguments.get("split", "validation")
    given = {name: value for name, value in arguments.items() if name.removeprefix("data.") in _data_fields(task)}
    given = {name: value for name, value in given.items() if name.startswith("data.")}
    if arguments.get("model"):
        entry = find_model(arguments, task)
        import_tensorflow()
        with console.working():
            figures, measured = _evaluate_model(entry, task, split, given)
    else:
        folder = named_run(arguments, task)
        import_tensorflow()
        with console.working():
            figures, measured = _evaluate_run(folder, task, split, given, console)
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
    folder: RunFolder, task: Task, split: str, given: dict[str, Any], console: Console
) -> tuple[dict[str, Any], dict[str, Any]]:
    from apps.commands.train import signature_caller
    from apps.runs.trained import open_run

    trained = open_run(task, folder, console.warn)
    config = _with_data(trained.config, task, given)
    records = task.records(config, split, trained.processor)
    call = signature_caller(task.signatures(trained.model, trained.processor, config))
    figures = task.evaluate(call, records, trained.processor.labels)
    if not given and (folder.path / "report.json").exists():
        report = folder.read_json("report.json")
        report.setdefault("metrics", {})[split] = figures
        folder.write_json("report.json", report)
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
    data: Any = build_config(_data_class(task), {name.removeprefix("data."): value for name, value in given.items()})
    return dataclasses.replace(config, data=data)


def _data_class(task: Task) -> type:
    return typing.get_type_hints(task.config_class)["data"]


def _data_fields(task: Task) -> set[str]:
    return set(field_names(_data_class(task)))

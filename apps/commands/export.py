"""`keras-seq export TASK`: write a run's model as a SavedModel that needs TensorFlow alone."""

from pathlib import Path
from typing import Any

from apps.commands.evaluate import named_run
from apps.console import Console, import_tensorflow, table
from apps.runs.folder import DEFAULT_ROOT
from apps.settings import Parser, to_settings
from apps.task import Task

SUMMARY = "Write a run's model to saved_models/, for predict, the studio and TF Serving."
TAKES_TASK = True
USAGE = "[--run NAME] [--name NAME] [--version N]"
DEFAULT_MODELS = "saved_models"
QUOTES = ("worst", "examples")
RECORDED = ("source", "licence", "digest", "rows", "languages")


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    group = parser.add_argument_group("Export")
    group.add_argument("--run", metavar="NAME", help="The run; the newest one if left out.")
    group.add_argument("--name", metavar="NAME", help=f"The model's name. (default: {task.name})")
    group.add_argument("--version", type=int, metavar="N", help="Its version; the next free one if left out.")
    group.add_argument("--runs.dir", metavar="DIR", help=f"The folder of all runs. (default: {DEFAULT_ROOT})")
    group.add_argument(
        "--models.dir", metavar="DIR", help=f"The folder of exported models. (default: {DEFAULT_MODELS})"
    )


def run(arguments: Any, task: Task, console: Console) -> None:
    """Open the run and export it."""
    folder = named_run(arguments, task)
    import_tensorflow()
    from apps.commands.train import training_command
    from apps.runs.trained import open_run
    from apps.serving.export import export_model

    trained = open_run(task, folder, console.warn)
    if folder.state != "finished":
        console.warn(f"the run {folder.name!r} is not finished; exporting what it has learnt so far.")
    config, facts = trained.config, trained.facts
    metrics: dict[str, Any] = {}
    if (folder.path / "report.json").exists():
        measured = folder.read_json("report.json").get("metrics", {})
        # Without the worst errors: they quote the data, whose licence may not allow that.
        metrics = {split: {k: v for k, v in figures.items() if k not in QUOTES} for split, figures in measured.items()}
    name = arguments.get("name") or task.name
    report = export_model(
        task.signatures(trained.model, trained.processor, config),
        [trained.model, trained.processor.tokenizer],
        name,
        arguments.get("models.dir") or DEFAULT_MODELS,
        metadata={
            "task": task.name,
            "seed": config.training.seed,
            "data": {key: facts[key] for key in RECORDED if facts.get(key) is not None},
            "labels": trained.processor.labels,
            "metrics": metrics,
            "config": to_settings(config),
        },
        card=task.card(config, facts, training_command(config, task)),
        assets=[folder.vocabulary],
        version=arguments.get("version"),
        check_inputs=task.check_inputs(trained.processor, config),
    )
    result: dict[str, Any] = {
        "model": f"{name}/{report.version}",
        "path": str(report.path),
        "parameters": report.parameters,
        "bytes": report.size,
    }
    rows = [
        ["folder", Path(report.path).as_posix()],
        ["parameters", f"{report.parameters:,}"],
        ["size", f"{report.size / 1e6:.1f} MB"],
        ["checked", "a process with TensorFlow alone gives the same answers"],
    ]
    console.result(result, table("", ["", result["model"]], rows))

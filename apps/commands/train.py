"""`keras-seq train TASK`: train a model in a run folder, or go on with a run that was interrupted."""

import shlex
from collections.abc import Mapping
from typing import Any

from apps.console import Console, import_tensorflow, table
from apps.errors import Interrupted, UserError
from apps.processor import multiplies_bfloat16
from apps.runs.folder import DEFAULT_ROOT, RunFolder, newest_run, unused_name
from apps.settings import (
    Parser,
    build_config,
    differences,
    flatten,
    given_settings,
    read_settings,
    to_settings,
    to_yaml,
)
from apps.task import Signatures, Task

SUMMARY = "Train a model in a run folder, or go on with --resume."
TAKES_TASK = True
USAGE = "[--config FILE] [--SECTION.FIELD VALUE ...] [--name NAME] [--resume]"


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    run = parser.add_argument_group("Run")
    run.add_argument("--config", metavar="FILE", help="Settings in YAML or TOML; options of the command line win.")
    run.add_argument(
        "--print_config", "--print-config", action="store_true", help="Print all settings as YAML and end."
    )
    run.add_argument("--name", metavar="NAME", help="Name of the run's folder; run-1, run-2 and so on if left out.")
    run.add_argument("--runs.dir", metavar="DIR", help=f"The folder of all runs. (default: {DEFAULT_ROOT})")
    run.add_argument(
        "--resume", action="store_true", help="Go on with the run of this name, or with the newest unfinished one."
    )
    parser.add_config(task.config_class)


def run(arguments: Any, task: Task, console: Console) -> None:
    """Train, measure on the validation split, and write the report."""
    given: dict[str, Any] = {}
    if arguments.get("config"):
        given.update(read_settings(arguments["config"], task.config_class))
    given.update(given_settings(arguments, task.config_class))
    root = arguments.get("runs.dir", DEFAULT_ROOT)
    resume = arguments.get("resume", False)
    if resume:
        folder = RunFolder(root, task.name, arguments.get("name") or newest_run(root, task.name, unfinished=True))
        config = _resumed_config(folder, task, given)
    else:
        config = task.settled(build_config(task.config_class, given, _source(arguments)))
        folder = RunFolder(root, task.name, arguments.get("name") or unused_name(root, task.name))
    if arguments.get("print_config"):
        print(to_yaml(config), end="")
        return
    if not resume:
        _refuse_existing(folder)
    console.note(f"run {folder.path}")
    import_tensorflow(config.training.shards)
    try:
        _train(folder, config, task, console, resume)
    finally:
        folder.unlock()


def _source(arguments: Any) -> str:
    return str(arguments.get("config") or "")


def _refuse_existing(folder: RunFolder) -> None:
    if folder.exists:
        raise UserError(
            f"There is a run {folder.name!r} in {folder.path} already: go on with --resume, or choose another --name."
        )


def _resumed_config(folder: RunFolder, task: Task, given: dict[str, Any]) -> Any:
    """The configuration of the run; what is given besides must be the same."""
    stored = folder.require().read_config(task.config_class)
    asked: Any = task.settled(build_config(task.config_class, {**flatten(to_settings(stored)), **given}))
    changed = differences(task.settled(stored), asked)
    if changed:
        name, old, new = changed[0]
        raise UserError(
            f"The run {folder.name!r} has {name} = {old!r}, but {new!r} is asked for. Resume without that setting, or "
            "start a new run under another --name."
        )
    return stored


def _train(folder: RunFolder, config: Any, task: Task, console: Console, resume: bool) -> None:
    import keras

    from apps.runs.trainer import Trainer, prepare

    prepare(config.training)
    _warn_of_emulation(config.training.precision, console)
    tokenizer = None
    if resume:
        folder.lock()
        tokenizer = task.load_processor(folder.vocabulary, []).tokenizer
    with console.working():
        data = task.datasets(config, tokenizer)
    facts = task.data_facts(data, config)
    _describe_data(facts, console)
    if resume:
        _check_data(folder, facts)
    # Whatever random numbers opening the data took, the model begins from the seed.
    keras.utils.set_random_seed(config.training.seed)
    model = task.build_model(config, data)
    if not resume:
        folder.lock()
        _refuse_existing(folder)
        folder.create(config, data.tokenizer, facts)
    console.note(f"{model.count_params():,} parameters")
    if not (resume and folder.checkpoints.newest_step() is not None):
        with console.working():
            task.start_weights(model, data, config)
    trainer = Trainer(
        model=model,
        loss=task.loss(config),
        training_loss=task.training_loss(model, config),
        objective=task.objective(config),
        layer_groups=task.layer_groups(model, config),
        more_figures=task.more_figures(model, data, config),
        make_metrics=lambda: task.metrics(config),
        train=data.train,
        validation=data.validation,
        config=config.training,
        folder=folder,
        report=console.training_report(),
        warn=console.warn,
        note=console.note,
        resume_command=_resume_command(folder),
    )
    # A run that had ended before keeps what has been measured since; the weights are the same.
    measured = folder.read_json("report.json").get("metrics", {}) if folder.state == "finished" else {}
    progress = trainer.run(resume)
    report: dict[str, Any] = {
        "task": task.name,
        "name": folder.name,
        "epochs": progress.epoch,
        "steps": progress.step,
        "best": progress.best,
        "seconds": round(progress.seconds, 1),
        "parameters": model.count_params(),
        "data": facts,
        "metrics": measured,
        "history": progress.history,
    }
    if data.validation is not None:
        call = signature_caller(task.signatures(model, data, config))
        try:
            with console.working():
                measured["validation"] = task.evaluate(call, task.validation_records(data, config), facts["labels"])
        except KeyboardInterrupt:
            folder.write_status("interrupted", **trainer.position)
            raise Interrupted(f"Stopped while measuring. Go on with: {_resume_command(folder)}") from None
    folder.write_json("report.json", report)
    folder.write_status("finished", **trainer.position)
    _show(report, folder, task, console)


def _warn_of_emulation(precision: str, console: Console) -> None:
    import tensorflow as tf

    if precision == "mixed_bfloat16" and not tf.config.list_physical_devices("GPU") and multiplies_bfloat16() is False:
        console.warn(
            "this processor emulates bfloat16, several times slower than float32: "
            "--training.precision float32 is faster here"
        )


def signature_caller(signatures: Mapping[str, Any]) -> Signatures:
    """`call(signature, **inputs)` of functions that have not been exported."""
    from apps.serving.served import call_signature

    return lambda signature, **inputs: call_signature(signatures[signature], inputs)


def _describe_data(facts: dict[str, Any], console: Console) -> None:
    rows = ", ".join(f"{count:,} {split}" for split, count in facts["rows"].items())
    unit = f" {facts['unit']}" if facts.get("unit") else ""
    classes = f"; classes: {', '.join(facts['labels'])}" if facts["labels"] else ""
    console.note(f"{facts['source']}: {rows}{unit}{classes}")
    report = facts.get("report", {})
    cut = report.get("cut_texts", {}).get("train", 0)
    if cut:
        console.note(f"{cut:,} of the training texts are longer than --text.max_length and were cut")
    if report.get("bad_rows"):
        console.warn(f"{report['bad_rows']:,} rows could not be used, the first: {report['bad_row_examples'][0]}")
    for line in report.get("notes", []):
        console.note(line)
    for line in report.get("warnings", []):
        console.warn(line)


def _check_data(folder: RunFolder, facts: dict[str, Any]) -> None:
    before = folder.read_json("data.json")
    if before.get("digest") != facts["digest"]:
        raise UserError(
            f"The data of {facts['source']} have changed since the run {folder.name!r} began: restore them, or start a "
            "new run under another --name."
        )


def _resume_command(folder: RunFolder) -> str:
    return shlex.join(["keras-seq", "train", folder.task, "--name", folder.name, *_root_options(folder), "--resume"])


def _root_options(folder: RunFolder) -> list[str]:
    root = str(folder.path.parent.parent)
    return [] if root == DEFAULT_ROOT else ["--runs.dir", root]


def _show(report: dict[str, Any], folder: RunFolder, task: Task, console: Console) -> None:
    best = report["best"]
    lines = [["epochs", f"{report['epochs']}" + (f", the best is {best['epoch']}" if best else "")]]
    lines.append(["time", f"{report['seconds']:.0f} s"])
    for name, value in report["metrics"].get("validation", {}).items():
        if isinstance(value, float):
            lines.append([f"validation {name.replace('_', ' ')}", f"{value:.4f}"])
    console.result(report, table("", ["", folder.path.as_posix()], lines))
    console.note(f"keras-seq evaluate {task.name} --run {folder.name}    # all figures; --split test for the test data")
    console.note(
        f"keras-seq export {task.name} --run {folder.name}      # to saved_models/, for predict and the studio"
    )


def training_command(config: Any, task: Task) -> str:
    """The command that trains with this configuration: the settings that differ from the defaults."""
    default = flatten(to_settings(task.config_class()))
    words = ["keras-seq", "train", task.name]
    for name, value in flatten(to_settings(config)).items():
        if value != default[name]:
            text = "null" if value is None else str(value)
            words += [f"--{name}", text.lower() if isinstance(value, bool) else text]
    return shlex.join(words)

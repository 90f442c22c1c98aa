"""`keras-seq doctor`: versions, devices, where things are looked for, and what is missing."""

import importlib.util
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from apps.console import Console, import_tensorflow, table
from apps.errors import FAILURE, UserError
from apps.processor import multiplies_bfloat16
from apps.runs.folder import DEFAULT_ROOT, run_names
from apps.settings import Parser
from apps.task import TASKS
from pipelines.config import DataConfig
from pipelines.errors import DataError

SUMMARY = "Show versions, devices, where data and models are looked for, and what is missing."
TAKES_TASK = False
USAGE = "[--data.dir DIR] [--runs.dir DIR] [--models.dir DIR]"
SMALL_DISK = 1_000_000_000
OK, ADVICE, PROBLEM = "ok", "note", "missing"


def add_arguments(parser: Parser, task: None) -> None:
    """Declare the options."""
    parser.add_argument("--data.dir", metavar="DIR", help="Folder of prepared TensorFlow Datasets.")
    parser.add_argument("--runs.dir", metavar="DIR", help=f"The folder of all runs. (default: {DEFAULT_ROOT})")
    parser.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")


def run(arguments: Any, task: None, console: Console) -> int | None:
    """Look at everything and tell; exit code 1 when something needed is missing."""
    findings = [
        ("python", OK, f"{platform.python_version()} on {platform.platform()}"),
        *packages(),
        *_devices(),
        *_data(arguments.get("data.dir")),
        *_models(arguments.get("models.dir")),
        _runs(arguments.get("runs.dir", DEFAULT_ROOT)),
        _disk(),
    ]
    problems = [f"{what}: {text}" for what, state, text in findings if state == PROBLEM]
    result = {
        "ok": not problems,
        "findings": [{"what": what, "state": state, "text": text} for what, state, text in findings],
    }
    console.result(result, table("", ["what", "", "found"], [[what, state, text] for what, state, text in findings]))
    if problems:
        console.error(f"{len(problems)} missing: {'; '.join(problems)}")
        return FAILURE
    return None


def packages(distribution: str = "keras-seq") -> list[tuple[str, str, str]]:
    """Each package that the distribution needs: its version, or how to install it."""
    try:
        requirements = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return [(distribution, PROBLEM, "is not installed: run `pip install -e .` in its folder")]
    findings = [(distribution, OK, metadata.version(distribution))]
    for line in requirements:
        if ";" in line and "extra ==" in line.split(";", 1)[1]:
            continue
        findings.append(_package(line.split(";")[0].strip()))
    return findings


def _package(requirement: str) -> tuple[str, str, str]:
    from packaging.requirements import Requirement

    needed = Requirement(requirement)
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return needed.name, PROBLEM, f'is not installed: run `pip install "{requirement}"`'
    if not needed.specifier.contains(version, prereleases=True):
        return (
            needed.name,
            PROBLEM,
            f'is {version}, but {needed.specifier} is needed: run `pip install "{requirement}"`',
        )
    return needed.name, OK, version


def _devices() -> list[tuple[str, str, str]]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    bfloat16 = {True: ", multiplies bfloat16", False: ", emulates bfloat16 slowly", None: ""}[multiplies_bfloat16()]
    findings = [("processor", OK, f"{cores} cores, {platform.machine()}{bfloat16}")]
    if importlib.util.find_spec("tensorflow") is None:
        return findings  # reported among the packages
    try:
        import_tensorflow()
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        names = [
            tf.config.experimental.get_device_details(device).get("device_name", device.name) for device in devices
        ]
    except Exception as error:
        return [*findings, ("tensorflow", PROBLEM, f"cannot be imported ({error}): install it again")]
    return [*findings, ("graphics card", OK, ", ".join(names) or "none that TensorFlow can use; the processor will do")]


def _data(directory: str | None) -> list[tuple[str, str, str]]:
    findings = []
    try:
        from pipelines.sources.samples import samples_folder

        findings.append(("samples", OK, str(samples_folder())))
    except DataError as error:
        findings.append(("samples", PROBLEM, str(error)))
    from pipelines.sources.tfds import data_folder

    folder = data_folder(DataConfig(dir=directory))
    named = "--data.dir" if directory else "TFDS_DATA_DIR" if os.environ.get("TFDS_DATA_DIR") else "the default folder"
    names = sorted(path.name for path in folder.glob("*") if path.is_dir() and any(path.glob("**/dataset_info.json")))
    if names:
        findings.append(("data sets", OK, f"{folder} ({named}): {', '.join(names)}"))
    else:
        text = f"none in {folder} ({named}); they are downloaded there, or name their folder with --data.dir"
        findings.append(("data sets", ADVICE, text))
    return findings


def _models(directory: str | None) -> list[tuple[str, str, str]]:
    from apps.serving import registry

    folders = ", ".join(str(folder) for folder in registry.search_folders(directory))
    try:
        entries = registry.list_models(directory)
        broken = registry.unreadable(directory)
    except (UserError, OSError) as error:
        return [("models", PROBLEM, str(error))]
    findings = []
    if entries:
        findings.append(("models", OK, f"{folders}: {', '.join(entry.key for entry in entries)}"))
    else:
        findings.append(("models", ADVICE, f"none in {folders}; `keras-seq export` makes one"))
    return [*findings, *(("models", PROBLEM, line) for line in broken)]


def _runs(root: str) -> tuple[str, str, str]:
    names = [f"{task}/{name}" for task in TASKS for name in run_names(root, task)]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return "runs", OK, f"{Path(root).resolve()}: {shown or 'none yet'}"


def _disk() -> tuple[str, str, str]:
    free = shutil.disk_usage(Path.cwd()).free
    text = f"{free / 1e9:.1f} GB free in {Path.cwd()}"
    return ("disk", OK, text) if free >= SMALL_DISK else ("disk", ADVICE, f"{text}: a run may need more")

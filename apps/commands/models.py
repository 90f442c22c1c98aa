"""`keras-seq models list|inspect|verify`: the exported models on this machine."""

import typing
from pathlib import Path
from typing import Any

from apps.console import Console, table
from apps.errors import FAILURE, UsageError
from apps.settings import Parser

SUMMARY = "List, inspect or verify the exported models."
TAKES_TASK = False
USAGE = "list | inspect NAME[/VERSION] | verify [NAME[/VERSION]] [--models.dir DIR]"


def add_arguments(parser: Parser, task: None) -> None:
    """Declare the options."""
    parser.add_argument("action", type=typing.Literal["list", "inspect", "verify"], help="What to do.")
    parser.add_argument("model", nargs="?", metavar="NAME[/VERSION]", help="The model; its newest version if left out.")
    parser.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")


def run(arguments: Any, task: None, console: Console) -> int | None:
    """Do what `action` says."""
    directory = arguments.get("models.dir")
    model = arguments.get("model")
    if arguments["action"] == "verify":
        return _verify(model, directory, console)
    if arguments["action"] == "list":
        _list(directory, console)
    elif model:
        _inspect(model, directory, console)
    else:
        raise UsageError("Which model? `keras-seq models list` shows the names.")
    return None


def _list(directory: str | None, console: Console) -> None:
    from apps.serving import registry

    entries = registry.list_models(directory)
    for line in registry.unreadable(directory):
        console.warn(line)
    found = [
        {
            "model": entry.key,
            "task": entry.task,
            "labels": entry.labels,
            "bytes": entry.size,
            "created": entry.metadata.get("created"),
            "path": str(entry.path),
        }
        for entry in entries
    ]
    if not entries:
        places = ", ".join(str(folder) for folder in registry.search_folders(directory))
        console.result(found, f"No models in {places}; export one with `keras-seq export`.")
        return
    rows = [
        [
            entry.key,
            entry.task,
            ", ".join(entry.labels),
            f"{entry.size / 1e6:.1f} MB",
            _day(entry),
            entry.path.as_posix(),
        ]
        for entry in entries
    ]
    console.result(found, table("", ["model", "task", "classes", "size", "created", "folder"], rows))


def _day(entry: Any) -> str:
    return str(entry.metadata.get("created", ""))[:10]


def _inspect(model: str, directory: str | None, console: Console) -> None:
    from apps.serving import registry

    entry = registry.find(model, directory)
    card = registry.model_card(entry)
    if console.json_output or not card:
        console.json_output = True
        console.result(registry.inspect(entry))
        return
    if console.live:
        from rich.markdown import Markdown

        console.result(None, Markdown(card), f"\n{Path(entry.path).as_posix()}")
    else:
        console.result(None, card)


def _verify(model: str | None, directory: str | None, console: Console) -> int | None:
    from apps.serving import registry

    entries = [registry.find(model, directory)] if model else registry.list_models(directory)
    found = {entry.key: registry.verify(entry) for entry in entries}
    broken = [] if model else registry.unreadable(directory)
    lines = [f"{key}: {', '.join(problems) if problems else 'as exported'}" for key, problems in found.items()]
    console.result({"models": found, "unreadable": broken}, *lines, *broken)
    if broken or any(found.values()):
        console.error("Not all models are as they were exported: restore the files named above, or export again.")
        return FAILURE
    return None

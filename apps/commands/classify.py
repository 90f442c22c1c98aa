"""`keras-seq predict` of a classifier: answers for a sentence, for lines, or for the rows of a CSV file."""

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from apps.commands.evaluate import find_model
from apps.console import Console, import_tensorflow
from apps.csv_prediction import predict_csv
from apps.errors import UsageError
from apps.kept_output import check_output
from apps.settings import Parser
from apps.task import Task

BATCH = 64


def add_arguments(parser: Parser, task: Task) -> None:
    """Declare the options."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="Texts; without any, the lines of standard input.")
    model = parser.add_argument_group("Model")
    model.add_argument("--model", metavar="NAME[/VERSION]", help=f"The exported model. (default: {task.name})")
    model.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")
    table = parser.add_argument_group("CSV")
    table.add_argument("--csv", metavar="FILE", help="A CSV file whose first line names the columns.")
    table.add_argument(
        "--output", metavar="FILE", help="Where its rows go, with the answers; standard output if left out."
    )
    table.add_argument("--text_column", metavar="NAME", help="Column of the texts; guessed from the names if left out.")
    table.add_argument(
        "--delimiter", metavar="CHARACTER", help="What parts the columns. (default: ',' or, in .tsv, tab)"
    )
    table.add_argument("--overwrite", action="store_true", help="Replace the file of --output if there is one.")
    table.add_argument("--resume", action="store_true", help="Go on with the --output of an interrupted prediction.")
    parser.add_argument("--batch_size", type=int, metavar="N", help=f"Texts at a time. (default: {BATCH})")


def run(arguments: Any, task: Task, console: Console) -> None:
    """Answer."""
    texts: list[str] = arguments.get("text") or []
    size = arguments.get("batch_size", BATCH)
    if size < 1:
        raise UsageError(f"--batch_size must be at least 1. Received: {size}")
    source = arguments.get("csv")
    if source and texts:
        raise UsageError("--csv and TEXT exclude each other: leave one of them out.")
    for option in ("output", "text_column", "delimiter", "overwrite", "resume"):
        if arguments.get(option) and not source:
            raise UsageError(f"--{option} belongs to --csv: give --csv as well.")
    if source:
        if not Path(source).is_file():  # before TensorFlow is loaded
            raise UsageError(f"There is no file {source}: check the path of --csv.")
        check_output(arguments, [Path(source)])
    entry = find_model(arguments, task)
    import_tensorflow()
    from apps.serving import registry

    served = registry.load(entry)

    def predict(batch: list[Any]) -> list[dict[str, Any]]:
        return list(task.prediction_rows(served.call("serving_default", batch), entry.labels))

    if source:
        predict_csv(
            predict,
            Path(source),
            Path(arguments["output"]) if arguments.get("output") else None,
            text_column=arguments.get("text_column"),
            delimiter=arguments.get("delimiter"),
            batch_size=size,
            model=f"{entry.key} {entry.fingerprint()}",
            resume=bool(arguments.get("resume")),
            console=console,
        )
    elif texts:
        _write(texts, predict, size, console)
    else:
        if sys.stdin.isatty():
            console.note("one text a line; Ctrl-D ends")
            size = 1
        _write((line.rstrip(b"\r\n") for line in sys.stdin.buffer), predict, size, console)


def _write(texts: Iterable[str | bytes], predict: Any, size: int, console: Console) -> None:
    """A line for each text: label, probability and the text; with --json, an object."""
    for batch in _batches(texts, size):
        for text, row in zip(batch, predict(batch), strict=True):
            shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            if console.json_output:
                print(json.dumps({"text": shown, **row}, ensure_ascii=False))
            else:
                first, second, *_ = row.values()
                print(f"{first}\t{second:.4f}\t{shown}" if isinstance(second, float) else f"{first}\t{shown}")
        sys.stdout.flush()


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch

"""What a command writes: results to standard output, everything else to standard error."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from apps.freed_memory import keep_freed_memory


class Console:
    """Where commands write.

    Args:
        json_output: Results are JSON, for programs.
        quiet: No notes and no progress; results, warnings and errors stay.
    """

    def __init__(self, json_output: bool = False, quiet: bool = False) -> None:
        self.json_output = json_output
        self.quiet = quiet

    @property
    def live(self) -> bool:
        """Whether bars that move may be shown: on a terminal, unless programs are reading."""
        return sys.stdout.isatty() and sys.stderr.isatty() and not self.quiet and not self.json_output

    def note(self, line: str) -> None:
        """Say what is going on."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def warn(self, line: str) -> None:
        """Say what a person should know although the work goes on."""
        print(f"warning: {line}", file=sys.stderr, flush=True)

    def error(self, line: str) -> None:
        """Say in one line why the work did not go on."""
        print(f"keras-seq: {' '.join(line.split())}", file=sys.stderr, flush=True)

    def result(self, value: Any, *parts: Any) -> None:
        """Write what the command was asked for.

        Args:
            value: The result as JSON values, written with --json.
            parts: The same for people, written otherwise: texts, or what rich can render.
        """
        if self.json_output:
            print(json.dumps(value, ensure_ascii=False, indent=2))
            return
        for part in parts:
            if isinstance(part, str):
                print(part)
            else:
                self.render(part)
        sys.stdout.flush()

    def render(self, part: Any) -> None:
        """Write something that rich can render, for example a table."""
        from rich.console import Console as RichConsole

        # A pipe has no width; 80 columns would fold tables that a file can hold.
        RichConsole(width=None if sys.stdout.isatty() else 120, highlight=False).print(part)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Within, how far the reading of data and the measuring of models have come is shown; see `training_report`."""
        if self.quiet:
            yield
            return
        from apps.work_report import WorkBar, WorkLines
        from pipelines.progress import telling

        report = WorkBar() if self.live else WorkLines()
        try:
            with telling(report):
                yield
        finally:
            report.close()

    def training_report(self) -> Any:
        """The kind of progress report that suits where standard output goes."""
        from apps.runs.progress import BarReport, LineReport, NoReport

        if self.quiet:
            return NoReport()
        return BarReport() if self.live else LineReport()


def table(title: str, columns: list[str], rows: list[list[Any]]) -> Any:
    """A rich table; numbers to the right, everything else to the left."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        made.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        made.add_row(*(Text(f"{cell:.4f}" if isinstance(cell, float) else str(cell)) for cell in row))
    return made


def import_tensorflow(shards: int = 1) -> None:
    """Import TensorFlow, and Keras with it, without the notices that they write to standard error meanwhile.

    What is written below Python, before TensorFlow's own log level holds, can only be kept away at the descriptor.

    Args:
        shards: In how many parts batches will be computed, each in a thread of its own. Where TensorFlow has computed
            something already, its threads stay as they are, and parts are slower.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keep_freed_memory()
    new = "tensorflow" not in sys.modules
    with _native_errors_hidden() if new else contextlib.nullcontext():
        import tensorflow as tf

        if shards > 1:
            with contextlib.suppress(RuntimeError):
                tf.config.threading.set_intra_op_parallelism_threads(1)
                tf.config.threading.set_inter_op_parallelism_threads(shards)
        if new:
            tf.constant(0)  # the devices are looked for, and reported missing, now


@contextlib.contextmanager
def _native_errors_hidden() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

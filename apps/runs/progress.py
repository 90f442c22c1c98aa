"""Telling people how a training goes: a live bar on a terminal, a line now and then elsewhere, or nothing."""

import sys
import time
from typing import Any, Protocol


class ProgressReport(Protocol):
    """What the training loop tells."""

    def start_epoch(self, epoch: int, epochs: int, batch: int, batches: int) -> None:
        """Epoch `epoch` (from 1) of `epochs`, or of as many as fit (0), begins, or goes on after `batch` batches."""

    def after_batch(self, batch: int, figures: dict[str, float]) -> None:
        """`batch` batches of the epoch are done; `figures` are means over them."""

    def end_epoch(self, entry: dict[str, Any], improved: bool) -> None:
        """The epoch and its validation are done."""

    def close(self) -> None:
        """No more is to come."""


class NoReport:
    """Says nothing."""

    def start_epoch(self, epoch: int, epochs: int, batch: int, batches: int) -> None:
        """Ignored."""

    def after_batch(self, batch: int, figures: dict[str, float]) -> None:
        """Ignored."""

    def end_epoch(self, entry: dict[str, Any], improved: bool) -> None:
        """Ignored."""

    def close(self) -> None:
        """Ignored."""


class LineReport(NoReport):
    """Plain lines on standard error: one after each epoch, and one every `seconds` within it."""

    def __init__(self, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + seconds
        self._epoch = ""
        self._batches = 0

    def start_epoch(self, epoch: int, epochs: int, batch: int, batches: int) -> None:
        """Remember what the lines are about."""
        self._epoch = f"epoch {epoch}/{epochs}" if epochs else f"epoch {epoch}"
        self._batches = batches

    def after_batch(self, batch: int, figures: dict[str, float]) -> None:
        """Write a line if the last is old enough."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._write(f"{self._epoch}  batch {batch}/{self._batches}  {format_figures(figures)}")

    def end_epoch(self, entry: dict[str, Any], improved: bool) -> None:
        """Write the figures of the epoch."""
        self._write(f"{self._epoch}  {describe_epoch(entry, improved)}")

    def _write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class BarReport(NoReport):
    """A live bar with loss, accuracy and remaining time, and a line for each epoch that is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar: Any = None
        self._epoch = ""

    def start_epoch(self, epoch: int, epochs: int, batch: int, batches: int) -> None:
        """Show the bar of this epoch."""
        self._progress.start()
        self._epoch = f"epoch {epoch}/{epochs}" if epochs else f"epoch {epoch}"
        self._bar = self._progress.add_task(self._epoch, total=batches, completed=batch, figures="")

    def after_batch(self, batch: int, figures: dict[str, float]) -> None:
        """Move the bar."""
        self._progress.update(self._bar, completed=batch, figures=format_figures(figures))

    def end_epoch(self, entry: dict[str, Any], improved: bool) -> None:
        """Put a line in the place of the bar."""
        self._progress.remove_task(self._bar)
        self._progress.console.print(f"[bold]{self._epoch}[/]  {describe_epoch(entry, improved)}", highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def format_figures(figures: dict[str, float]) -> str:
    """`loss 0.4312  accuracy 0.8125`."""
    return "  ".join(f"{name} {value:.4f}" for name, value in figures.items())


def describe_epoch(entry: dict[str, Any], improved: bool) -> str:
    """The figures of a completed epoch in one line; a star marks the best so far."""
    parts = [format_figures(entry["train"])]
    if entry.get("validation"):
        parts.append("validation " + format_figures(entry["validation"]) + (" *" if improved else ""))
    parts.append(f"{entry['seconds']:.0f} s")
    return "  ".join(parts)

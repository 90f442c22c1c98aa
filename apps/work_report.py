"""Telling people how far work has come that is no training: reading data, measuring a model."""

import sys
import time
from typing import Any

from pipelines.progress import Progress


class WorkLines:
    """A line on standard error now and then, for work that takes longer than that."""

    def __init__(self, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def __call__(self, progress: Progress) -> None:
        """Write a line if the last is old enough."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            print("  ".join(filter(None, (progress.work, amount(progress)))), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is left to be taken away."""


class WorkBar:
    """A bar on a terminal that goes away when the work is done; without a total it only says that something moves."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[amount]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar: Any = None
        self._work: str | None = None

    def __call__(self, progress: Progress) -> None:
        """Move the bar, or begin another for other work."""
        if progress.work != self._work:
            if self._bar is not None:
                self._bars.remove_task(self._bar)
            self._bars.start()
            self._bar, self._work = self._bars.add_task(progress.work, amount=""), progress.work
        self._bars.update(self._bar, completed=progress.done, total=progress.total, amount=amount(progress))

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()


def amount(progress: Progress) -> str:
    """`1,200 of 25,000 texts`; empty where nothing is counted."""
    if not progress.done:
        return ""
    total = "" if progress.total is None else f" of {progress.total:,}"
    return f"{progress.done:,}{total} {progress.unit}"

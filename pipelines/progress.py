"""How far the reading of data has come, told to whoever shows it."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

_SECONDS = 0.2

Item = TypeVar("Item")


@dataclass(frozen=True)
class Progress:
    """How far a piece of work has come.

    Attributes:
        work: What is done, such as "encoding".
        done: How much of it, in units.
        total: Of how much; None if that is not known before the end.
        unit: What is counted, such as "texts".
    """

    work: str
    done: int = 0
    total: int | None = None
    unit: str = ""


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def telling(listener: Listener) -> Iterator[None]:
    """Within, `listener` is told; by whichever thread takes the items."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def announce(work: str) -> None:
    """Tell what begins, where nothing can be counted."""
    listener = _listener.get()
    if listener is not None:
        listener(Progress(work))


def counted(
    items: Iterable[Item],
    work: str,
    unit: str,
    size: Callable[[Item], int] | None = None,
    total: int | None = None,
) -> Iterable[Item]:
    """The items; while they are taken, it is told how many.

    Args:
        items: Read once.
        work: What is done with them.
        unit: What is counted.
        size: How many units an item is; 1 if left out.
        total: How many units there are, if that is known.
    """
    # Asked for here: a generator may be run in a thread that has another context.
    listener = _listener.get()
    return items if listener is None else _counted(items, Progress(work, 0, total, unit), size, listener)


def _counted(
    items: Iterable[Item], start: Progress, size: Callable[[Item], int] | None, listener: Listener
) -> Iterator[Item]:
    done, due = 0, time.monotonic() + _SECONDS
    listener(start)
    for item in items:
        yield item
        done += 1 if size is None else size(item)
        if time.monotonic() >= due:
            listener(Progress(start.work, done, start.total, start.unit))
            due = time.monotonic() + _SECONDS

"""Stopping when asked, at a moment when nothing is lost."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Stopped(Exception):
    """The user asked the work to stop."""


class StopRequest:
    """Whether somebody has asked for an end."""

    def __init__(self) -> None:
        self._requested = False

    def check(self) -> None:
        """Raise `Stopped` if an end was asked for."""
        if self._requested:
            raise Stopped

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take note of the first signal; the second one ends the process at once."""
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Within this block Ctrl-C and SIGTERM are requests, which the work looks for where it can stop."""
    request = StopRequest()
    previous: dict[Any, Any] = {}
    if threading.current_thread() is threading.main_thread():  # only there may handlers be set
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, request.handle)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

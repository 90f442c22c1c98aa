"""A trial in a process of its own, and how it ended."""

import contextlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# How long a process may take to write its checkpoint when it is asked to end.
GRACE_SECONDS, HUNG_GRACE_SECONDS = 30.0, 5.0
LONGEST_ERROR = 300
OWN_ERROR = "keras-seq: "
# What training says when it ends by itself; a part of each line.
DIVERGED = "no longer a number"
OUT_OF_MEMORY = ("Out of memory", "ResourceExhausted", "MemoryError", "bad_alloc")


@dataclass(frozen=True)
class Ending:
    """How a trial's process ended.

    Args:
        kind: `finished`, `stopped` (by the search), `crashed`, `killed`, `out_of_memory`, `hung`, `diverged`, or
            `lost` with its machine.
        error: The last line that it wrote, if it failed.
        seconds: How long it ran.
    """

    kind: str
    error: str
    seconds: float

    @property
    def may_be_luck(self) -> bool:
        """Whether the same trial could go well another time; a loss that was not a number would be so again."""
        return self.kind in ("crashed", "killed", "out_of_memory", "hung", "lost")


class RunningTrial(Protocol):
    """A trial that is at work somewhere."""

    def poll(self) -> Ending | None:
        """How it ended, or None while it runs."""

    def stop(self, why: str = "stopped") -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""


class TrialProcess:
    """A running trial.

    Args:
        command: What to run.
        log: The file for all that it writes; it is appended to.
        seconds: It hangs if it takes longer; None lets it.
    """

    def __init__(self, command: list[str], log: Path, seconds: float | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._limit = seconds
        self._started = time.monotonic()
        self._why = ""
        self._asked: float | None = None
        with open(log, "ab") as output:
            self._offset = output.tell()
            self._process = subprocess.Popen(
                command,
                # Never written to: its end tells the process that the search has gone.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the search, which asks its trials in its own time.
                start_new_session=sys.platform != "win32",
            )

    def poll(self) -> Ending | None:
        """How it ended, or None while it runs; ends it if it is late."""
        now = time.monotonic()
        code = self._process.poll()
        if code is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            return self._ending(code, now - self._started)
        if self._asked is None and self._limit is not None and now - self._started > self._limit:
            self.stop("hung")
        if self._asked is not None and now - self._asked > (
            HUNG_GRACE_SECONDS if self._why == "hung" else GRACE_SECONDS
        ):
            self._process.kill()
        return None

    def stop(self, why: str = "stopped") -> None:
        """Ask it to end; it is killed if it does not."""
        if self._asked is None:
            self._asked = time.monotonic()
            self._why = why
            with contextlib.suppress(OSError):
                self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()

    def _ending(self, code: int, seconds: float) -> Ending:
        if code == 0:
            return Ending("finished", "", seconds)
        if self._why == "stopped":
            return Ending("stopped", "", seconds)
        error = self._last_line()
        if self._why == "hung":
            return Ending("hung", f"took longer than {self._limit:.0f} s; the last line: {error or 'none'}", seconds)
        if DIVERGED in error:
            return Ending("diverged", error, seconds)
        if any(words in error for words in OUT_OF_MEMORY):
            return Ending("out_of_memory", error, seconds)
        if code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
            hint = ", as systems do that run out of memory" if name == "SIGKILL" else ""
            return Ending("killed", f"killed by {name}{hint}; the last line: {error or 'none'}", seconds)
        return Ending("crashed", error or f"exit code {code} without a word", seconds)

    def _last_line(self) -> str:
        with open(self.log, "rb") as file:
            file.seek(self._offset)
            lines = file.read()[-20_000:].decode("utf-8", "replace").strip().splitlines()
        own = [line for line in lines[-10:] if line.startswith(OWN_ERROR)]
        # TensorFlow may have more to say after our own line.
        chosen = own[-1].removeprefix(OWN_ERROR) if own else lines[-1] if lines else ""
        return chosen.strip()[:LONGEST_ERROR]

"""What is known about the trials of a search, from its journal alone."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.tuning.objective import Objective

SUCCESSFUL = ("completed", "stopped")


@dataclass
class TrialRecord:
    """A trial.

    Args:
        name: The name of its run: the oracle's id, for a rerun with the seed after it.
        codes: The oracle's values.
        values: Settings by their full names.
        of: For a rerun, the trial whose settings it has.
        seed: For a rerun, its `training.seed`.
        status: `running`, `completed`, `stopped` (by the median rule), `failed`.
        kind: How a failed one failed.
        error: Its last line.
        score: The objective.
        curve: The objective after each epoch; the loss, if the objective is no figure of epochs.
        seconds: Time in processes, all attempts together.
        parameters: Weights of the model.
        same_as: The trial that had the same values, whose score this one was given.
        attempts: `(worker, start, end)` of each process, in seconds since 1970; an end is None while it runs.
        failures: How many attempts failed.
    """

    name: str
    codes: dict[str, Any]
    values: dict[str, Any]
    of: str | None = None
    seed: int | None = None
    status: str = "running"
    kind: str = ""
    error: str = ""
    score: float | None = None
    curve: list[float] = field(default_factory=list)
    seconds: float = 0.0
    parameters: int | None = None
    same_as: str | None = None
    attempts: list[list[Any]] = field(default_factory=list)
    failures: int = 0

    @property
    def successful(self) -> bool:
        """Whether it has a score."""
        return self.status in SUCCESSFUL and self.score is not None

    @property
    def epochs(self) -> int | None:
        """The epochs of a rung of Hyperband."""
        return self.codes.get("tuner/epochs")

    @property
    def ended(self) -> float | None:
        """When it ended."""
        return self.attempts[-1][2] if self.attempts else None


class SearchRecords:
    """The trials of a search, in the order of their beginning, with the times of its sessions."""

    def __init__(self, events: Iterable[dict[str, Any]] = ()) -> None:
        self.trials: dict[str, TrialRecord] = {}
        self.sessions: list[list[float]] = []
        for event in events:
            self.add(event)

    def add(self, event: dict[str, Any]) -> None:
        """Take note of an event of the journal."""
        time: Any = event.get("time")
        if event["event"] == "session":
            for trial in self.trials.values():  # a process that the last session lost
                if trial.attempts and trial.attempts[-1][2] is None and self.sessions:
                    trial.attempts[-1][2] = self.sessions[-1][1]
            self.sessions.append([time, time])
            return
        if time is not None and self.sessions:
            self.sessions[-1][1] = time
        if event["event"] == "created":
            made = TrialRecord(event["trial"], event["codes"], event["values"], event.get("of"), event.get("seed"))
            self.trials[made.name] = made
        elif event["event"] == "started":
            self.trials[event["trial"]].attempts.append([event["worker"], time, None])
        elif event["event"] in ("attempt", "ended"):
            self._end(self.trials[event["trial"]], event)

    def _end(self, trial: TrialRecord, event: dict[str, Any]) -> None:
        trial.seconds += event.get("seconds", 0.0)
        trial.kind, trial.error = event.get("kind", ""), event.get("error", "")
        if trial.attempts and trial.attempts[-1][2] is None:
            trial.attempts[-1][2] = event["time"]
        if event["event"] == "attempt":
            trial.failures += event.get("kind") != "interrupted"
            return
        trial.status = event["status"]
        trial.score = event.get("score")
        trial.curve = event.get("curve", [])
        trial.parameters = event.get("parameters")
        trial.same_as = event.get("same_as")

    @property
    def seconds(self) -> float:
        """How long the search has been at work, all sessions together."""
        return sum(end - start for start, end in self.sessions)

    @property
    def searched(self) -> list[TrialRecord]:
        """The trials of the search itself, without reruns."""
        return [trial for trial in self.trials.values() if trial.of is None]

    def unfinished(self) -> list[TrialRecord]:
        """Those that have begun and not ended."""
        return [trial for trial in self.trials.values() if trial.status == "running"]

    def ranking(self, objective: Objective) -> list[TrialRecord]:
        """The successful trials of the search, the best first, without repetitions."""
        good = [trial for trial in self.searched if trial.successful and trial.same_as is None]
        sign = 1.0 if objective.direction == "min" else -1.0
        # A finished training before one that was stopped at the same score.
        return sorted(good, key=lambda trial: (sign * _number(trial.score), trial.status))

    def reruns_of(self, name: str) -> list[TrialRecord]:
        """The successful reruns of a trial."""
        return [trial for trial in self.trials.values() if trial.of == name and trial.successful]


def _number(score: float | None) -> float:
    return math.inf if score is None or not math.isfinite(score) else score

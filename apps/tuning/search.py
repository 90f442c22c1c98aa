"""The search: asks the oracle, runs trials in processes of their own, writes the journal, survives what happens."""

import math
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from apps.errors import Interrupted, UserError
from apps.runs import atomic
from apps.runs.interruption import Stopped, stop_requests
from apps.settings import to_yaml
from apps.tuning.config import TunerConfig
from apps.tuning.folder import SearchFolder
from apps.tuning.median import hopeless
from apps.tuning.objective import Objective, Outcome, read_outcome
from apps.tuning.oracle import EXHAUSTED, WAIT, SearchOracle
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.space import Space
from apps.tuning.trial_process import Ending, RunningTrial, TrialProcess

# `command(run folder, resume)`: what to run for a trial whose settings are in `trial.yaml` of its folder.
Command = Callable[[Path, bool], list[str]]
SETTINGS, LOG = "trial.yaml", "output.log"
# How often a trial may lose its worker.
LOSSES = 2
# Its number on this machine, or its name on another.
Worker = int | str


class Search:
    """A search in its folder.

    Args:
        folder: Where it keeps its files; it has been locked.
        config: The options.
        space: What is searched, around the configuration to start from.
        objective: The figure to search by.
        command: What to run for a trial.
        tell: Called with each trial that has ended, and all of them.
        resume_command: What to type to go on after an interruption.
        pause: Seconds between two looks at the running trials.
    """

    def __init__(
        self,
        folder: SearchFolder,
        config: TunerConfig,
        space: Space,
        objective: Objective,
        command: Command,
        tell: Callable[[TrialRecord, SearchRecords], None] = lambda trial, records: None,
        resume_command: str = "the same command and --resume",
        pause: float = 0.2,
    ) -> None:
        self.records = SearchRecords()
        self._folder = folder
        self._config = config
        self._space = space
        self._objective = objective
        self._command = command
        self._tell = tell
        self._resume_command = resume_command
        self._pause = pause
        self._oracle = SearchOracle(config, space, objective.direction, space.config.training.epochs)
        self._waiting: list[TrialRecord] = []
        self._running: dict[Worker, tuple[TrialRecord, RunningTrial]] = {}
        self._judged: dict[str, int] = {}
        self._best = ""
        self._dropped: set[str] = set()
        # Asking an oracle changes it: once it has told us to wait, it is asked again when something has happened.
        self._asked_in_vain = self._exhausted = False

    def run(self) -> SearchRecords:
        """Search to the end, from where the journal stops.

        Raises:
            Interrupted: when the user stopped it.
            UserError: when all of the first trials have failed.
        """
        self._folder.journal.repair()
        self._replay(self._folder.journal.read())
        self._write_best()
        self._note("session")
        with stop_requests() as stop:
            try:
                while True:
                    stop.check()
                    if not self._fill() and not self._running:
                        break
                    time.sleep(self._pause)
                    self._look()
            except Stopped:
                self._interrupt()
                raise Interrupted(f"Stopped. Go on with: {self._resume_command}") from None
            finally:
                for _, process in self._running.values():
                    process.kill()
        self._note("done")
        return self.records

    def _note(self, event: str, **fields: Any) -> None:
        self.records.add(self._folder.journal.append(event, **fields, time=round(time.time(), 3)))

    def _replay(self, events: list[dict[str, Any]]) -> None:
        created = [event["trial"] for event in events if event["event"] == "created" and not event.get("of")]
        for event in events:
            self.records.add(event)
            kind, name = event["event"], event.get("trial", "")
            if kind == "created" and not event.get("of"):
                self._oracle.repeat(name, event["codes"], last=name == created[-1])
            elif kind == "ended" and not self.records.trials[name].of:
                self._oracle.end(name, event.get("score"))
                self._asked_in_vain = False
            elif kind in (WAIT, EXHAUSTED):
                self._oracle.create()
                self._asked_in_vain = True
                self._exhausted = kind == EXHAUSTED
        self._waiting = self.records.unfinished()

    def _fill(self) -> bool:
        """Give each idle worker a trial; whether one of them has got one."""
        began = False
        for worker in self._workers():
            while worker not in self._running:
                trial = self._next()
                if trial is None:
                    break
                began = True
                self._start(worker, trial)
        return began

    def _workers(self) -> Iterable[Worker]:
        """Who may be given a trial."""
        return range(self._config.workers)

    def _next(self) -> TrialRecord | None:
        """What to do next: a trial that was interrupted, one that the oracle chooses, or a rerun."""
        if self._waiting:
            return self._waiting.pop(0)
        spent = self._config.minutes is not None and self._seconds() >= 60 * self._config.minutes
        more = len(self.records.searched) < self._config.trials and not spent
        if more and not self._exhausted:
            if self._asked_in_vain:
                return None
            answer = self._oracle.create()
            if not isinstance(answer, str):
                name, codes = answer
                self._note("created", trial=name, codes=codes, values=self._space.decode(codes))
                return self.records.trials[name]
            self._note(answer)
            self._asked_in_vain = True
            self._exhausted = answer == EXHAUSTED
            return None
        return None if self._running else self._rerun()

    def _rerun(self) -> TrialRecord | None:
        first = self._space.config.training.seed
        for trial in self.records.ranking(self._objective)[: self._config.reruns]:
            for seed in range(first + 1, first + 1 + self._config.rerun_seeds):
                name = f"{trial.name}-seed-{seed}"
                if name not in self.records.trials:
                    self._note("created", trial=name, codes=trial.codes, values=trial.values, of=trial.name, seed=seed)
                    return self.records.trials[name]
        return None

    def _seconds(self) -> float:
        return self.records.seconds + time.time() - self.records.sessions[-1][1]

    def _start(self, worker: Worker, trial: TrialRecord) -> None:
        twin = self._twin(trial)
        if twin is not None:
            self._end(trial, twin.status, score=twin.score, curve=twin.curve, same_as=twin.name)
            return
        run = self._folder.trial(trial.name)
        try:
            config = self._space.configuration(trial_settings(trial, self._space))
        except UserError as error:
            self._end(trial, "failed", kind="invalid", error=str(error))
            return
        atomic.write_text(run.path / SETTINGS, to_yaml(config))
        self._note("started", trial=trial.name, worker=worker)
        self._running[worker] = trial, self._launch(worker, trial)

    def _launch(self, worker: Worker, trial: TrialRecord) -> RunningTrial:
        """Begin a trial, or go on with it; its settings are in its folder."""
        run = self._folder.trial(trial.name)
        limit = None if self._config.trial_minutes is None else 60 * self._config.trial_minutes
        return TrialProcess(self._command(run.path, run.exists), run.path / LOG, limit)

    def _curve(self, trial: TrialRecord) -> list[float]:
        """The objective after each epoch so far."""
        return self._objective.curve(self._folder.trial(trial.name).path)

    def _outcome(self, trial: TrialRecord) -> Outcome:
        """What a trial that has ended well has come to."""
        return read_outcome(self._folder.trial(trial.name).path, self._objective)

    def _twin(self, trial: TrialRecord) -> TrialRecord | None:
        """A trial with the same values that has ended well; a Gaussian process can hope for the same point twice."""
        if trial.of is not None:
            return None
        return next((t for t in self.records.searched if t.status == "completed" and t.codes == trial.codes), None)

    def _look(self) -> None:
        """See what has become of the running trials."""
        for worker, (trial, process) in list(self._running.items()):
            ending = process.poll()
            if ending is not None:
                del self._running[worker]
                self._conclude(trial, ending)
            elif self._config.median_stop and self._config.algorithm != "hyperband" and trial.of is None:
                self._judge(trial, process)

    def _judge(self, trial: TrialRecord, process: RunningTrial) -> None:
        curve = self._curve(trial)
        if len(curve) > self._judged.get(trial.name, 0):
            self._judged[trial.name] = len(curve)
            others = [other.curve for other in self.records.searched if other.successful]
            # After its last epoch a trial ends by itself.
            if len(curve) < self._space.config.training.epochs and hopeless(curve, others, self._objective):
                process.stop()

    def _conclude(self, trial: TrialRecord, ending: Ending) -> None:
        seconds = round(ending.seconds, 2)
        if ending.kind not in ("finished", "stopped"):
            # A worker that fell silent says nothing about its trial.
            retries = max(self._config.retries, LOSSES) if ending.kind == "lost" else self._config.retries
            if ending.may_be_luck and trial.failures < retries:
                self._note("attempt", trial=trial.name, kind=ending.kind, error=ending.error, seconds=seconds)
                self._waiting.append(trial)
                return
            self._end(trial, "failed", kind=ending.kind, error=ending.error, seconds=seconds)
            return
        outcome = self._outcome(trial)
        score = outcome.score
        if score is None or not math.isfinite(score):
            kind = "no_score" if score is None else "diverged"
            error = f"validation {self._objective.name} is {'missing' if score is None else 'not a number'}"
            self._end(trial, "failed", kind=kind, error=error, seconds=seconds)
            return
        status = "stopped" if ending.kind == "stopped" else "completed"
        facts = {"curve": outcome.curve, "seconds": seconds, "parameters": outcome.parameters}
        self._end(trial, status, score=score, **facts)

    def _end(self, trial: TrialRecord, status: str, **fields: Any) -> None:
        self._note("ended", trial=trial.name, status=status, **fields)
        self._asked_in_vain = False
        if trial.of is None:
            self._oracle.end(trial.name, trial.score)
        self._write_best()
        self._drop_checkpoints()
        self._tell(trial, self.records)
        ended = [other for other in self.records.searched if other.status != "running"]
        if len(ended) == self._config.give_up and all(other.status == "failed" for other in ended):
            raise UserError(
                f"The first {len(ended)} trials have all failed, the last with: {trial.error} See "
                f"{self._folder.trials}, and go on with: {self._resume_command}"
            )

    def _write_best(self) -> None:
        ranking = self.records.ranking(self._objective)
        if ranking and ranking[0].name != self._best:
            config = self._space.configuration(trial_settings(ranking[0], self._space))
            line = f"# Trial {ranking[0].name}: validation {self._objective.name} {ranking[0].score:.6g}\n"
            atomic.write_text(self._folder.best_file, line + to_yaml(config))
            self._best = ranking[0].name

    def _drop_checkpoints(self) -> None:
        best = {trial.name for trial in self.records.ranking(self._objective)[: self._config.keep]}
        for trial in self.records.trials.values():
            if trial.status != "running" and trial.name not in best | self._dropped:
                shutil.rmtree(self._folder.trial(trial.name).checkpoints.folder, ignore_errors=True)
                self._dropped.add(trial.name)

    def _interrupt(self) -> None:
        """Let the running trials write their checkpoints; what they were doing is done when the search goes on."""
        for _, process in self._running.values():
            process.stop()
        while self._running:
            for worker, (trial, process) in list(self._running.items()):
                ending = process.poll()
                if ending is not None:
                    del self._running[worker]
                    if ending.kind == "stopped":
                        self._note("attempt", trial=trial.name, kind="interrupted", seconds=round(ending.seconds, 2))
                    else:  # it has ended by itself
                        self._conclude(trial, ending)
            time.sleep(self._pause)


def trial_settings(trial: TrialRecord, space: Space) -> dict[str, Any]:
    """All that a trial changes: its values, and what Hyperband or a rerun adds to them."""
    settings = dict(trial.values)
    if trial.epochs is not None:
        settings |= {"training.epochs": trial.epochs}
    return settings if trial.seed is None else settings | space.reseeded(trial.seed)

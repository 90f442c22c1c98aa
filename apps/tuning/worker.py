"""Does the trials of a search that a chief on another machine leads."""

import dataclasses
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.errors import Interrupted, UserError
from apps.runs import atomic
from apps.runs.interruption import Stopped, stop_requests
from apps.tuning.chief import LIMIT_ENTRY, NAME_ENTRY, OBJECTIVE_ENTRY, OUTCOME_ENTRY, SEARCH_ENTRY, SETTINGS_ENTRY
from apps.tuning.command import train_command
from apps.tuning.folder import SearchFolder
from apps.tuning.objective import Objective, read_outcome
from apps.tuning.search import LOG, SETTINGS, Command
from apps.tuning.trial_process import Ending, TrialProcess

ALIVE_SECONDS = 2.0
# A chief may be away for so long, to be resumed.
PATIENCE_SECONDS = 600.0


class TrialWorker:
    """Asks a chief for trials until there are no more.

    Args:
        address: The chief's `host:port`.
        root: The folder of all searches; each has a folder of its own for its trials.
        task: The task's name.
        command: What to run for a trial.
        tell: Called with a line for each trial.
    """

    def __init__(
        self,
        address: str,
        root: Path,
        task: str,
        command: Command = train_command,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        import grpc
        from keras_tuner.src import protos

        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._address = address
        self._root = root
        self._task = task
        self._command = command
        self._tell = tell
        self._messages = protos.get_service()
        self._stub = protos.get_service_grpc().OracleStub(grpc.insecure_channel(address))

    def run(self) -> None:
        """Work until the chief says that the search has ended.

        Raises:
            Interrupted: when the user stopped it; its trial is given to another.
            UserError: when the chief cannot be reached.
        """
        from keras_tuner.src.engine.trial import Trial

        with stop_requests() as stop:
            while True:
                request = self._messages.CreateTrialRequest(tuner_id=self.name)
                trial = Trial.from_proto(self._call("CreateTrial", request).trial)
                if trial.status == "STOPPED":
                    return
                try:
                    stop.check()
                    if trial.status == "RUNNING":
                        self._do(trial, stop.check)
                except Stopped:
                    raise Interrupted("Stopped. The chief gives the trial to another worker.") from None

    def _call(self, method: str, request: Any, patience: float = PATIENCE_SECONDS) -> Any:
        import grpc

        try:
            return getattr(self._stub, method)(request, wait_for_ready=True, timeout=patience)
        except grpc.RpcError as error:
            raise UserError(f"The chief at {self._address} does not answer ({error.code().name.lower()}).") from None

    def _do(self, trial: Any, check: Callable[[], None]) -> None:
        given = trial.hyperparameters.values
        folder = SearchFolder(self._root, self._task, given[SEARCH_ENTRY])
        run = folder.trial(given[NAME_ENTRY])
        atomic.write_text(run.path / SETTINGS, given[SETTINGS_ENTRY])
        objective = Objective(given[OBJECTIVE_ENTRY])
        process = TrialProcess(self._command(run.path, run.exists), run.path / LOG, given[LIMIT_ENTRY] or None)
        try:
            ending = self._attend(trial.trial_id, process, run.path, objective, check)
        except BaseException:
            process.kill()
            raise
        outcome = read_outcome(run.path, objective)
        report = dataclasses.asdict(ending) | dataclasses.asdict(outcome)
        trial.hyperparameters.values = {OUTCOME_ENTRY: json.dumps(report)}
        self._call("EndTrial", self._messages.EndTrialRequest(trial=trial.to_proto()))
        self._tell(f"trial {run.name}  {ending.kind}  {ending.error or outcome.score}  {ending.seconds:.0f} s")

    def _attend(
        self, key: str, process: TrialProcess, folder: Path, objective: Objective, check: Callable[[], None]
    ) -> Ending:
        """Wait for the end of a trial, and tell the chief of its progress."""
        heard, told = time.monotonic(), 0
        while True:
            ending = process.poll()
            if ending is not None:
                return ending
            check()
            curve = objective.curve(folder)
            if len(curve) > told or time.monotonic() - heard > ALIVE_SECONDS:
                told = min(told + 1, len(curve))
                figures = {"score": curve[told - 1]} if told else {}
                request = self._messages.UpdateTrialRequest(trial_id=key, metrics=figures, step=told)
                if self._call("UpdateTrial", request).trial.status == self._stopped:
                    process.stop()
                heard = time.monotonic()
            time.sleep(0.05)

    @property
    def _stopped(self) -> Any:
        from keras_tuner.src.engine.trial import TrialStatus

        return TrialStatus.to_proto(TrialStatus.STOPPED)

"""A search whose trials run on other machines: KerasTuner's gRPC service, with the search behind it.

Of KerasTuner's messages, `CreateTrial` gives a worker the settings of a trial, `UpdateTrial` says that it is alive and
how far it is, and is answered whether to go on, `EndTrial` has the outcome.
"""

import json
import threading
import time
from collections.abc import Iterable
from concurrent import futures
from typing import Any

from apps.errors import UserError
from apps.tuning.objective import Outcome
from apps.tuning.record import TrialRecord
from apps.tuning.search import SETTINGS, Search, Worker
from apps.tuning.trial_process import Ending

# Workers say every few seconds that they are alive; one that has not for so long is gone.
LOST_SECONDS = 60.0
# How long a worker's question waits for an answer, and the chief at the end for questions.
ASK_SECONDS, FAREWELL_SECONDS = 2.0, 5.0
# The entries of a trial's values that carry what KerasTuner's messages have no field for.
SETTINGS_ENTRY, NAME_ENTRY, LIMIT_ENTRY = "settings", "name", "seconds"
SEARCH_ENTRY, OBJECTIVE_ENTRY, OUTCOME_ENTRY = "search", "objective", "outcome"


class RemoteTrial:
    """A trial that a worker is doing.

    Args:
        worker: Who does it.
        key: Its id in messages: the trial and the attempt.
        values: What the worker is given.
    """

    def __init__(self, worker: str, key: str, values: dict[str, Any]) -> None:
        self.worker = worker
        self.key = key
        self.values = values
        self.heard = self._started = time.monotonic()
        self.stopping = False
        self.ending: Ending | None = None
        self.outcome = Outcome(None, [], None)
        self.curve: list[float] = []

    def poll(self) -> Ending | None:
        """How it ended; it is lost if its worker has been silent."""
        if self.ending is None and time.monotonic() - self.heard > LOST_SECONDS:
            return Ending("lost", "its worker fell silent", time.monotonic() - self._started)
        return self.ending

    def stop(self, why: str = "stopped") -> None:
        """Tell the worker so when it is heard next."""
        self.stopping = True

    def kill(self) -> None:
        """The same; its worker ends a trial that the chief does not know any more."""
        self.stopping = True


class Chief(Search):
    """A search that others do the work of.

    Args:
        address: `host:port` to listen on.
        options: As for `Search`.
    """

    def __init__(self, *options: Any, address: str, **more: Any) -> None:
        super().__init__(*options, **more)
        self._address = address
        # Guards what follows: calls come in threads of the server's.
        self._changed = threading.Condition()
        self._asking: dict[str, float] = {}
        self._known: set[str] = set()
        self._assigned: dict[str, RemoteTrial] = {}
        self._trials: dict[str, RemoteTrial] = {}
        self._over = False

    def run(self) -> Any:
        """Serve trials until the search has ended."""
        server = _serve(self, self._address)
        try:
            return super().run()
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            deadline = time.monotonic() + FAREWELL_SECONDS
            while self._known and time.monotonic() < deadline:
                time.sleep(0.05)
            server.stop(1.0).wait()

    def _fill(self) -> bool:
        # With nobody to do it, what is left to be done is no reason to end.
        return super()._fill() or self._more()

    def _more(self) -> bool:
        """Whether there is something to do as soon as a worker asks."""
        if self._waiting or self._running:
            return True
        trial = self._next()
        if trial is not None:
            self._waiting.insert(0, trial)
        return trial is not None

    def _workers(self) -> Iterable[Worker]:
        with self._changed:
            return [worker for worker, since in self._asking.items() if time.monotonic() - since < ASK_SECONDS]

    def _launch(self, worker: Worker, trial: TrialRecord) -> RemoteTrial:
        settings = (self._folder.trial(trial.name).path / SETTINGS).read_text(encoding="utf-8")
        limit = 60 * self._config.trial_minutes if self._config.trial_minutes else 0.0
        values = {SETTINGS_ENTRY: settings, NAME_ENTRY: trial.name, LIMIT_ENTRY: float(limit)}
        values[OBJECTIVE_ENTRY] = self._objective.name
        # A worker may have served another search of this name before.
        values[SEARCH_ENTRY] = f"{self._folder.name}-{self.records.sessions[0][0]:.0f}"
        remote = RemoteTrial(str(worker), f"{trial.name}@{len(trial.attempts)}", values)
        with self._changed:
            self._trials[trial.name] = self._assigned[remote.worker] = remote
            self._asking.pop(remote.worker, None)
            self._changed.notify_all()
        return remote

    def _curve(self, trial: TrialRecord) -> list[float]:
        with self._changed:
            return list(self._trials[trial.name].curve)

    def _outcome(self, trial: TrialRecord) -> Outcome:
        return self._trials[trial.name].outcome

    def ask(self, worker: str) -> tuple[str, RemoteTrial | None]:
        """A worker's question for a trial: `RUNNING` and the trial, `IDLE`, or `STOPPED`."""
        with self._changed:
            self._known.add(worker)
            self._asking[worker] = time.monotonic()
            self._changed.wait_for(lambda: worker in self._assigned or self._over, ASK_SECONDS)
            if worker in self._assigned:
                # Nobody says farewell to one that falls silent.
                self._known.discard(worker)
                return "RUNNING", self._assigned.pop(worker)
            if self._over:
                self._known.discard(worker)
            return ("STOPPED" if self._over else "IDLE"), None

    def hear(self, key: str, epoch: int, value: float | None) -> str:
        """A sign of life, with the objective after an epoch; `STOPPED` if the worker is to end that trial."""
        with self._changed:
            remote = self._find(key)
            if remote is None:
                return "STOPPED"
            remote.heard = time.monotonic()
            if value is not None and epoch == len(remote.curve) + 1:
                remote.curve.append(value)
            return "STOPPED" if remote.stopping else "RUNNING"

    def end(self, key: str, report: dict[str, Any]) -> None:
        """The outcome of a trial; that of one which has been given to another is dropped."""
        with self._changed:
            remote = self._find(key)
            if remote is not None:
                self._known.add(remote.worker)
                remote.outcome = Outcome(report["score"], report["curve"], report["parameters"])
                remote.ending = Ending(report["kind"], report["error"], report["seconds"])

    def _find(self, key: str) -> RemoteTrial | None:
        remote = self._trials.get(key.partition("@")[0])
        return remote if remote is not None and remote.key == key and remote.ending is None else None


def _serve(chief: Chief, address: str) -> Any:
    import grpc
    from keras_tuner.src import protos
    from keras_tuner.src.engine.hyperparameters import HyperParameters
    from keras_tuner.src.engine.trial import Trial

    service: Any = protos.get_service()
    rpc: Any = protos.get_service_grpc()

    def message(status: str, key: str = "", values: dict[str, Any] | None = None) -> Any:
        parameters = HyperParameters()
        parameters.values = values or {}
        return Trial(parameters, trial_id=key or "none", status=status).to_proto()

    class Service(rpc.OracleServicer):
        def CreateTrial(self, request: Any, context: Any) -> Any:
            status, remote = chief.ask(request.tuner_id)
            given = message(status) if remote is None else message(status, remote.key, remote.values)
            return service.CreateTrialResponse(trial=given)

        def UpdateTrial(self, request: Any, context: Any) -> Any:
            status = chief.hear(request.trial_id, int(request.step), request.metrics.get("score"))
            return service.UpdateTrialResponse(trial=message(status))

        def EndTrial(self, request: Any, context: Any) -> Any:
            trial = Trial.from_proto(request.trial)
            chief.end(trial.trial_id, json.loads(trial.hyperparameters.values[OUTCOME_ENTRY]))
            return service.EndTrialResponse()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64))
    rpc.add_OracleServicer_to_server(Service(), server)
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise UserError(f"The chief cannot listen on {address}: choose another --chief host:port.")
    server.start()
    return server

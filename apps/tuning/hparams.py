"""Event files for TensorBoard's HParams page: `tensorboard --logdir searches/<task>/<name>/tensorboard`.

Made from the journal alone, so that trials of other machines are there too, and without TensorFlow.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.runs import atomic
from apps.tuning.folder import SearchFolder
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.space import Choice, Parameter, Space

# The scalar that the page shows beside the values, and the curve behind it.
SCORE, CURVE = "score", "validation/objective"
VERSION = "brain.Event:2"


class HParamsEvents:
    """Writes a folder of events for each trial that has ended, once.

    Args:
        folder: The search; its folder `tensorboard/` is written to.
        space: What is searched.
        objective: The figure searched by.
        warn: Called with a line when the files cannot be written; the search goes on without them.
    """

    def __init__(self, folder: SearchFolder, space: Space, objective: Objective, warn: Any = lambda line: None) -> None:
        self._root = folder.path / "tensorboard"
        self._parameters = {parameter.name: parameter for parameter in space.parameters}
        self._objective = objective
        self._warn = warn
        self._written: set[str] = set()
        self._failed = False

    def write(self, records: SearchRecords) -> None:
        """Write what is missing; trials that ended just before a crash are among it."""
        if self._failed:
            return
        try:
            if not self._root.exists():
                atomic.write_directory(self._root, lambda folder: _write(folder, [(self._experiment(), 0, None)]))
            for trial in records.trials.values():
                if trial.status != "running" and trial.name not in self._written:
                    self._write_trial(trial)
                    self._written.add(trial.name)
        except OSError as error:
            self._failed = True
            self._warn(f"no more event files for TensorBoard: {error}")

    def _write_trial(self, trial: TrialRecord) -> None:
        place = self._root / trial.name
        if not place.exists():
            atomic.write_directory(place, lambda folder: _write(folder, self._events(trial)))

    def _experiment(self) -> Any:
        """What is searched, and by which figure."""
        from tensorboard.plugins.hparams import summary_v2

        hparams = [summary_v2.HParam(name, domain(parameter)) for name, parameter in self._parameters.items()]
        return summary_v2.hparams_config_pb(hparams, [summary_v2.Metric(SCORE, display_name=self._objective.name)])

    def _events(self, trial: TrialRecord) -> Iterable[tuple[Any, int, float | None]]:
        """The summaries of a trial, each with its step and its time."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2, summary_v2
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        begun = trial.attempts[0][1] if trial.attempts else None
        values = {name: self._value(name, value) for name, value in trial.values.items() if name in self._parameters}
        if trial.seed is not None:
            values["training.seed"] = trial.seed
        yield summary_v2.hparams_pb(values, trial_id=trial.name, start_time_secs=begun), 0, begun
        for epoch, value in enumerate(trial.curve, start=1):
            yield scalar_pb(CURVE, value), epoch, trial.ended
        if trial.successful:
            yield scalar_pb(SCORE, trial.score), len(trial.curve), trial.ended
        status = "STATUS_SUCCESS" if trial.successful else "STATUS_FAILURE"
        ended = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=trial.ended or time.time())
        content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=ended))
        value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)
        yield Summary(value=[value]), 0, trial.ended

    def _value(self, name: str, value: Any) -> Any:
        parameter = self._parameters[name]
        return parameter.encode(value) if isinstance(parameter, Choice) else value


def domain(parameter: Parameter) -> Any:
    """The values of a setting in TensorBoard's words: numbers of one kind, or strings."""
    from tensorboard.plugins.hparams import summary_v2

    if isinstance(parameter, Choice):
        return summary_v2.Discrete(list(parameter.codes))
    if parameter.whole:
        return summary_v2.IntInterval(int(parameter.low), int(parameter.high))
    return summary_v2.RealInterval(float(parameter.low), float(parameter.high))


def _write(folder: Path, summaries: Iterable[tuple[Any, int, float | None]]) -> None:
    """Write an event file."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    now = time.time()
    with open(folder / f"events.out.tfevents.{int(now)}.search", "wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=now, file_version=VERSION).SerializeToString())
        for summary, step, moment in summaries:
            writer.write(Event(wall_time=moment or now, step=step, summary=summary).SerializeToString())

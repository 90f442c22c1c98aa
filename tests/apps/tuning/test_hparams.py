"""What TensorBoard's own reader finds in the events of a search."""

import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

from apps.tuning.folder import SearchFolder
from apps.tuning.hparams import CURVE, SCORE, HParamsEvents
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords
from apps.tuning.space import Choice, Range, Space

from .fakes import fake_space

PARAMETERS = (
    Choice("model.units", (32, 64)),
    Choice("model.segment_length", (25, None)),
    Choice("model.bidirectional", (True, False)),
    Range("training.learning_rate", 1e-4, 1e-2, log=True),
)
VALUES = {"model.units": 64, "model.segment_length": None, "model.bidirectional": False, "training.learning_rate": 1e-3}
JOURNAL = [
    {"event": "session", "time": 100.0},
    {"event": "created", "trial": "0000", "codes": {}, "values": VALUES, "time": 101.0},
    {"event": "started", "trial": "0000", "worker": 0, "time": 102.0},
    {
        "event": "ended",
        "trial": "0000",
        "status": "completed",
        "time": 130.0,
        "score": 0.75,
        "curve": [0.5, 0.75, 0.7],
        "seconds": 28.0,
    },
    {"event": "created", "trial": "0001", "codes": {}, "values": {"model.units": 32}, "time": 131.0},
    {"event": "started", "trial": "0001", "worker": 0, "time": 132.0},
    {"event": "ended", "trial": "0001", "status": "failed", "kind": "crashed", "error": "It broke.", "time": 140.0},
    {"event": "created", "trial": "0002", "codes": {}, "values": VALUES, "time": 141.0},
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of the events."""
    folder = SearchFolder(tmp_path_factory.mktemp("hparams"), "sentiment", "search")
    space = Space(PARAMETERS, fake_space().config)
    HParamsEvents(folder, space, Objective("accuracy")).write(SearchRecords(JOURNAL))
    HParamsEvents(folder, space, Objective("accuracy")).write(SearchRecords(JOURNAL))  # nothing is written twice
    return folder.path / "tensorboard"


def read(folder):
    assert len(list(folder.glob("events*"))) == 1
    return EventAccumulator(str(folder)).Reload()


def plugin_data(folder, tag, parse):
    return parse(read(folder).summary_metadata[tag].plugin_data.content)


def test_the_experiment_names_settings_and_figure(written):
    experiment = plugin_data(written, metadata.EXPERIMENT_TAG, metadata.parse_experiment_plugin_data)
    infos = {info.name: info for info in experiment.hparam_infos}
    assert list(infos) == [parameter.name for parameter in PARAMETERS]
    assert [value.number_value for value in infos["model.units"].domain_discrete.values] == [32, 64]
    assert [value.string_value for value in infos["model.segment_length"].domain_discrete.values] == ["25", "null"]
    assert infos["training.learning_rate"].domain_interval.max_value == 1e-2
    [metric] = experiment.metric_infos
    assert (metric.name.tag, metric.display_name) == (SCORE, "accuracy")


def test_a_trial_has_its_values_its_curve_and_its_score(written):
    begun = plugin_data(
        written / "0000", metadata.SESSION_START_INFO_TAG, metadata.parse_session_start_info_plugin_data
    )
    assert begun.group_name == "0000"
    assert begun.start_time_secs == 102.0
    assert {name: value.WhichOneof("kind") for name, value in begun.hparams.items()} == {
        "model.units": "number_value",
        "model.segment_length": "string_value",
        "model.bidirectional": "string_value",
        "training.learning_rate": "number_value",
    }
    assert begun.hparams["model.units"].number_value == 64
    assert begun.hparams["model.segment_length"].string_value == "null"
    accumulator = read(written / "0000")
    curve = [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in accumulator.Tensors(CURVE)]
    assert curve == [(1, 0.5), (2, 0.75), (3, pytest.approx(0.7))]
    [score] = accumulator.Tensors(SCORE)
    assert float(tensor_util.make_ndarray(score.tensor_proto)) == 0.75


def test_a_failure_is_one_and_what_runs_is_left_out(written):
    ended = plugin_data(written / "0001", metadata.SESSION_END_INFO_TAG, metadata.parse_session_end_info_plugin_data)
    assert ended.status == 2  # a failure
    assert ended.end_time_secs == 140.0
    assert SCORE not in read(written / "0001").summary_metadata
    assert sorted(path.name for path in written.iterdir() if path.is_dir()) == ["0000", "0001"]


def test_writing_needs_no_tensorflow(tmp_path):
    program = """
import sys
from pathlib import Path
from apps.tuning import hparams
from apps.tuning.folder import SearchFolder
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords
from apps.tuning.space import Range

class Space:
    parameters = (Range("a", 0.0, 1.0),)

events = [
    {"event": "session", "time": 1.0},
    {"event": "created", "trial": "0", "codes": {}, "values": {"a": 0.5}, "time": 1.0},
    {"event": "ended", "trial": "0", "status": "completed", "score": 1.0, "curve": [1.0], "time": 2.0},
]
folder = SearchFolder(sys.argv[1], "sentiment", "s")
hparams.HParamsEvents(folder, Space(), Objective("accuracy")).write(SearchRecords(events))
assert len(list(folder.path.rglob("events*"))) == 2
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_a_full_disk_is_a_warning(tmp_path):
    (tmp_path / "sentiment").write_text("in the way")
    lines = []
    folder = SearchFolder(tmp_path, "sentiment", "search")
    events = HParamsEvents(folder, Space(PARAMETERS, fake_space().config), Objective("accuracy"), lines.append)
    events.write(SearchRecords(JOURNAL))
    events.write(SearchRecords(JOURNAL))
    assert len(lines) == 1

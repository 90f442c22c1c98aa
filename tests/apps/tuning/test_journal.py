"""What survives of a journal, the rule of the median, and the objective's figures."""

import json
import math

import pytest

from apps.errors import UsageError, UserError
from apps.tuning.journal import Journal
from apps.tuning.median import hopeless
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords


def test_a_line_that_was_cut_short_is_dropped_and_nothing_else(tmp_path):
    journal = Journal(tmp_path / "events.jsonl")
    assert journal.read() == []
    for number in range(3):
        journal.append("created", trial=str(number), name="Gärtner")
    whole = journal.path.read_bytes()
    for length in range(len(whole)):
        journal.path.write_bytes(whole[:length])
        assert [event["trial"] for event in journal.read()] == ["0", "1", "2"][: whole[:length].count(b"\n")]
    journal.repair()
    journal.append("created", trial="3")
    assert [event["trial"] for event in journal.read()] == ["0", "1", "3"]


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    journal = Journal(tmp_path / "events.jsonl")
    journal.path.write_bytes(b'{"event": "session", "time": 1}\n{"eve\n{"event": "done", "time": 2}\n')
    with pytest.raises(UserError, match="line 2"):
        journal.read()


def test_the_median_of_the_others_means():
    accuracy, loss = Objective("accuracy"), Objective("loss")
    others = [[0.2, 0.4], [0.4, 0.6], [0.6, 0.8], [0.8, 1.0]]  # means after two: 0.3, 0.5, 0.7, 0.9; the median is 0.6
    assert hopeless([0.59, 0.3], others, accuracy)
    assert not hopeless([0.3, 0.61], others, accuracy)
    assert hopeless([0.7, 0.61], others, loss)
    assert not hopeless([0.7, 0.59], others, loss)
    assert not hopeless([0.0, 0.0], others[:3], accuracy)  # too few
    assert not hopeless([0.0, 0.0, 0.0], others, accuracy)  # none of that length
    assert not hopeless([], others, accuracy)


def test_figures_of_a_run(tmp_path):
    lines = [{"epoch": n, "validation": {"accuracy": value}} for n, value in enumerate([0.5, 0.7, 0.6], start=1)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "report.json").write_text('{"metrics": {"validation": {"chrf": 31.5}}}')
    assert Objective("accuracy").curve(tmp_path) == [0.5, 0.7, 0.6]
    assert Objective("accuracy").score(tmp_path) == 0.7
    assert Objective("chrf").curve(tmp_path) == []
    assert Objective("chrf").score(tmp_path) == 31.5
    assert Objective("bits_per_character").score(tmp_path) is None
    (tmp_path / "metrics.jsonl").write_text('{"validation": {"loss": NaN}}\n')
    assert math.isnan(Objective("loss").score(tmp_path))
    with pytest.raises(UsageError, match=r"tuner\.objective must be one of accuracy"):
        Objective("beauty")


def test_time_at_work_leaves_interruptions_out():
    events = [
        {"event": "session", "time": 100.0},
        {"event": "created", "trial": "0", "codes": {}, "values": {}, "time": 110.0},
        {"event": "started", "trial": "0", "worker": 0, "time": 110.0},
        {"event": "session", "time": 1000.0},
        {"event": "started", "trial": "0", "worker": 1, "time": 1001.0},
        {"event": "ended", "trial": "0", "status": "completed", "score": 0.5, "seconds": 29.0, "time": 1030.0},
    ]
    records = SearchRecords(events)
    assert records.seconds == 40.0
    assert records.trials["0"].attempts == [[0, 110.0, 110.0], [1, 1001.0, 1030.0]]
    assert records.unfinished() == []
    assert [trial.name for trial in SearchRecords(events[:5]).unfinished()] == ["0"]

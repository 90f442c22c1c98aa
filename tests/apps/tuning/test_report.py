"""The report of a finished search."""

import csv
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from apps.tuning.importance import importance
from apps.tuning.objective import Objective
from apps.tuning.plot import Axis
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.report import write_report
from apps.tuning.space import Choice, Range

from .fakes import fake_search, fake_space

EMPTY_TAGS = ("meta",)


class Balanced(HTMLParser):
    """Knows which tags are open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    behaviour = {"0003": "crashes"}
    search = fake_search(tmp_path_factory.mktemp("report"), behaviour, trials=10, workers=2, reruns=1, rerun_seeds=1)
    search.run()
    records = SearchRecords(search.folder.journal.read())
    summary = write_report(search.folder, records, fake_space().parameters, Objective("accuracy"), "random")
    return search.folder, records, summary


def test_the_page_opens_offline_and_has_each_section(finished):
    folder, _, _ = finished
    page = (folder.path / "report.html").read_text()
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    headings = re.findall("<h2>(.*?)</h2>", page)
    expected = ["Best so far", "Setting by setting", "All together", "Learning curves", "Quality and cost", "Luck"]
    assert [heading for heading in headings if heading in expected] == expected
    assert {"Workers", "Failures", "All trials"} <= set(headings)
    assert "It broke." in page
    drawings = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert len(drawings) >= 8
    circles = drawings[0].findall("circle")
    assert len(circles) == 9  # a dot for each trial with a score, none for reruns
    for circle in circles:
        assert 0 <= float(circle.get("cx")) <= 560
        assert 0 <= float(circle.get("cy")) <= 260


def test_the_tables_say_what_the_journal_does(finished):
    folder, records, summary = finished
    assert json.loads((folder.path / "report.json").read_text()) == summary
    assert summary["counts"] == {"completed": 9, "stopped": 0, "failed": 1, "running": 0}
    best = max((trial for trial in records.searched if trial.successful), key=lambda trial: trial.score)
    assert summary["best"]["trial"] == best.name
    again = records.reruns_of(best.name)[0]
    [luck] = summary["reruns"]
    assert luck["mean"] == pytest.approx((best.score + again.score) / 2)
    assert luck["standard_deviation"] == pytest.approx(abs(best.score - again.score) / np.sqrt(2))
    with open(folder.path / "report.csv", newline="") as file:
        rows = {row["trial"]: row for row in csv.DictReader(file)}
    assert rows.keys() == records.trials.keys()
    assert float(rows[best.name]["score"]) == best.score
    assert rows["0003"]["error"] == "It broke."


def test_importance_finds_what_decides():
    random = np.random.default_rng(0)
    parameters = (Range("a", 0.0, 1.0), Choice("b", ("x", "y")), Range("c", 0.0, 1.0), Choice("d", (1, None)))
    trials = []
    for number in range(80):
        values = {"a": random.uniform(), "b": "xy"[number % 2], "c": random.uniform(), "d": (1, None)[number // 2 % 2]}
        score = 3 * values["a"] + (values["b"] == "x")
        trials.append(TrialRecord(str(number), values, values, score=score, status="completed"))
    shares = importance(trials, parameters)
    assert list(shares)[:2] == ["a", "b"]
    assert shares["a"] > 0.5 > shares["b"] > 0.02
    assert shares["c"] + shares["d"] < 0.05
    assert 0.8 < sum(shares.values()) <= 1
    for trial in trials:
        trial.score = random.uniform()
    assert sum(importance(trials, parameters).values()) < 0.3
    assert importance(trials[:5], parameters) == {}


@pytest.mark.parametrize("values", [[0.5], [1e-4, 1e-2], [3, 7, 250_000], [0.91, 0.92, 0.93], [-3.0, 2.0]])
@pytest.mark.parametrize("log", [False, True])
def test_ticks_lie_on_the_axis(values, log):
    axis = Axis(values, log=log)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 7
    assert all(-1e-9 <= place <= 1 + 1e-9 for place, _ in ticks)
    assert all(0 <= axis.place(value) <= 1 for value in values)


def test_an_outlier_does_not_press_the_others_together():
    axis = Axis([0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, -50.0], robust=True)
    assert axis.place(0.97) - axis.place(0.9) > 0.2
    assert axis.place(-50.0) == 0.0

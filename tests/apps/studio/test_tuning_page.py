"""The tuning page in Streamlit's own test harness: each state of a search, and what is drawn of it."""

import json
import os
import sys

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from apps.studio import searches
from apps.studio.launch import command
from apps.studio.settings import searches_folder

from .conftest import APP

PAGE = "scripts/tuning.py"
EVIL = "<script>alert(1)</script>"
SPACE = [
    {"setting": "model.units", "values": [32, 64]},
    {"setting": "training.learning_rate", "low": 1e-4, "high": 1e-2, "log": True},
]
TRIALS = 10


def write_search(root, name, ended=TRIALS, done=False, running=False):
    """A search as `keras-seq tune` leaves it; the fourth trial has failed, each other is better than the one before."""
    folder = root / "sentiment" / name
    folder.mkdir(parents=True)
    tuner = {"algorithm": "random", "trials": TRIALS, "objective": "accuracy"}
    (folder / "search.yaml").write_text(yaml.safe_dump({"tuner": tuner, "space": SPACE, "config": {}}))
    events = [{"event": "session", "time": 1000.0}]
    for number in range(ended + running):
        trial, begun = f"{number:04d}", 1000.0 + 60 * number
        values = {"model.units": (32, 64)[number % 2], "training.learning_rate": 1e-3 * (number + 1) / 2}
        events.append({"event": "created", "trial": trial, "codes": {}, "values": values, "time": begun})
        events.append({"event": "started", "trial": trial, "worker": 0, "time": begun})
        if number == ended:
            break
        outcome = {"status": "completed", "score": 0.5 + number / 100, "curve": [0.4, 0.5 + number / 100]}
        if number == 3:
            outcome = {"status": "failed", "kind": "crashed", "error": f"It broke. {EVIL}"}
        events.append({"event": "ended", "trial": trial, "seconds": 50.0, "time": begun + 55, **outcome})
    if done:
        events.append({"event": "done", "time": 2000.0})
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (folder / "best.yaml").write_text("model: {units: 64}\n")
    return folder


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder for searches, where the studio looks for them."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--searches.dir", str(tmp_path / "searches")])
    return tmp_path / "searches"


def _open():
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def _facts(app):
    return "\n".join(element.proto.body for element in app.get("html"))


def _drawn(app):
    [frame] = app.get("iframe")
    return frame.proto.srcdoc


def test_no_search_is_one_line_and_the_way_out(root):
    app = _open()
    assert str(root) in app.warning[0].value
    assert "keras-seq tune sentiment --data.source samples" in app.code[0].value
    assert str(root) in app.code[0].value


def test_a_finished_search_has_all_views_and_its_downloads(root):
    folder = write_search(root, "night", done=True)
    app = _open()
    assert "59.00 %" in _facts(app)
    assert "best accuracy, validation, trial 0009" in _facts(app)
    assert "finished" in _facts(app)
    assert f"keras-seq train sentiment --config {folder / 'best.yaml'}" in app.code[0].value
    headings = {
        "Progress": ["Best so far", "Learning curves", "Workers"],
        "Settings": ["Setting by setting", "All together"],
        "Cost and failures": ["Quality and cost", "Failures"],
        "All trials": ["All trials"],
    }
    for view, expected in headings.items():
        app.button_group(key="search_view").set_value(view).run()
        assert not app.exception
        drawn = _drawn(app)
        assert all(f"<h2>{heading}</h2>" in drawn for heading in expected), view
        assert EVIL not in drawn
    app.button_group(key="search_view").set_value("Cost and failures").run()
    assert "It broke. &lt;script&gt;" in _drawn(app)
    assert [button.proto.label for button in app.get("download_button")] == ["Best settings", "Report"]


def test_running_is_who_holds_the_lock_and_shows_the_trial_of_now(root):
    fcntl = pytest.importorskip("fcntl")
    folder = write_search(root, "now", ended=4, running=True)
    trial = folder / "trials" / "sentiment" / "0004"
    trial.mkdir(parents=True)
    lines = [{"epoch": epoch, "validation": {"accuracy": value}} for epoch, value in ((1, 0.25), (2, 0.375))]
    (trial / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with open(folder / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = _open()
        assert "running" in _facts(app)
        assert app.get("progress")[0].proto.value == 40
        [row] = app.dataframe[0].value.to_dict("records")
        assert (row["trial"], row["epochs"], row["accuracy"], row["units"]) == ("0004", 2, 0.375, 32)
        # What is written meanwhile is seen at the next look.
        with open(folder / "events.jsonl", "a") as journal:
            ended = {"event": "ended", "trial": "0004", "status": "completed", "score": 0.99, "curve": [0.99]}
            journal.write(json.dumps({**ended, "seconds": 9.0, "time": 1300.0}) + "\n")
        app.run()
        assert "99.00 %" in _facts(app)
        assert app.get("progress")[0].proto.value == 50
    app.run()
    assert "interrupted" in _facts(app)
    assert f"keras-seq tune sentiment --name now --searches.dir {root} --resume" in app.code[0].value


def test_a_search_that_has_just_begun(root):
    folder = write_search(root, "new", ended=0)
    (folder / "events.jsonl").unlink()
    app = _open()
    assert "0 of 10" in _facts(app)
    assert "first trial" in app.info[0].value


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("events.jsonl", '{"event": "session", "time": 1}\n{"eve\n{"event": "done", "time": 2}\n', "line 2"),
        ("events.jsonl", '{"event": "started", "trial": "0000", "worker": 0, "time": 1}\n', "no journal"),
        ("search.yaml", "tuner: [", "cannot be read"),
        ("search.yaml", "tuner: {}", "cannot be read"),
    ],
)
def test_broken_files_are_one_line(root, file, content, words):
    folder = write_search(root, "torn", done=True)
    write_search(root, "whole", done=True)
    (folder / file).write_text(content)
    app = _open()
    app.selectbox(key="search").set_value("sentiment/torn").run()
    assert not app.exception
    [error] = app.error
    assert words in error.value
    assert file in error.value
    assert "\n" not in error.value
    app.selectbox(key="search").set_value("sentiment/whole").run()
    assert "59.00 %" in _facts(app)


def test_the_newest_comes_first(root):
    for number, name in enumerate(("old", "new")):
        folder = write_search(root, name)
        os.utime(folder / "events.jsonl", (1000 + number, 1000 + number))
    assert [search.key for search in searches.list_searches(root)] == ["sentiment/new", "sentiment/old"]
    assert searches_folder([]) == "searches"
    words = command(searches_dir="elsewhere")
    assert searches_folder(words[words.index("--") + 1 :]) == "elsewhere"

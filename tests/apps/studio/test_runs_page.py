"""The runs page in Streamlit's own test harness, what it reads, and a training that it starts."""

import json
import os
import sys
import time

import pytest
from streamlit import config as streamlit_config
from streamlit.testing.v1 import AppTest

from apps.cli import main
from apps.errors import UserError
from apps.studio import run_view, runs, training
from apps.studio.launch import command
from apps.studio.settings import read_only, runs_folder

from ..run_folders import write_run
from .conftest import APP

PAGE = "scripts/runs.py"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder for runs, where the studio looks for them."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--runs.dir", str(tmp_path / "runs")])
    return tmp_path / "runs"


@pytest.fixture
def loopback():
    """The studio listens on this machine alone."""
    before = streamlit_config.get_option("server.address")
    streamlit_config.set_option("server.address", "127.0.0.1")
    yield
    streamlit_config.set_option("server.address", before)


def _open():
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def _html(app):
    return "\n".join(element.proto.body for element in app.get("html"))


def test_no_run_is_one_line_and_the_way_out(root):
    app = _open()
    assert str(root) in app.warning[0].value
    assert "keras-seq train sentiment --data.source samples" in app.code[0].value


def test_each_state_says_what_to_do_next(root):
    write_run(root, "done", "finished")
    write_run(root, "stopped", "interrupted")
    write_run(root, "killed", "running")  # nobody holds its lock
    broken = write_run(root, "broken", "failed", values=())
    (broken / "status.json").write_text(json.dumps({"state": "failed", "error": f"The disk is full. {EVIL}"}))
    app = _open()
    html = _html(app)
    for state in ("finished", "interrupted", "lost", "failed"):
        assert f'class="state {state}"' in html
    hints = {"done": "export", "stopped": "--resume", "killed": "--resume", "broken": "--resume"}
    for name, words in hints.items():
        app.selectbox(key="run").set_value(f"sentiment/{name}").run()
        assert not app.exception
        assert any(words in code.value and name in code.value for code in app.code)
    app.selectbox(key="run").set_value("sentiment/broken").run()
    assert any("The disk is full" in code.value for code in app.code)
    app.selectbox(key="run").set_value("sentiment/done").run()
    assert "75.00 %" in _html(app)
    assert "best accuracy, validation, epoch 2" in _html(app)


def test_running_is_who_holds_the_lock(root):
    fcntl = pytest.importorskip("fcntl")
    folder = write_run(root, "now", "running")
    assert runs.read_run(folder).state == runs.LOST
    with open(folder / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert runs.read_run(folder).state == runs.RUNNING
        app = _open()
        assert any("Ctrl-C" in caption.value for caption in app.caption)
        assert not any(button.key == "stop_training" for button in app.button)
        assert app.get("progress")[0].proto.value == 60
    assert runs.read_run(folder).state == runs.LOST


def test_damaged_files_are_empty_ones(root):
    folder = write_run(root, "torn", "finished")
    (folder / "status.json").write_text("{")
    (folder / "metrics.jsonl").write_text('{"epoch": 1, "train": {"loss": NaN}}\n{"epo\n')
    (folder / "config.yaml").write_text("a: [")
    run = runs.read_run(folder)
    assert run.state == runs.LOST
    assert [entry["epoch"] for entry in runs.history(run)] == [1]
    assert runs.figures(runs.history(run)[0], "train") == {}
    _open()


def test_log_is_shown_from_its_end(root):
    folder = root / "sentiment" / "studio-1"
    folder.mkdir(parents=True)
    (folder / runs.LOG).write_text("".join(f"line {i} {EVIL}\n" for i in range(2000)))
    app = _open()
    log = app.code[0].value.splitlines()
    assert len(log) == runs.LOG_LINES
    assert log[-1].startswith("line 1999")
    assert 'class="state failed"' in _html(app)


def test_leaderboard_has_the_best_first(root):
    write_run(root, "good", "finished", values=(0.5, 0.9, 0.8))
    write_run(root, "better", "finished", values=(0.6, 0.95))
    write_run(root, "best_but_unfinished", "interrupted", values=(0.99,))
    for name, values in (("low", (5.0, 3.0)), ("high", (4.0,))):
        write_run(root, name, "finished", task="text_generation", monitor="loss", values=values)
    app = _open()
    app.button_group(key="runs_view").set_value("Leaderboard").run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["run"].tolist() == ["better", "good"]
    assert table["accuracy"].tolist() == [0.95, 0.9]
    assert table["epoch"].tolist() == [2, 2]
    app.selectbox(key="leaderboard_task").set_value("text_generation").run()
    assert app.dataframe[0].value["run"].tolist() == ["low", "high"]
    assert not app.warning
    other = {"seconds": 1.0, "data": {"source": "others", "digest": "def"}}
    (root / "text_generation" / "low" / "report.json").write_text(json.dumps(other))
    assert "different data" in app.run().warning[0].value


def test_two_configurations_show_differences_only(root):
    write_run(root, "one", "finished", model="{units: 3, cell: gru}")
    write_run(root, "two", "finished", model="{units: 4, cell: gru, layers: 2}")
    app = _open()
    app.button_group(key="runs_view").set_value("Two configurations").run()
    app.selectbox(key="settings_first").set_value("sentiment/one")
    app.selectbox(key="settings_second").set_value("sentiment/two").run()
    rows = app.dataframe[0].value.to_numpy().tolist()
    assert rows == [["model.units", "3", "4"], ["model.layers", "(none)", "2"]]
    app.selectbox(key="settings_second").set_value("sentiment/one").run()
    assert "same settings" in app.info[0].value


def test_views_with_too_little_to_show(root):
    write_run(root, "only", "interrupted")
    app = _open()
    app.button_group(key="runs_view").set_value("Leaderboard").run()
    assert "No run has finished" in app.info[0].value
    app.button_group(key="runs_view").set_value("Two configurations").run()
    assert "two runs" in app.info[0].value


def test_names_are_escaped_and_curves_describe_themselves(root):
    run = runs.read_run(write_run(root, EVIL.replace("/", "_"), "finished", monitor=f'"{EVIL}"'))
    history = runs.history(run)
    html = run_view.table([run], None) + run_view.facts(run, history[-1], runs.report(run))
    assert "<img" not in html
    drawn = run_view.curve(history, "loss", 2).to_dict()
    assert drawn["description"] == "loss over 3 epochs; last: training 0.8000"
    assert len(drawn["layer"]) == 2
    assert run_view.age(100_000) == "1 day ago"
    assert run_view.duration(3_700) == "1 h 2 min"


@pytest.mark.parametrize(
    ("address", "locked", "allowed"),
    [
        ("localhost", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("localhost", True, False),
        ("0.0.0.0", False, False),
        ("192.168.0.2", False, False),
        ("example.org", False, False),
        (None, False, False),
    ],
)
def test_only_this_machine_starts_trainings(address, locked, allowed):
    assert (training.refusal(address, locked) is None) == allowed


def test_public_studio_has_no_button(root, loopback, monkeypatch):
    assert _open().button(key="start_training").label == "Start training"
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--read_only"])
    app = _open()
    assert not app.button
    assert "--read_only" in app.caption[0].value


def test_options_reach_the_script(tmp_path):
    arguments = command(runs_dir=tmp_path / "my runs", read_only=True)
    script = arguments[arguments.index("--") + 1 :]
    assert runs_folder(script) == str(tmp_path / "my runs")
    assert read_only(script)
    assert runs_folder([]) == "runs"
    assert not read_only([])


@pytest.mark.parametrize("task", list(training.PRESETS))
def test_options_of_small_trainings_are_known(task, tmp_path, capsys):
    arguments = training.command(task, "small", tmp_path)
    assert arguments[1:4] == ["-m", "apps", "train"]
    assert main([*arguments[3:], "--print_config"]) == 0
    assert "samples" in capsys.readouterr().out


def test_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="No training can be started"):
        training.start("sentiment", tmp_path / "runs")


def _wait(folder, states, seconds=240):
    end = time.monotonic() + seconds
    while (run := runs.read_run(folder, folder.resolve() in training.alive())).state not in states:
        assert time.monotonic() < end, f"{run.state}: {runs.log_tail(run)}"
        time.sleep(0.3)
    return run


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_trainings_are_started_stopped_and_watched_to_their_end(root, loopback, monkeypatch):
    small = ("--data.limit", "64", "--training.epochs", "200", "--model.units", "4")
    monkeypatch.setitem(training.PRESETS, "sentiment", (*training.PRESETS["sentiment"], *small))
    app = _open()
    app.selectbox(key="preset").set_value("sentiment")
    app.button(key="start_training").click().run()
    assert not app.exception
    folder = root / "sentiment" / "studio-1"
    assert app.selectbox(key="run").value == "sentiment/studio-1"
    with pytest.raises(UserError, match="going on"):
        training.start("sentiment", root)
    _wait(folder, {runs.RUNNING})
    app.run().button(key="stop_training").click().run()
    assert not app.exception
    stopped = _wait(folder, {runs.INTERRUPTED})
    assert list((folder / "checkpoints").glob("*.npz"))
    assert "Go on with" in runs.log_tail(stopped)

    while training.alive():
        time.sleep(0.1)
    monkeypatch.setitem(training.PRESETS, "sentiment", (*training.PRESETS["sentiment"], "--training.epochs", "2"))
    app.run().button(key="start_training").click().run()
    ended = _wait(root / "sentiment" / "studio-2", {runs.FINISHED})
    assert ended.epochs == (2, 2)
    assert [entry["epoch"] for entry in runs.history(ended)] == [1, 2]
    assert not app.run().exception
    assert any("keras-seq export sentiment --run studio-2" in code.value for code in app.code)

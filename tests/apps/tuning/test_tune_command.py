"""`keras-seq tune`, with real trainings."""

import json

import pytest
import yaml

from apps.cli import main
from apps.commands.tune import describe
from apps.tuning.config import TunerConfig
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords

SPACE = {"model.units": [3, 4], "training.learning_rate": "1e-3..1e-2 log"}


@pytest.fixture
def config_file(tmp_path):
    """The tiny training, its space and some options of the search."""
    from apps.sentiment import TASK

    off = {parameter.name: "off" for parameter in TASK.search_space()}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({"tuner": {"trials": 1}, "space": off | SPACE}))
    return path


@pytest.mark.slow
def test_a_real_trial_and_its_report(command, capsys, tiny, config_file, tmp_path):
    root = tmp_path / "searches"
    where = ["--searches.dir", root, "--name", "first"]
    code, output, errors = command("tune", "sentiment", "--config", config_file, *tiny, *where, "--json")
    assert code == 0, errors
    summary = json.loads(output)
    folder = root / "sentiment" / "first"
    assert summary["counts"]["completed"] == 1
    assert summary["objective"] == "accuracy"
    for trial in summary["trials"]:
        report = json.loads((folder / "trials" / "sentiment" / trial["trial"] / "report.json").read_text())
        assert trial["parameters"] == report["parameters"]
        assert trial["score"] == report["best"]["value"] == max(trial["curve"])
        assert len(trial["curve"]) == 4
    best = yaml.safe_load((folder / "best.yaml").read_text())
    assert best["model"]["units"] == summary["best"]["values"]["model.units"]
    assert best["data"]["source"] == "samples"
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert {path.parent.name for path in folder.rglob("events*search")} == {"tensorboard", "0000"}
    (folder / "report.html").unlink()
    code, output, errors = run(capsys, *where, "--report", "--json")
    assert code == 0, errors
    assert json.loads(output)["trials"] == summary["trials"]
    assert (folder / "report.html").exists()


def run(capsys, *arguments):
    code = main(["tune", "sentiment", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_print_space(capsys, config_file):
    given = ["--config", config_file, "--space.model.units", "8..64", "--training.learning_rate", "0.01"]
    code, output, errors = run(capsys, *given, "--space.model.pooling", "mean,max", "--print_space", "--json")
    assert code == 0, errors
    rows = {row["setting"]: row["values"] for row in json.loads(output)}
    # The wish of the file for the learning rate is one for it to be searched.
    assert rows == {"model.units": "8..64", "training.learning_rate": "0.001..0.01 log", "model.pooling": "mean, max"}


def test_the_word_off_needs_no_quotes(capsys, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("space: {text.max_length: off, model.units: off, model.bidirectional: off, model.layers: [1, 2]}")
    code, output, errors = run(capsys, "--config", path, "--print_space", "--json")
    assert code == 0, errors
    rows = {row["setting"]: row["values"] for row in json.loads(output)}
    assert (rows["model.layers"], rows["model.bidirectional"]) == ("1, 2", "false")  # a switch can be off
    assert not {"text.max_length", "model.units"} & set(rows)


def test_losses_of_other_tokens_are_not_compared(capsys, tmp_path, monkeypatch):
    import apps.commands.tune as tune

    chosen = []
    monkeypatch.setattr(tune, "_search", lambda folder, tuner, *ignored: chosen.append(tuner.objective))
    monkeypatch.chdir(tmp_path)
    off = ["--space.text.level", "off", "--space.text.vocabulary_size", "off"]
    for options in ([], off, ["--tuner.objective", "accuracy"]):
        assert main(["tune", "text_generation", *options]) == 0
    assert chosen == ["bits_per_character", "loss", "accuracy"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tuner.algorithm", "evolution"], "tuner.algorithm"),
        (["--tuner.objective", "beauty"], "tuner.objective must be one of"),
        (["--tuner.trials", "0"], "tuner.trials must be at least 1"),
        (["--space.model.units", "9..3"], "space.model.units must rise"),
        (["--space.model.unitz", "3"], "did you mean '--space.model.units'"),
        (["--space.model.pooling", "mean,middle"], "space.model.pooling: "),
        (["--space.model.units", "64,many"], "space.model.units: "),
        (["--space.model.units", "0.5..2.5"], "space.model.units: "),
        (["--resume", "--searches.dir", "nowhere"], "no sentiment search"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run(capsys, *arguments)
    assert code != 0
    assert words in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_search_goes_on_as_it_began(capsys, tmp_path, config_file, monkeypatch):
    import apps.commands.tune as tune

    searched = []  # kept, so that the folder is not unlocked by being forgotten
    monkeypatch.setattr(tune, "_search", lambda folder, *ignored: searched.append(folder))
    where = ["--searches.dir", tmp_path / "searches", "--name", "s"]
    assert run(capsys, *where, "--config", config_file, "--data.source", "samples")[0] == 0
    code, _, errors = run(capsys, *where, "--config", config_file)
    assert code == 1
    assert "go on with --resume" in errors
    code, _, errors = run(capsys, *where, "--resume", "--tuner.algorithm", "grid")
    assert code == 2
    assert "tuner.algorithm = 'random'" in errors
    code, _, errors = run(capsys, *where, "--resume", "--model.units", "9")
    assert code == 2
    assert "leave them out" in errors
    assert run(capsys, *where, "--resume", "--tuner.trials", "9")[0] == 0
    stored = yaml.safe_load((tmp_path / "searches" / "sentiment" / "s" / "search.yaml").read_text())
    assert stored["tuner"]["trials"] == 9
    assert [what["setting"] for what in stored["space"]] == ["model.units", "training.learning_rate"]
    assert stored["config"]["data"]["source"] == "samples"


def test_the_line_of_a_trial():
    records = SearchRecords(
        [
            {"event": "session", "time": 0.0},
            {"event": "created", "trial": "0000", "codes": {}, "values": {"model.units": 64}, "time": 0.0},
            {"event": "ended", "trial": "0000", "status": "completed", "score": 0.75, "seconds": 9.6, "time": 9.6},
        ]
    )
    line = describe(records.trials["0000"], records, TunerConfig(trials=5), Objective("accuracy"))
    assert line == "1/5  trial 0000  accuracy 0.7500 *  10 s  model.units 64"

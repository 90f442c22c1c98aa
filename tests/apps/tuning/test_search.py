"""Whole searches over fake trainings: what goes wrong in a trial, and in the search itself."""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from apps.errors import Interrupted, UserError
from apps.sentiment import Config
from apps.settings import build_config, read_settings

from . import fakes


def outcome(records):
    return [(trial.name, trial.values, trial.status, trial.score) for trial in records.trials.values()]


def starts(search):
    path = search.folder.trials / "sentiment" / "started.txt"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_best_trial_is_found_and_kept_as_settings(make_search):
    search = make_search(trials=5, workers=2, keep=2)
    records = search.run()
    assert [trial.status for trial in records.searched] == ["completed"] * 5
    best = max(records.searched, key=lambda trial: trial.score)
    assert records.ranking(search._objective)[0] is best
    stored = build_config(Config, read_settings(search.folder.best_file, Config))
    assert stored.model.word_dropout == best.values["model.word_dropout"]
    assert stored.training.epochs == 4
    assert starts(search) == Counter(trial.name for trial in records.searched)
    assert {attempt[0] for trial in records.searched for attempt in trial.attempts} == {0, 1}


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("crashes", "crashed", "It broke."),
        ("is killed", "killed", "SIGKILL"),
        ("runs out of memory", "out_of_memory", "smaller batches"),
        ("diverges", "diverged", "no longer a number"),
        ("gives NaN", "diverged", "not a number"),
        ("hangs", "hung", "longer than 1 s"),
    ],
)
def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(make_search, monkeypatch, how, kind, words):
    monkeypatch.setattr("apps.tuning.trial_process.HUNG_GRACE_SECONDS", 0.1)
    limit = 1 / 60 if how == "hangs" else None
    records = make_search({"0001": how}, trials=3, trial_minutes=limit).run()
    failed = records.trials["0001"]
    assert (failed.status, failed.kind) == ("failed", kind)
    assert words in failed.error
    assert [records.trials[name].status for name in ("0000", "0002")] == ["completed"] * 2


def test_a_crash_is_tried_again_if_asked_for_and_a_loss_that_is_no_number_is_not(make_search):
    search = make_search({"0000": "crashes once", "0001": "diverges"}, trials=3, retries=1)
    records = search.run()
    assert [trial.status for trial in records.searched] == ["completed", "failed", "completed"]
    assert starts(search) == {"0000": 2, "0001": 1, "0002": 1}
    assert records.trials["0000"].failures == 1


def test_a_search_whose_first_trials_all_fail_ends(make_search):
    with pytest.raises(UserError, match=r"first 2 trials have all failed.*It broke"):
        make_search({"all": "crashes"}, give_up=2).run()


def test_values_that_do_not_go_together_are_a_failed_trial(make_search, monkeypatch):
    search = make_search(trials=2)
    whole = search._space.configuration

    def configuration(values):
        if not hasattr(configuration, "called"):
            configuration.called = True
            raise UserError("model.units must be a multiple of 3.")
        return whole(values)

    monkeypatch.setattr(search._space, "configuration", configuration)
    records = search.run()
    assert [(trial.status, trial.kind) for trial in records.searched] == [("failed", "invalid"), ("completed", "")]


def test_hyperband_gives_the_best_of_a_rung_more_epochs(make_search):
    records = make_search(algorithm="hyperband", trials=8, workers=2, factor=2).run()
    by_epochs = Counter(trial.epochs for trial in records.searched)
    assert set(by_epochs) == {1, 2, 4}
    for trial in records.searched:
        assert len(trial.curve) == trial.epochs
    promoted = [t for t in records.searched if t.codes.get("tuner/trial_id")]
    assert promoted
    for trial in promoted:
        assert trial.values == records.trials[trial.codes["tuner/trial_id"]].values


def test_the_median_rule_stops_a_trial_that_is_behind(make_search):
    search = make_search({"0004": "is slow"}, trials=5, median_stop=True)
    # The last trial is the worst there can be.
    decode = search._space.decode
    worst = {"model.layers": 1, "model.units": 128, "model.word_dropout": 0.0}
    search._space.decode = lambda codes: worst if len(search.records.trials) == 4 else decode(codes)
    records = search.run()
    last = records.trials["0004"]
    assert last.status == "stopped"
    assert 1 <= len(last.curve) < 4
    assert last.score == max(last.curve)
    assert [trial.status for trial in records.searched[:4]] == ["completed"] * 4


def test_reruns_of_the_best_have_other_seeds_and_no_part_in_the_search(make_search):
    search = make_search(trials=3, reruns=1, rerun_seeds=2)
    records = search.run()
    best = records.ranking(search._objective)[0]
    again = records.reruns_of(best.name)
    assert [trial.seed for trial in again] == [2, 3]
    assert len(records.searched) == 3
    settings = yaml.safe_load((search.folder.trial(again[1].name).path / "trial.yaml").read_text())
    assert settings["training"]["seed"] == 3
    first = yaml.safe_load((search.folder.trial(best.name).path / "trial.yaml").read_text())
    assert (first["training"]["seed"], first["data"]["split_seed"]) == (1, None)
    assert settings["data"]["split_seed"] == 1  # what the first was measured on
    assert again[1].score == pytest.approx(best.score - 2e-4, rel=1e-3)


def test_more_trials_go_on_where_fewer_ended_and_minutes_are_kept(make_search):
    whole = outcome(make_search(trials=4).run())
    make_search().folder.journal.path.unlink()
    first = make_search(trials=2).run()
    assert outcome(first) == whole[:2]
    assert outcome(make_search(trials=3, minutes=1e-6).run()) == whole[:2]
    assert outcome(make_search(trials=4).run()) == whole


@pytest.mark.parametrize("algorithm", ["random", "hyperband", "bayesian", "grid"])
def test_a_journal_cut_anywhere_gives_the_same_search(make_search, algorithm):
    trials = 4 if algorithm == "bayesian" else 5  # the fourth is the first of the Gaussian process
    whole_search = make_search(algorithm=algorithm, trials=trials)
    whole = outcome(whole_search.run())
    journal = whole_search.folder.journal.path
    content = journal.read_bytes()
    lines = content.splitlines(keepends=True)
    cuts = (len(lines) // 2,) if algorithm in ("random", "bayesian") else (len(lines) // 2, len(lines) - 3)
    for cut in cuts:
        # A half line is what a power cut leaves.
        journal.write_bytes(b"".join(lines[:cut]) + lines[cut][:7])
        before = starts(whole_search)
        ended = {json.loads(line)["trial"] for line in lines[:cut] if b'"ended"' in line}
        assert outcome(make_search(algorithm=algorithm, trials=trials).run()) == whole
        assert not ended & set(starts(whole_search) - before)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
def test_ctrl_c_and_resume(make_search, tmp_path):
    whole = outcome(fakes.fake_search(tmp_path / "whole", trials=4).run())

    search = make_search(trials=4)

    def interrupt(trial, records):
        # A process that is told to end before it has begun leaves no trace.
        wait_until(lambda: starts(search)["0001"] == 1)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="Go on with"):
        make_search({"0001": "waits once"}, trials=4, workers=2, tell=interrupt).run()
    interrupted = [event for event in search.folder.journal.read() if event["event"] == "attempt"]
    assert [(event["trial"], event["kind"]) for event in interrupted] == [("0001", "interrupted")]
    records = search.run()
    assert outcome(records) == whole
    assert starts(search) == {"0000": 1, "0001": 2, "0002": 1, "0003": 1}
    assert records.trials["0001"].failures == 0


def test_an_objective_that_only_reports_have(make_search):
    search = make_search(trials=3, objective="chrf", median_stop=True)
    records = search.run()
    for trial in records.searched:
        report = json.loads((search.folder.trial(trial.name).path / "report.json").read_text())
        assert trial.score == report["metrics"]["validation"]["chrf"]
        assert trial.curve == []  # nor has it a loss to show


def test_kill_9_and_resume(make_search, start_process, tmp_path):
    whole = outcome(fakes.fake_search(tmp_path / "whole", trials=6).run())
    process = start_process(tmp_path, {"trials": 6, "workers": 2, "behaviour": {"all": "is slow"}})
    search = make_search(trials=6)

    def ended_trials():
        assert process.is_alive()
        return [entry for entry in search.folder.journal.read() if entry["event"] == "ended"]

    wait_until(lambda: len(ended_trials()) >= 2)
    process.kill()
    process.join()
    search.folder.journal.repair()
    events = search.folder.journal.read()
    ended = {entry["trial"] for entry in events if entry["event"] == "ended"}
    begun = starts(search)
    records = search.run()
    # The random values of a trial do not depend on how the others ended: two at a time or not is the same.
    assert outcome(records) == whole
    assert all(starts(search)[name] == begun[name] for name in ended)
    assert records.trials[next(iter(ended))].score is not None
    wait_until(lambda: not _processes_of(tmp_path), 20)


def _processes_of(folder):
    """The processes of this machine that have `folder` in their command line."""
    if not Path("/proc/self/cmdline").exists():
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in command and int(process.name) != os.getpid():
            found.append(command)
    return found

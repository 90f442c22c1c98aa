"""A run that is killed again and again ends with the numbers of one that was left alone."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from apps.runs.folder import RunFolder

KILLS = 4


def newest(root, name):
    return RunFolder(root, "sentiment", name).checkpoints.load_newest(pytest.fail)


def steps(root, name):
    folder = root / "sentiment" / name / "checkpoints"
    return max((int(path.name[5:13]) for path in folder.glob("step-*")), default=-1) if folder.exists() else -1


def without_seconds(progress):
    history = [{key: value for key, value in entry.items() if key != "seconds"} for entry in progress["history"]]
    return {**progress, "history": history, "seconds": None}


def kill_later(process, root, name, delay):
    """SIGKILL `delay` seconds after the process has written a checkpoint; True if it was still alive."""
    before = steps(root, name)
    deadline = time.monotonic() + 60
    while process.is_alive() and steps(root, name) == before and time.monotonic() < deadline:
        time.sleep(0.002)
    process.join(delay)
    alive = process.is_alive()
    if alive:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return alive


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_and_resumed_run_equals_the_uninterrupted_one(start_command, command, trained, tiny):
    whole = newest(trained, "whole")
    seed = time.time_ns()
    chance = random.Random(seed)
    new = ["train", "sentiment", *tiny, "--runs.dir", trained, "--name", "killed"]
    resume = ["train", "sentiment", "--runs.dir", trained, "--name", "killed", "--resume"]
    killed_at = []
    for attempt in range(KILLS):
        process, _ = start_command(resume if attempt else new)
        if kill_later(process, trained, "killed", chance.uniform(0.0, 0.08)):
            killed_at.append(steps(trained, "killed"))
    code, _, errors = command(*resume)
    assert code == 0, errors
    last = newest(trained, "killed")
    assert len(killed_at) >= 2, f"killed only at {killed_at}"
    context = f"seed {seed}, killed at steps {killed_at}"
    assert last.arrays.keys() == whole.arrays.keys(), context
    for name, value in whole.arrays.items():
        np.testing.assert_array_equal(last.arrays[name], value, err_msg=f"{name}; {context}")
    assert without_seconds(last.progress) == without_seconds(whole.progress), context


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_run_that_was_killed_before_its_first_checkpoint_starts_over(start_command, command, trained, tiny):
    new = ["train", "sentiment", *tiny, "--training.epochs", "1", "--runs.dir", trained, "--name", "early"]
    new += ["--training.checkpoint_seconds", "1000"]
    config = trained / "sentiment" / "early" / "config.yaml"
    process, _ = start_command(new)
    while process.is_alive() and not config.exists():
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    code, _, errors = command("train", "sentiment", "--runs.dir", trained, "--name", "early", "--resume")
    assert code == 0, errors
    assert newest(trained, "early").progress["finished"]


def test_interrupt_writes_a_checkpoint_and_says_how_to_go_on(start_command, trained, tiny):
    process, output = start_command(
        ["train", "sentiment", *tiny, "--runs.dir", trained, "--name", "stopped", "--quiet"]
    )
    while process.is_alive() and steps(trained, "stopped") < 2:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    errors = Path(f"{output}.err").read_text()
    assert process.exitcode == 130, errors
    assert errors.count("\n") == 1
    assert f"keras-seq train sentiment --name stopped --runs.dir {trained} --resume" in errors
    assert RunFolder(trained, "sentiment", "stopped").state == "interrupted"
    assert newest(trained, "stopped").step >= 2


def test_resume_with_another_setting_names_it(command, trained):
    code, _, errors = command(
        *("train", "sentiment", "--runs.dir", trained, "--name", "whole", "--resume", "--model.units", "5")
    )
    assert code == 1
    assert errors.count("\n") == 1
    assert "model.units = 4" in errors


def test_resume_with_changed_data_is_refused(command, tiny, tmp_path):
    data = tmp_path / "data.csv"
    lines = ["text,label"] + [f"text number {number},{'no' if number % 2 else 'yes'}" for number in range(40)]
    data.write_text("\n".join(lines) + "\n")
    options = [*tiny[2:], "--data.csv", data, "--training.epochs", "1", "--runs.dir", tmp_path, "--name", "own"]
    code, _, errors = command("train", "sentiment", *options)
    assert code == 0, errors
    data.write_text("\n".join(lines).replace("number 7", "number seven") + "\n")
    code, _, errors = command("train", "sentiment", "--runs.dir", tmp_path, "--name", "own", "--resume", "--quiet")
    assert code == 1
    assert errors.count("\n") == 1
    assert "have changed since the run 'own' began" in errors


def test_existing_run_is_not_overwritten(command, trained, tiny):
    before = (trained / "sentiment" / "whole" / "report.json").read_bytes()
    code, _, errors = command("train", "sentiment", *tiny, "--runs.dir", trained, "--name", "whole")
    assert code == 1
    assert errors.count("\n") == 1
    assert "--resume" in errors
    assert (trained / "sentiment" / "whole" / "report.json").read_bytes() == before


def test_quiet_resume_of_a_finished_run_writes_its_result_alone(trained):
    """In a process that imports TensorFlow itself, none of its notices reach the user."""
    command = [sys.executable, "-m", "apps", "train", "sentiment", "--name", "whole", "--resume", "--quiet", "--json"]
    result = subprocess.run([*command, "--runs.dir", str(trained)], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stderr == ""
    assert json.loads(result.stdout)["epochs"] == 4

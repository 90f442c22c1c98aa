"""A chief and workers, each a process of its own, one of them killed."""

import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from apps.errors import UserError

from . import fakes


def free_address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def start_worker(root, address, behaviour):
    arguments = [str(root), json.dumps(behaviour), "worker", address]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.apps.tuning.fakes", *arguments], cwd=Path(__file__).parents[3]
    )


@pytest.mark.slow
def test_two_workers_one_of_which_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("apps.tuning.chief.LOST_SECONDS", 6.0)
    local = fakes.fake_search(tmp_path / "local", {"0002": "crashes"}, trials=5).run()
    expected = [(trial.name, trial.values, trial.status, trial.score) for trial in local.searched]
    address = free_address()
    doomed = start_worker(tmp_path / "doomed", address, {"all": "hangs"})
    workers = [doomed]

    def help_out():
        """Kill the worker as soon as it has a trial, and start one that does its work."""
        deadline = threading.Event()
        while not list((tmp_path / "doomed").rglob("started.txt")):
            if deadline.wait(0.1):
                return
        doomed.kill()
        workers.append(start_worker(tmp_path / "good", address, {"0002": "crashes"}))

    helper = threading.Thread(target=help_out, daemon=True)
    helper.start()
    chief = fakes.fake_search(tmp_path / "chief", trials=5, address=address)
    records = chief.run()
    helper.join()
    assert [(trial.name, trial.values, trial.status, trial.score) for trial in records.searched] == expected
    events = chief.folder.journal.read()
    lost = [event for event in events if event["event"] == "attempt"]
    assert [(event["trial"], event["kind"]) for event in lost] == [("0000", "lost")]
    assert Counter(event["trial"] for event in events if event["event"] == "started")["0000"] == 2
    assert records.trials["0002"].error == "It broke."
    assert records.trials["0001"].curve == local.trials["0001"].curve
    assert workers[1].wait(20) == 0  # it was told that the search is over


def test_an_address_that_is_taken(tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        address = f"127.0.0.1:{one.getsockname()[1]}"
        with pytest.raises(UserError, match="cannot listen on"):
            fakes.fake_search(tmp_path, address=address).run()

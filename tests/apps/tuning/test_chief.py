"""A chief and workers, each a process of its own, one of them killed."""

import socket
import threading
from collections import Counter

import pytest

from apps.errors import UserError

from . import fakes
from .test_search import wait_until


def free_address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def test_two_workers_one_of_which_is_killed(tmp_path, start_process, monkeypatch):
    local = fakes.fake_search(tmp_path / "local", {"0002": "crashes"}, trials=5).run()
    expected = [(trial.name, trial.values, trial.status, trial.score) for trial in local.searched]
    address = free_address()
    doomed = start_process(tmp_path / "doomed", {"all": "hangs"}, address)
    chief = fakes.fake_search(tmp_path / "chief", trials=5, address=address)
    workers = [doomed]

    def help_out():
        """Kill the worker as soon as it has a trial, and start one that does its work."""
        wait_until(lambda: list((tmp_path / "doomed").rglob("started.txt")))
        doomed.kill()
        monkeypatch.setattr("apps.tuning.chief.LOST_SECONDS", 0.1)
        wait_until(lambda: any(event["event"] == "attempt" for event in chief.folder.journal.read()))
        # However busy the machine is, the other one is not lost.
        monkeypatch.setattr("apps.tuning.chief.LOST_SECONDS", 120.0)
        workers.append(start_process(tmp_path / "good", {"0002": "crashes"}, address))

    helper = threading.Thread(target=help_out, daemon=True)
    helper.start()
    records = chief.run()
    helper.join()
    assert [(trial.name, trial.values, trial.status, trial.score) for trial in records.searched] == expected
    events = chief.folder.journal.read()
    lost = [event for event in events if event["event"] == "attempt"]
    assert [(event["trial"], event["kind"]) for event in lost] == [("0000", "lost")]
    assert Counter(event["trial"] for event in events if event["event"] == "started")["0000"] == 2
    assert records.trials["0002"].error == "It broke."
    assert records.trials["0001"].curve == local.trials["0001"].curve
    workers[1].join(20)
    assert workers[1].exitcode == 0  # it was told that the search is over


def test_an_address_that_is_taken(tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        address = f"127.0.0.1:{one.getsockname()[1]}"
        with pytest.raises(UserError, match="cannot listen on"):
            fakes.fake_search(tmp_path, address=address).run()

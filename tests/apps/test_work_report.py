"""What a person sees while data are read: a bar on a terminal, a line now and then elsewhere, or nothing."""

import io
import sys

import pytest

from apps.console import Console
from apps.work_report import WorkBar, WorkLines, amount
from pipelines.progress import Progress, announce


class Terminal(io.StringIO):
    """Standard output or error of somebody who looks at it."""

    def isatty(self):
        return True


def test_a_line_when_the_last_is_old_enough(capsys):
    report = WorkLines(seconds=0.0)
    report(Progress("reading a.txt", 1200, None, "texts"))
    report(Progress("measuring", 64, 1014, "pairs"))
    report(Progress("learning the vocabulary"))
    assert capsys.readouterr().err.splitlines() == [
        "reading a.txt  1,200 texts",
        "measuring  64 of 1,014 pairs",
        "learning the vocabulary",
    ]
    patient = WorkLines()
    patient(Progress("reading", 5, None, "texts"))
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Console().working():
        announce("reading a.txt")
    assert "reading a.txt" in terminal.getvalue()


@pytest.mark.parametrize("options", [{"quiet": True}, {"json_output": True}, {}])
def test_no_bar_elsewhere(capsys, options):
    with Console(**options).working():
        announce("reading a.txt")
    assert capsys.readouterr().err == ""


def test_other_work_has_a_bar_of_its_own(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    report = WorkBar()
    report(Progress("reading", 900, 900, "texts"))
    report(Progress("encoding", 10, 900, "texts"))
    assert [(task.description, task.completed) for task in report._bars.tasks] == [("encoding", 10)]
    report.close()


def test_amounts():
    assert amount(Progress("reading", 1200, 25000, "texts")) == "1,200 of 25,000 texts"
    assert amount(Progress("learning")) == ""

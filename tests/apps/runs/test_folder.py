"""Run folders: names, locks, and what makes a run exist."""

import subprocess
import sys

import pytest

from apps.errors import UsageError, UserError
from apps.runs.folder import RunFolder, newest_run, run_names, unused_name
from apps.sentiment import Config
from apps.settings import build_config


class FakeTokenizer:
    def save(self, directory):
        (directory / "vocabulary.txt").write_text("words")


def create(root, name, **settings):
    folder = RunFolder(root, "sentiment", name)
    folder.lock()
    folder.create(build_config(Config, settings), FakeTokenizer(), {"labels": ["no", "yes"]})
    folder.unlock()
    return folder


def test_created_run_reads_back(tmp_path):
    folder = create(tmp_path, "a", **{"model.units": 7})
    assert folder.exists
    assert folder.read_config(Config) == build_config(Config, {"model.units": 7})
    assert folder.read_json("data.json") == {"labels": ["no", "yes"]}
    assert (folder.vocabulary / "vocabulary.txt").read_text() == "words"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-a", "a b", "é"])
def test_name_that_is_no_folder_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="letters, digits"):
        RunFolder(tmp_path, "sentiment", name)


def test_names_are_counted_on(tmp_path):
    assert unused_name(tmp_path, "sentiment") == "run-1"
    for name in ("run-2", "run-10", "other"):
        create(tmp_path, name)
    assert unused_name(tmp_path, "sentiment") == "run-11"
    assert run_names(tmp_path, "sentiment") == ["other", "run-10", "run-2"]


def test_missing_run_names_those_that_there_are(tmp_path):
    create(tmp_path, "one")
    with pytest.raises(UserError, match=r"No sentiment run 'two' in .*; there are: one"):
        RunFolder(tmp_path, "sentiment", "two").require()


def test_newest_unfinished_run(tmp_path):
    with pytest.raises(UserError, match="no sentiment run"):
        newest_run(tmp_path, "sentiment")
    for name, state in (("one", "interrupted"), ("two", "finished")):
        create(tmp_path, name).write_status(state)
    assert newest_run(tmp_path, "sentiment") == "two"
    assert newest_run(tmp_path, "sentiment", unfinished=True) == "one"


def test_malformed_file_is_named(tmp_path):
    folder = create(tmp_path, "a")
    (folder.path / "data.json").write_text("{")
    with pytest.raises(UserError, match=r"data\.json cannot be read"):
        folder.read_json("data.json")
    folder.config_file.write_text("model:\n  unis: 3\n")
    with pytest.raises(UserError, match=r"config\.yaml: .*did you mean 'model\.units'"):
        folder.read_config(Config)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fcntl")
def test_two_processes_do_not_train_in_one_folder(tmp_path):
    code = f"from apps.runs.folder import RunFolder; RunFolder({str(tmp_path)!r}, 'sentiment', 'a').lock()"

    def other_process():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    folder = create(tmp_path, "a")
    folder.lock()
    assert "Another process is training the run" in other_process().stderr
    folder.unlock()
    assert other_process().returncode == 0

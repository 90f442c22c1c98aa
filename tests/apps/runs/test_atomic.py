"""Atomic writes: the old content or the new, whatever goes wrong."""

import errno
import os

import pytest

from apps.runs import atomic


def test_content_is_written_and_replaced(tmp_path):
    file = tmp_path / "new" / "folder" / "a.json"
    atomic.write_json(file, {"é": 1})
    assert file.read_text() == '{\n  "é": 1\n}\n'
    atomic.write_text(file, "second\r\n")
    assert file.read_bytes() == b"second\r\n"
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_full_disk_keeps_the_old_content_and_no_leftover(tmp_path, monkeypatch, failing):
    file = tmp_path / "a.txt"
    atomic.write_text(file, "old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("replace"), replace(*names)))
    atomic.write_text(tmp_path / "a.txt", "content")
    assert order == ["fsync", "replace", "fsync"]


def test_new_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    atomic.write_text(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_directory_appears_complete_or_not_at_all(tmp_path):
    def fill(folder):
        (folder / "one").write_text("1")
        assert not (tmp_path / "made").exists()

    atomic.write_directory(tmp_path / "made", fill)
    assert (tmp_path / "made" / "one").read_text() == "1"

    def break_off(folder):
        (folder / "one").write_text("2")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        atomic.write_directory(tmp_path / "made", break_off)
    assert (tmp_path / "made" / "one").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / f"{atomic.TEMPORARY_PREFIX}a.npz").write_text("half")
    (tmp_path / f"{atomic.TEMPORARY_PREFIX}folder").mkdir()
    (tmp_path / "kept").write_text("")
    atomic.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]

"""A training that is interrupted while the finished model is measured goes on from there."""

from apps.cli import main
from apps.runs.folder import RunFolder
from apps.sentiment import SentimentTask


def test_interrupted_while_measuring_is_said_and_resumed(tmp_path, monkeypatch, tiny, capsys):
    locked, lock = [], RunFolder.lock

    def stop(*_):
        raise KeyboardInterrupt

    # Kept, so that no folder is unlocked by being forgotten.
    monkeypatch.setattr(RunFolder, "lock", lambda folder: locked.append(folder) or lock(folder))

    given = ["train", "sentiment", "--runs.dir", str(tmp_path), "--name", "one", "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr(SentimentTask, "evaluate", stop)
        assert main([*given, *tiny]) == 130
    assert "--resume" in capsys.readouterr().err
    folder = RunFolder(str(tmp_path), "sentiment", "one")
    assert folder.state == "interrupted"
    assert main([*given, "--resume"]) == 0
    assert RunFolder(str(tmp_path), "sentiment", "one").state == "finished"
    assert "accuracy" in folder.read_json("report.json")["metrics"]["validation"]

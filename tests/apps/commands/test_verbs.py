"""From samples to a served model and its answers, by the real command."""

import csv
import hashlib
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


def folder_digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def test_run_folder_holds_what_the_architecture_says(trained):
    folder = trained / "sentiment" / "whole"
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    expected = {"config.yaml", "data.json", "status.json", "metrics.jsonl", "report.json", "vocabulary", "checkpoints"}
    assert names == expected
    report = json.loads((folder / "report.json").read_text())
    assert report["metrics"]["validation"]["rows"] == report["data"]["rows"]["validation"]
    assert yaml.safe_load((folder / "config.yaml").read_text())["training"]["epochs"] == 4
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"


def test_served_validation_equals_what_training_saw(trained):
    report = json.loads((trained / "sentiment" / "whole" / "report.json").read_text())
    best = report["history"][report["best"]["epoch"] - 1]["validation"]
    assert report["metrics"]["validation"]["accuracy"] == pytest.approx(best["accuracy"])
    assert report["metrics"]["validation"]["log_loss"] == pytest.approx(best["loss"], rel=1e-4)


def test_run_and_export_measure_the_same(command, trained, exported):
    options = ["--split", "test", "--json", "--runs.dir", trained, "--models.dir", exported]
    code, output, errors = command("evaluate", "sentiment", "--run", "whole", *options)
    assert code == 0, errors
    of_run = json.loads(output)
    code, output, errors = command("evaluate", "sentiment", "--model", "sentiment/1", *options)
    assert code == 0, errors
    of_model = json.loads(output)
    assert of_run["rows"] == of_model["rows"] > 50
    for name in ("accuracy", "roc_auc", "f1", "log_loss", "calibration_error"):
        assert of_run[name] == pytest.approx(of_model[name], rel=1e-4)
    assert of_run["confusion"] == of_model["confusion"]
    report = json.loads((trained / "sentiment" / "whole" / "report.json").read_text())
    assert report["metrics"]["test"]["accuracy"] == of_run["accuracy"]


def test_evaluate_all_of_a_file_of_ones_own(command, exported, tmp_path):
    data = tmp_path / "own.csv"
    data.write_text("text,label\n" + "".join(f"A {word} film.,{label}\n" for word, label in [("good", "positive")] * 3))
    code, output, errors = command(
        *("evaluate", "sentiment", "--model", "sentiment", "--models.dir", exported, "--split", "all"),
        *("--data.csv", data, "--json"),
    )
    assert code == 0, errors
    assert json.loads(output)["rows"] == 3


def test_metadata_say_where_the_model_comes_from(exported):
    metadata = json.loads((exported / "sentiment" / "1" / "metadata.json").read_text())
    assert metadata["task"] == "sentiment"
    assert metadata["labels"] == ["negative", "positive"]
    assert metadata["config"]["model"]["cell"] == "elman"
    assert metadata["data"]["rows"]["train"] > 0
    assert 0 <= metadata["metrics"]["validation"]["accuracy"] <= 1
    card = (exported / "sentiment" / "1" / "MODEL_CARD.md").read_text()
    assert "keras-seq train sentiment --data.source samples" in card


def test_predict_answers_texts_lines_and_files_alike(exported, tmp_path):
    """One process of its own, whose standard input the test can fill."""
    with open(SAMPLES / "sentiment_test.csv", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:5]
    command = [sys.executable, "-m", "apps", "predict", "sentiment", "--models.dir", str(exported)]
    lines = subprocess.run([*command, "--json"], input="\n".join(texts), capture_output=True, text=True)
    assert lines.returncode == 0, lines.stderr
    assert lines.stderr == ""
    answers = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == texts
    assert {answer["label"] for answer in answers} <= {"negative", "positive"}


def test_predict_csv_and_arguments(command, exported, tmp_path):
    output = tmp_path / "out.csv"
    code, _, errors = command(
        *("predict", "sentiment", "--models.dir", exported, "--csv", SAMPLES / "sentiment_test.csv", "--output", output)
    )
    assert code == 0, errors
    with open(output, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == int(errors.split(" rows in ")[0])
    code, shown, errors = command("predict", "sentiment", rows[0]["text"], "--models.dir", exported)
    assert code == 0, errors
    label, probability, text = shown.rstrip("\n").split("\t")
    assert (label, text) == (rows[0]["predicted_label"], rows[0]["text"])
    assert float(probability) == pytest.approx(float(rows[0]["probability"]), abs=1e-4)
    before = output.read_bytes()
    code, _, errors = command("predict", "sentiment", "--csv", SAMPLES / "sentiment_test.csv", "--output", output)
    assert (code, errors.count("\n")) == (2, 1)
    assert "--overwrite" in errors
    assert output.read_bytes() == before


def test_changed_model_is_found_and_refused(command, exported, tmp_path):
    shutil.copytree(exported, tmp_path / "models")
    file = next((tmp_path / "models" / "sentiment" / "1" / "variables").glob("*.data*"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    code, output, errors = command("models", "verify", "--models.dir", tmp_path / "models")
    assert code == 1
    assert file.name in output
    code, _, errors = command("predict", "sentiment", "text", "--models.dir", tmp_path / "models")
    assert (code, errors.count("\n")) == (1, 1)
    assert file.name in errors
    assert command("models", "verify", "--models.dir", exported)[0] == 0


def test_models_are_listed_and_inspected(command, exported):
    code, output, _ = command("models", "list", "--models.dir", exported, "--json")
    assert code == 0
    assert [model["model"] for model in json.loads(output)] == ["sentiment/1"]
    code, output, _ = command("models", "inspect", "sentiment", "--models.dir", exported)
    assert code == 0
    assert "# sentiment, version 1" in output


def test_run_whose_checkpoints_are_all_corrupt(command, trained, tmp_path):
    shutil.copytree(trained / "sentiment" / "whole", tmp_path / "sentiment" / "whole")
    for file in (tmp_path / "sentiment" / "whole" / "checkpoints").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    before = folder_digest(tmp_path)
    code, _, errors = command("export", "sentiment", "--runs.dir", tmp_path, "--models.dir", tmp_path / "models")
    assert code == 1
    assert "checkpoints" in errors.splitlines()[-1]
    assert "corrupt" in errors.splitlines()[-1]
    assert folder_digest(tmp_path) == before


def test_vocabulary_of_another_run_does_not_fit(command, trained, tmp_path):
    shutil.copytree(trained / "sentiment" / "whole", tmp_path / "sentiment" / "whole")
    vocabulary = tmp_path / "sentiment" / "whole" / "vocabulary" / "vocabulary.txt"
    vocabulary.write_text("".join(vocabulary.read_text(encoding="utf-8").splitlines(True)[:-3]), encoding="utf-8")
    code, _, errors = command("evaluate", "sentiment", "--runs.dir", tmp_path, "--run", "whole")
    assert (code, errors.count("\n")) == (1, 1)
    assert "vocabulary" in errors


def test_data_that_are_not_there(command, tmp_path):
    code, _, errors = command(
        "train", "sentiment", "--data.csv", tmp_path / "no.csv", "--runs.dir", tmp_path, "--quiet"
    )
    assert (code, errors.count("\n")) == (1, 1)
    assert "no.csv" in errors
    assert not (tmp_path / "sentiment").exists()


def test_doctor_finds_everything_here(command, tmp_path):
    code, output, errors = command("doctor", "--json", "--models.dir", tmp_path, "--runs.dir", tmp_path)
    assert code == 0, errors
    result = json.loads(output)
    found = {finding["what"]: finding["text"] for finding in result["findings"]}
    import tensorflow as tf

    assert found["tensorflow"] == tf.__version__
    assert str(tmp_path) in found["models"]


def test_doctor_names_a_missing_package(monkeypatch, capsys):
    from importlib import metadata

    from apps.commands import doctor

    monkeypatch.setattr(
        metadata, "requires", lambda name: ["numpy>=1", "numpy>=99", "no-such-package>=1", "x; extra == 'y'"]
    )
    findings = doctor.packages()
    assert [state for _, state, _ in findings[1:]] == ["ok", "missing", "missing"]
    assert 'pip install "numpy>=99"' in findings[2][2]


def test_studio_on_a_port_that_is_taken(capsys):
    from apps.cli import main

    with socket.socket() as server:
        server.bind(("localhost", 0))
        server.listen()
        port = server.getsockname()[1]
        assert main(["studio", "--port", str(port), "--headless"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert f"Port {port} is taken" in errors

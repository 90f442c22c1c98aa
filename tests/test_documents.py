"""What the documents say can be run: their Python runs, their links and options exist."""

import re
from pathlib import Path

import keras
import pytest

from apps import cli

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md"])
def test_python_of_the_documents_runs(name, monkeypatch, capsys):
    """And prints what a comment behind a `print` or under it promises."""
    monkeypatch.chdir(ROOT)
    found = blocks(name, "python")
    assert found
    for block in found:
        keras.utils.set_random_seed(0)
        exec(compile(block, name, "exec"), {})
        printed = capsys.readouterr().out.splitlines()
        for promise in re.findall(r"^print\(.*\)(?:  |\n)# (.*)", block, re.M):
            assert promise in printed


def test_a_translation_model_takes_thirty_lines():
    (block,) = [block for block in blocks("README.md", "python") if "keras_seq.EncoderDecoder" in block]
    assert "attention=" in block
    assert "BeamSearch" in block
    assert len([line for line in block.splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name} links to {target}"


def test_options_of_the_documents_exist(capsys):
    """Every `--option` in a command of the documents is one that its verb explains."""
    commands = [
        line.split("#")[0].split("|")[-1].strip()
        for name in ("README.md", "docs/guide.md")
        for block in blocks(name, "sh")
        for line in block.splitlines()
        if "keras-seq " in line and not line.startswith("git")
    ]
    assert len(commands) > 15
    for command in commands:
        words = command.split()
        words = words[words.index("keras-seq") + 1 :]
        verb = words[: 2 if words[0] in ("train", "tune", "evaluate", "predict", "export") else 1]
        assert cli.main([*verb, "--help"]) == 0
        explained = capsys.readouterr().out
        for option in re.findall(r"--[a-z_.]+", command):
            assert option in explained, f"{command!r}: {option} is no option of {' '.join(verb)}"

"""`keras-seq predict translation`: sentences, files and their answers, with a model that is made up."""

import gzip
import json
from types import SimpleNamespace

import numpy as np
import pytest

import apps.commands.translate as translate
from apps import cli
from apps.serving import registry


class Backwards:
    """Translates a sentence into its letters from the end to the beginning."""

    def __init__(self):
        self.asked = []

    def call(self, signature, texts):
        return self.ask(signature, text=texts)

    def ask(self, signature, text, **search):
        self.asked.append((signature, len(text), search))
        words = [one.decode() if isinstance(one, bytes) else one for one in text]
        if signature == "serving_default":
            return {"translation": np.array([word[::-1].encode() for word in words], object)}
        count = search["n_best"]
        longest = max(map(len, words), default=0)
        source = np.array([[*word.encode().ljust(longest, b"\0")] for word in words])
        source = np.array([[bytes([value]).strip(b"\0") for value in row] for row in source], object)
        return {
            "translations": np.array(
                [[f"{word[::-1]}{n or ''}".encode() for n in range(count)] for word in words], object
            ),
            "scores": -np.ones((len(words), count)) * np.arange(count),
            "source_tokens": source,
            "target_tokens": np.tile(source[:, None, ::-1], (1, count, 1)),
            "alignment": np.tile(np.eye(longest)[::-1], (len(words), count, 1, 1)),
        }


@pytest.fixture
def served(monkeypatch):
    model = Backwards()
    entry = SimpleNamespace(
        metadata={"config": {"decoding": {"beam_width": 4}}}, key="backwards/1", fingerprint=lambda: "same"
    )
    monkeypatch.setattr(translate, "find_model", lambda arguments, task: entry)
    monkeypatch.setattr(translate, "import_tensorflow", lambda: None)
    monkeypatch.setattr(registry, "load", lambda entry: model)
    return model


def predict(*arguments):
    return cli.main(["predict", "translation", *map(str, arguments)])


def test_sentences_are_answered_in_their_order(served, capsys):
    assert predict("abcdef", "ab", "abc", "--batch_size", 2) == 0
    assert capsys.readouterr().out.splitlines() == ["fedcba", "ba", "cba"]
    # Short ones are asked about together.
    assert served.asked == [("serving_default", 2, {}), ("serving_default", 1, {})]


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_in_a_file_out(served, tmp_path, capsys, compress):
    lines = [f"line {number} é" for number in range(150)] + ["", "end"]
    content = "".join(f"{line}\r\n" for line in lines).encode()
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_bytes(gzip.compress(content) if compress else content)
    assert predict("--file", source, "--output", output) == 0
    assert output.read_text().split("\n") == [*(line[::-1] for line in lines), ""]
    assert predict("--file", source, "--output", output) != 0
    assert "exists already" in capsys.readouterr().err
    assert predict("--file", source, "--output", source, "--overwrite") != 0
    assert "the file that is read" in capsys.readouterr().err


def test_a_translation_is_one_line(served, capsys):
    assert predict("ab\ncd\re", "f") == 0
    assert predict("ab\ncd", "--n_best", 2) == 0
    assert capsys.readouterr().out.split("\n") == ["e dc ba", "f", "dc ba\t-0.0000", "dc ba1\t-1.0000", ""]


def test_an_interrupted_file_goes_on(served, tmp_path, capsys, monkeypatch):
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_text("".join(f"line {number}\n" for number in range(100)))
    arguments = ("--file", source, "--output", output, "--batch_size", 2, "--n_best", 2)  # 32 at a time are sorted
    ask = served.ask

    def broken(signature, text, **search):
        if len(served.asked) == 20:
            raise KeyboardInterrupt
        return ask(signature, text, **search)

    monkeypatch.setattr(served, "ask", broken)
    assert predict(*arguments) == 130
    assert "add --resume to go on" in capsys.readouterr().err
    monkeypatch.setattr(served, "ask", ask)
    assert predict(*arguments) == 2
    assert "add --resume to go on from it, or --overwrite" in capsys.readouterr().err
    served.asked.clear()
    assert predict(*arguments, "--resume") == 0
    assert sum(count for _, count, _ in served.asked) == 100 - 32
    whole = tmp_path / "whole"
    assert predict("--file", source, "--output", whole, *arguments[4:]) == 0
    assert output.read_bytes() == whole.read_bytes()
    assert predict(*arguments[:2], *arguments[4:], "--resume") == 2
    assert "give the file that is read, and --output" in capsys.readouterr().err


def test_several_translations_with_their_scores(served, capsys):
    assert predict("abc", "--n_best", 3) == 0
    assert capsys.readouterr().out.splitlines() == ["cba\t-0.0000", "cba1\t-1.0000", "cba2\t-2.0000"]
    search = served.asked[0][2]
    assert search == {"beam_width": 4, "length_penalty": 0.6, "n_best": 3, "max_length": 0}


def test_alignments_as_json(served, capsys):
    assert predict("abc", "ab", "--alignments", "--beam_width", 2) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["text"] == "abc"
    assert first["tokens"] == ["a", "b", "c"]
    assert first["translations"] == [
        {"translation": "cba", "score": 0.0, "tokens": ["c", "b", "a"], "alignment": np.eye(3)[::-1].tolist()}
    ]
    assert np.array(second["translations"][0]["alignment"]).shape == (2, 2)


def test_a_column_of_a_csv_file(served, tmp_path):
    source, output = tmp_path / "table.csv", tmp_path / "out.csv"
    source.write_text("id,text\n1,abc\n2,de\n")
    assert predict("--csv", source, "--output", output) == 0
    assert output.read_text().splitlines() == ["id,text,translation", "1,abc,cba", "2,de,ed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--file", "nowhere"], "exclude each other"),
        (["--file", "nowhere"], "no file nowhere"),
        (["a", "--beam_width", "11"], "--beam_width must be from 1 to 10"),
        (["a", "--n_best", "0"], "--n_best must be from 1 to 10"),
        (["a", "--delimiter", ";"], "belongs to --csv"),
        (["a", "--batch_size", "0"], "--batch_size must be at least 1"),
    ],
)
def test_options_that_cannot_be(served, capsys, arguments, message):
    assert predict(*arguments) == 2
    assert message in capsys.readouterr().err

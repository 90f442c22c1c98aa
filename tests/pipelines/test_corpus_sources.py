"""Running text from files: documents and their pieces, encodings, lines that cannot be decoded."""

import gzip
import os
import random

import pytest

import pipelines.sources.plain_text as plain_text
from pipelines.corpus_config import CorpusConfig
from pipelines.corpus_survey import divide, split_ends, survey_corpus
from pipelines.errors import DataError
from pipelines.sources.corpus import DOCUMENT_MARK, open_corpus, read_corpus
from pipelines.sources.records import BadRow
from pipelines.sources.text_pieces import TextPiece, cut_document


def documents(**options):
    """Name and text of each document."""
    config = CorpusConfig(**options)
    found = []
    for piece in read_corpus(open_corpus(config), config):
        if isinstance(piece, TextPiece):
            if piece.begins:
                found.append([os.path.basename(piece.place), ""])
            found[-1][1] += piece.text
    return [tuple(document) for document in found]


def bad_lines(**options):
    config = CorpusConfig(**options)
    rows = [piece for piece in open_corpus(config).pieces() if isinstance(piece, BadRow)]
    return [(row.place.rsplit(":", 1)[-1], row.reason) for row in rows]


def test_a_file_is_one_document(tmp_path):
    text = "Größe\n\n 电影\t😀\n" * 3 + "no line end"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with gzip.open(tmp_path / "b.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    assert documents(file=str(tmp_path / "a.txt")) == [("a.txt", text)]
    assert documents(file=str(tmp_path / "b.gz")) == [("b.gz", text)]


def test_files_of_a_folder_in_the_order_of_their_paths(tmp_path):
    names = ["b.txt", "a/z.txt", "a/deep/x.txt", "a.txt", "c.txt", ".hidden.txt", ".git/y.txt", "d.md", "empty.txt"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if "empty" in name else name)
    with gzip.open(tmp_path / "bb.txt.gz", "wt") as file:
        file.write("packed")
    expected = ["a/deep/x.txt", "a/z.txt", "a.txt", "b.txt", "packed", "c.txt"]
    assert [text for _, text in documents(folder=str(tmp_path))] == expected
    assert [text for _, text in documents(folder=str(tmp_path), pattern="*.md")] == ["d.md"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_win(tmp_path, encoding):
    (tmp_path / "a.txt").write_text("é\n电", encoding=encoding)
    assert documents(file=str(tmp_path / "a.txt")) == [("a.txt", "é\n电")]


def test_lines_in_another_encoding(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\r\ncaf\xe9\r\n\xc3\xa9\rlast \xe9")
    assert documents(file=str(path)) == [("a.txt", "fine\né\n")]
    assert [line for line, _ in bad_lines(file=str(path))] == ["2", "4"]
    assert "--data.encoding cp1252" in bad_lines(file=str(path))[0][1]
    assert documents(file=str(path), fallback_encoding="cp1252") == [("a.txt", "fine\ncafé\né\nlast é")]
    assert documents(file=str(path), encoding="cp1252") == [("a.txt", "fine\ncafé\nÃ©\nlast é")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65_536])
def test_pieces_of_any_size_are_the_same_text_and_the_same_bad_lines(tmp_path, monkeypatch, size):
    generator = random.Random(size)
    lines = ["", "a", "bc" * 5, "\xe9", "x" * 20, "é"]
    raw = b"".join(
        (generator.choice(lines).encode(generator.choice(["utf-8", "cp1252"])) + generator.choice([b"\n", b"\r\n"]))
        for _ in range(300)
    )
    (tmp_path / "a.txt").write_bytes(raw)
    good, bad = [], []
    for number, line in enumerate(raw.splitlines(), start=1):
        try:
            good.append(line.decode())
        except UnicodeDecodeError:
            bad.append(str(number))
    monkeypatch.setattr(plain_text, "PIECE_CHARACTERS", size)
    read = documents(file=str(tmp_path / "a.txt"))[0][1]
    found = [line for line, _ in bad_lines(file=str(tmp_path / "a.txt"))]
    if size >= 20:
        assert read.split("\n") == [*good, ""]
        assert found == bad
    else:  # a line that is longer than a piece is bad in part
        assert set(found) == set(bad)
        assert "\r" not in read
        assert read.replace("\n", "").replace("é", "").strip("abcx") == ""


@pytest.mark.parametrize("size", [1, 2, 5])
def test_line_ends(tmp_path, monkeypatch, size):
    monkeypatch.setattr(plain_text, "PIECE_CHARACTERS", size)
    (tmp_path / "a.txt").write_bytes(b"a\r\n\r\nb\rc\n\r\r\n")
    assert documents(file=str(tmp_path / "a.txt"))[0][1] == "a\n\nb\nc\n\n\n"
    assert documents(file=str(tmp_path / "a.txt"), line_ends="keep")[0][1] == "a\r\n\r\nb\rc\n\r\r\n"


def test_a_document_in_memory_is_cut_after_lines():
    text = ("x" * 99 + "\n") * 2_000
    pieces = list(cut_document(text, "here"))
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.begins for piece in pieces] == [True] + [False] * (len(pieces) - 1)
    assert all(piece.text.endswith("\n") and len(piece.text) <= 65_536 for piece in pieces)
    assert "".join(piece.text for piece in cut_document("y" * 200_000, "here")) == "y" * 200_000


def test_marks_before_documents_and_a_limit(tmp_path):
    for name, text in (("1.txt", "one"), ("2.txt", ""), ("3.txt", "three")):
        (tmp_path / name).write_text(text)
    folder = str(tmp_path)
    assert documents(folder=folder, document_marks=True) == [
        ("1.txt", f"{DOCUMENT_MARK}one"),
        ("3.txt", f"{DOCUMENT_MARK}three"),
    ]
    assert documents(folder=folder, limit=5) == [("1.txt", "one"), ("3.txt", "th")]
    assert documents(folder=folder, limit=3) == [("1.txt", "one")]
    assert documents(folder=folder, limit=100) == [("1.txt", "one"), ("3.txt", "three")]


def test_the_standard_library():
    config = CorpusConfig(source="stdlib", limit=400_000)
    corpus = open_corpus(config)
    names = [piece.place for piece in read_corpus(corpus, config) if piece.begins]
    assert len(names) > 5
    assert not any(part in name.split(os.sep) for name in names for part in ("test", "tests", "site-packages"))
    assert survey_corpus(corpus, config).digest == survey_corpus(open_corpus(config), config).digest
    everything = [path.name for path in plain_text_files()]
    assert {"textwrap.py", "argparse.py", "decoder.py"} <= set(everything)
    assert len(everything) > 300


def plain_text_files():
    from pipelines.sources.standard_library import library_files

    return library_files()


def test_the_sample_is_there():
    (name, text), *others = documents(source="samples")
    assert name == "stories.txt"
    assert not others
    assert 8_000 < len(text) < 100_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": "missing.txt"}, r"no file .*missing\.txt.*--data\.file"),
        ({"folder": "missing"}, r"missing does not exist.*--data\.folder"),
        ({"file": "here"}, r"here is a folder: --data\.file needs a file"),
        ({"folder": "here/a.rst"}, r"a\.rst is a file.*--data\.file"),
        ({"folder": "here"}, r"no files that match '\*\.txt'.*--data\.pattern"),
        ({"folder": "here", "pattern": ""}, r"no files that match ''.*--data\.pattern"),
        ({"folder": "here", "pattern": "/etc/*"}, r"--data\.pattern '/etc/\*'"),
        ({"file": "here/a.rst", "encoding": "utf-99"}, r"unknown encoding 'utf-99'.*--data\.encoding"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.rst").write_text("text")
    config = CorpusConfig(**options)
    with pytest.raises(DataError, match=message):
        survey_corpus(open_corpus(config), config)


def survey(path, **options):
    config = CorpusConfig(file=str(path), **options)
    return survey_corpus(open_corpus(config), config)


def test_the_survey_counts_and_reports(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\n\xff\nthree")
    found = survey(tmp_path / "a.txt")
    assert (found.characters, found.documents, found.lines, found.bad_lines) == (13, 1, 3, 1)
    assert found.bad_examples[0].endswith("a.txt:3: not valid in utf-8: try --data.encoding cp1252 or "
                                          "--data.fallback_encoding cp1252")  # fmt: skip
    with pytest.raises(DataError, match=r"a\.txt:3: not valid in utf-8.*--data\.bad_lines skip"):
        survey(tmp_path / "a.txt", bad_lines="error")


def test_text_that_cannot_be_used(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match=r"empty\.txt has no text: it is empty"):
        survey(tmp_path / "empty.txt")
    (tmp_path / "bad.txt").write_bytes(b"\xff\n\xfe")
    with pytest.raises(DataError, match=r"has no text; the first problem is .*bad\.txt:1: not valid"):
        survey(tmp_path / "bad.txt")
    (tmp_path / "mostly.txt").write_bytes(b"a\n\xff\n\xfe")
    with pytest.raises(DataError, match=r"2 lines of .* cannot be decoded, more than can"):
        survey(tmp_path / "mostly.txt")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(DataError, match="not text"):
        survey(tmp_path / "binary.txt")
    whole = gzip.compress(b"text " * 1_000)
    (tmp_path / "half.txt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        survey(tmp_path / "half.txt")


def test_the_digest_depends_on_texts_and_their_borders(tmp_path, monkeypatch):
    def digest(*texts, size=65_536):
        monkeypatch.setattr(plain_text, "PIECE_CHARACTERS", size)
        folder = tmp_path / str(random.random())
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number}.txt").write_text(text)
        config = CorpusConfig(folder=str(folder))
        return survey_corpus(open_corpus(config), config).digest

    assert digest("ab\nc", "d") == digest("ab\nc", "d", size=1)
    assert len({digest("ab", "cd"), digest("abcd"), digest("abc", "d"), digest("cd", "ab")}) == 4


def test_splits_are_shares_of_the_characters(tmp_path):
    assert split_ends(1_115_394, CorpusConfig()) == (1_003_854, 1_115_394, 1_115_394)
    thirds = CorpusConfig(validation_fraction=0.05, test_fraction=0.05)
    assert split_ends(1_115_394, thirds) == (1_003_854, 1_059_624, 1_115_394)
    assert split_ends(1_000, CorpusConfig(validation_fraction=0.1, test_fraction=0.2)) == (700, 800, 1_000)
    assert split_ends(10, CorpusConfig(validation_fraction=0, test_fraction=1)) == (0, 0, 10)
    pieces = [
        TextPiece("abcd", True, "1"),
        BadRow("1:2", ""),
        TextPiece("efgh", False, "1"),
        TextPiece("ij", True, "2"),
    ]
    cut = [(split, piece.text, piece.begins) for split, piece in divide(pieces, (2, 6, 10))]
    assert cut == [
        (0, "ab", True),
        (1, "cd", False),
        (1, "ef", False),
        (2, "gh", False),
        (2, "ij", True),
    ]
    assert [split for split, _ in divide(pieces, (0, 0, 10))] == [2, 2, 2]
    assert [split for split, _ in divide(pieces, (10, 10, 10))] == [0, 0, 0]


@pytest.mark.parametrize(
    "options",
    [
        {"validation_fraction": -0.1},
        {"test_fraction": 1.5},
        {"validation_fraction": 0.6, "test_fraction": 0.5},
        {"limit": 0},
        {"file": "a", "folder": "b"},
        {"file": "a", "source": "stdlib"},
        {"source": "folder"},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(DataError, match="data"):
        CorpusConfig(**options)

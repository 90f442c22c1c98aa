"""Files as sources: formats, encodings, compression, and rows that cannot be used."""

import codecs
import gzip
import json

import pytest

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources import BadRow, Record, open_source

TEXTS = [("A fine film, really.", "positive"), ('He said "no".', "negative"), ("Größe: 好电影 😀", "positive")]


def read(**options):
    return list(open_source(DataConfig(**options)).train())


def good(rows):
    return [(row.text, row.label) for row in rows if isinstance(row, Record)]


def bad(rows):
    return [(row.place.rsplit(":", 1)[-1], row.reason) for row in rows if isinstance(row, BadRow)]


def csv_text(rows, header="text,label"):
    quoted = ['"{}","{}"'.format(*(value.replace('"', '""') for value in row)) for row in rows]
    return "\n".join([header, *quoted]) + "\n"


@pytest.mark.parametrize("header", ["text,label", "Review,Sentiment", " sentence ,CLASS", "review_text,stars"])
def test_csv_columns_are_guessed(tmp_path, header):
    (tmp_path / "a.csv").write_text(csv_text(TEXTS, header), encoding="utf-8")
    assert good(read(csv=str(tmp_path / "a.csv"))) == TEXTS


def test_csv_columns_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("id,what,verdict\n1,good,yes\n2,bad,no\n")
    rows = read(csv=str(tmp_path / "a.csv"), text_column="what", label_column="verdict")
    assert good(rows) == [("good", "yes"), ("bad", "no")]


@pytest.mark.parametrize("options", [{}, {"text_column": "a"}, {"text_column": "missing", "label_column": "b"}])
def test_unknown_columns_are_listed(tmp_path, options):
    (tmp_path / "a.csv").write_text("a,b\nx,y\n")
    with pytest.raises(DataError, match=r"a\.csv.*--data\.(text|label)_column.*'b'"):
        read(csv=str(tmp_path / "a.csv"), **options)


def test_csv_with_semicolons_and_line_breaks_in_quotes(tmp_path):
    (tmp_path / "a.csv").write_text('text;label\r\n"two\r\nlines; one text";1\r\nshort;0\r\n', newline="")
    assert good(read(csv=str(tmp_path / "a.csv"))) == [("two\r\nlines; one text", "1"), ("short", "0")]


def test_bad_csv_rows_are_reported_with_their_lines(tmp_path):
    lines = [
        "text,label",
        "good,1",
        "",
        '"over',
        'two lines",1',
        ",1",
        "no label,",
        "too,many,1",
        "few",
        '"a"b,1',
        "end,0",
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    rows = read(csv=str(tmp_path / "a.csv"))
    assert good(rows) == [("good", "1"), ("over\ntwo lines", "1"), ("end", "0")]
    assert [line for line, _ in bad(rows)] == ["6", "7", "8", "9", "10"]
    reasons = " | ".join(reason for _, reason in bad(rows))
    for expected in (
        "text is empty",
        "label is empty",
        "3 fields instead of 2",
        "1 fields instead of 2",
        "not valid CSV",
    ):
        assert expected in reasons


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_win(tmp_path, encoding):
    (tmp_path / "a.csv").write_text(csv_text(TEXTS), encoding=encoding)
    assert good(read(csv=str(tmp_path / "a.csv"))) == TEXTS


def test_utf_16_big_endian_with_its_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF16_BE + csv_text(TEXTS).encode("utf-16-be"))
    assert good(read(csv=str(tmp_path / "a.csv"))) == TEXTS


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_rows_in_another_encoding(tmp_path, kind):
    lines = {
        "csv": ["text,label", "fine,1", "caf\xe9,0"],
        "tsv": ["text\tlabel", "fine\t1", "caf\xe9\t0"],
        "jsonl": ['{"text": "fine", "label": 1}', '{"text": "caf\xe9", "label": 0}'],
    }[kind]
    path = tmp_path / "a"
    path.write_bytes("\n".join(lines).encode("cp1252"))
    rows = read(**{kind: str(path)})
    assert good(rows) == [("fine", "1")]
    assert bad(rows)[0][0] == str(len(lines))
    assert "--data.encoding cp1252" in bad(rows)[0][1]
    expected = [("fine", "1"), ("café", "0")]
    assert good(read(**{kind: str(path)}, encoding="cp1252")) == expected
    assert good(read(**{kind: str(path)}, fallback_encoding="cp1252")) == expected


def test_compressed_files(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8") as file:
        file.write(csv_text(TEXTS))
    assert good(read(csv=str(tmp_path / "a.csv.gz"))) == TEXTS
    whole = (tmp_path / "a.csv.gz").read_bytes()
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        read(csv=str(tmp_path / "a.csv.gz"))


def test_tsv_keeps_quotes_that_are_text(tmp_path):
    lines = ["sentence\tlabel", 'a "quoted" word\t1', '"whole, ""field"""\t0', '"open\t1', "one field"]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    rows = read(tsv=str(tmp_path / "a.tsv"))
    assert good(rows) == [('a "quoted" word', "1"), ('whole, "field"', "0"), ('"open', "1")]
    assert [line for line, _ in bad(rows)] == ["5"]


def test_jsonl_labels_of_any_kind_and_bad_lines(tmp_path):
    lines = [
        '{"text": "a", "label": 1}',
        '{"text": "b", "label": 1.0}',
        '{"label": true, "text": "c"}',
        '{"text": "d", "label": "x y"}',
        "",
        "{broken",
        "[1]",
        '{"text": "no label"}',
        '{"text": 3, "label": 1}',
        '{"text": "e", "label": null}',
        '{"text": "f", "label": ["x"]}',
        '{"text": "lone \\ud800 surrogate", "label": 0}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = read(jsonl=str(tmp_path / "a.jsonl"))
    assert [label for _, label in good(rows)] == ["1", "1", "true", "x y", "0"]
    assert [line for line, _ in bad(rows)] == ["6", "7", "8", "9", "10", "11"]


def test_parquet_with_class_names_of_hugging_face(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    features = {"text": {"_type": "Value"}, "label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pyarrow.table({"text": ["a", "b", None, "d"], "label": [1, 0, 1, 7]}).replace_schema_metadata(metadata)
    parquet.write_table(table, tmp_path / "one.parquet")
    rows = read(parquet=str(tmp_path / "one.parquet"))
    assert good(rows) == [("a", "pos"), ("b", "neg")]
    assert [line for line, _ in bad(rows)] == ["3", "4"]
    parquet.write_table(pyarrow.table({"text": ["e"], "label": [0.0]}), tmp_path / "two.parquet")
    assert good(read(parquet=str(tmp_path))) == [("a", "pos"), ("b", "neg"), ("e", "0")]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"broken\.parquet"):
        read(parquet=str(tmp_path / "broken.parquet"))


def test_a_folder_of_classes(tmp_path):
    texts = {
        "train/neg/2.txt": "bad",
        "train/neg/1.txt": "poor",
        "train/pos/1.txt": "good",
        "train/unsup/1.txt": "whatever",
        "test/neg/1.txt": "no",
        "test/pos/1.txt": "yes",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    source = open_source(DataConfig(folder=str(tmp_path)))
    assert good(source.train()) == [("poor", "neg"), ("bad", "neg"), ("good", "pos")]
    assert good(source.test()) == [("no", "neg"), ("yes", "pos")]
    source = open_source(DataConfig(folder=str(tmp_path / "train"), test_file=str(tmp_path / "test")))
    assert good(source.train()) == [("poor", "neg"), ("bad", "neg"), ("good", "pos")]
    assert good(source.test()) == [("no", "neg"), ("yes", "pos")]
    (tmp_path / "empty" / "class").mkdir(parents=True)
    for folder in ("train/neg", "empty"):
        with pytest.raises(DataError, match=r"sub-folders"):
            read(folder=str(tmp_path / folder))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "folder"])
def test_what_is_not_there_is_named(tmp_path, kind):
    with pytest.raises(DataError, match=f"nowhere.*--data.{kind}"):
        read(**{kind: str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 sheet", "save its table as CSV"),
        ("text,label\na,1\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_files_that_are_no_csv(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(csv=str(tmp_path / "a.csv"))


def test_an_unknown_encoding(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\na,1\n")
    with pytest.raises(DataError, match="utf-99"):
        read(csv=str(tmp_path / "a.csv"), encoding="utf-99")


def test_files_are_streamed(tmp_path):
    """The first row comes before the file has been read: what stands at its end cannot matter yet."""
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(b"text,label\n" + b"fine,1\n" * 200_000)
    whole = (tmp_path / "a.csv.gz").read_bytes()
    (tmp_path / "a.csv.gz").write_bytes(whole[:-50])
    rows = open_source(DataConfig(csv=str(tmp_path / "a.csv.gz"))).train()
    assert next(rows) == Record("fine", "1", next(rows).place.replace(":3", ":2"))
    with pytest.raises(DataError, match="damaged"):
        list(rows)


def test_samples_are_there_and_balanced():
    source = open_source(DataConfig(source="samples"))
    for rows, least in ((list(source.train()), 240), (list(source.test()), 60)):
        assert not bad(rows)
        labels = [label for _, label in good(rows)]
        assert len(labels) >= least
        assert labels.count("positive") == labels.count("negative") == len(labels) / 2
        assert len({text for text, _ in good(rows)}) == len(rows)

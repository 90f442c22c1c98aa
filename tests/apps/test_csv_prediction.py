"""CSV in, CSV out: every row once, in order, unchanged, and few at a time."""

import csv
import io
import tracemalloc

import pytest

from apps.console import Console
from apps.csv_prediction import predict_csv
from apps.errors import UserError


def lengths(batch):
    return [{"label": f"{len(text)}", "probability": 0.5} for text in batch]


def convert(tmp_path, content, **options):
    source, output = tmp_path / options.pop("name", "in.csv"), tmp_path / "out.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    count = predict_csv(options.pop("predict", lengths), source, output, console=Console(quiet=True), **options)
    return count, output.read_bytes()


def parse(content):
    return list(csv.reader(io.StringIO(content.decode())))


def test_rows_keep_their_order_and_content(tmp_path):
    rows = [["1", 'quoted "text", with a comma'], ["2", "two\nlines"], ["3", "日本語"], ["4", "x" * 200_000]]
    content = io.StringIO()
    csv.writer(content).writerows([["id", "text"], *rows])
    count, written = convert(tmp_path, content.getvalue(), batch_size=3)
    assert count == 4
    header, *found = parse(written)
    assert header == ["id", "text", "label", "probability"]
    assert [row[:2] for row in found] == rows
    assert [int(row[2]) for row in found] == [len(text.encode()) for _, text in rows]


def test_bytes_that_are_not_utf8_come_out_as_they_went_in(tmp_path):
    seen = []

    def predict(batch):
        seen.extend(batch)
        return lengths(batch)

    _, written = convert(tmp_path, b"\xef\xbb\xbftext,more\ncaf\xe9,\xff\n", predict=predict)
    assert seen == [b"caf\xe9"]
    assert b"caf\xe9,\xff,4" in written


def test_column_names_that_are_taken_get_a_prefix(tmp_path):
    _, written = convert(tmp_path, "text,label\ngood,positive\n")
    assert parse(written) == [
        ["text", "label", "predicted_label", "probability"],
        ["good", "positive", "4", "0.500000"],
    ]


def test_short_rows_and_empty_texts_have_empty_answers(tmp_path, capsys):
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1\n2,\n3,good\n")
    predict_csv(lengths, source, None, console=Console(quiet=True))
    captured = capsys.readouterr()
    assert parse(captured.out.encode())[1:] == [
        ["1", "", "", ""],
        ["2", "", "", ""],
        ["3", "good", "4", "0.500000"],
    ]
    assert "2 of 3 rows have no text" in captured.err


def test_tab_separated_and_other_delimiters(tmp_path):
    _, written = convert(tmp_path, "id\ttext\n1\ta,b\n", name="in.tsv")
    assert written == b"id\ttext\tlabel\tprobability\n1\ta,b\t3\t0.500000\n"
    _, written = convert(tmp_path, "id;text\n1;a,b\n", delimiter=";")
    assert written.splitlines()[1] == b"1;a,b;3;0.500000"


def test_file_with_a_header_alone(tmp_path):
    count, written = convert(tmp_path, "text\n")
    assert (count, written) == (0, b"text,label,probability\n")


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("", {}, "is empty"),
        ("a,b\n1,2\n", {}, "set --text_column to one of: 'a', 'b'"),
        ("a,b\n1,2\n", {"text_column": "c"}, "no column 'c'"),
        ("text\nx\n", {"delimiter": "ab"}, "must be one character"),
    ],
)
def test_wrong_file_is_one_line_and_leaves_nothing(tmp_path, content, options, expected):
    with pytest.raises(UserError) as caught:
        convert(tmp_path, content, **options)
    assert expected in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def breaking(at, error):
    """Predictions that end with an error in the batch of this number, and the texts that were asked about before."""
    asked = []

    def predict(batch):
        if len(asked) == at:
            raise error
        asked.append(batch)
        return lengths(batch)

    return predict, asked


def test_failure_in_the_first_batch_leaves_nothing(tmp_path):
    predict, _ = breaking(0, UserError("the model is gone"))
    with pytest.raises(UserError, match="gone"):
        convert(tmp_path, "text\n" + "row\n" * 10, predict=predict, batch_size=5)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    "error", [UserError("the model is gone"), KeyboardInterrupt()], ids=["failure", "interruption"]
)
def test_what_is_broken_off_goes_on_to_the_same_file(tmp_path, error):
    (tmp_path / "whole").mkdir()
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    # Rows of two lines, a short one and bytes that are no text: borders are of rows, not of lines.
    source.write_bytes(b"id,text\n" + b'1,"two\nlines"\n2\n3,caf\xe9\n4,abc\n5,\n6,abcd\n7,e\n')
    predict_csv(lengths, source, tmp_path / "whole" / "out.csv", batch_size=2, console=Console(quiet=True))

    predict, asked = breaking(2, error)
    with pytest.raises(UserError):
        predict_csv(predict, source, output, batch_size=2, console=Console(quiet=True))
    assert len(asked) == 2
    assert not output.exists()
    with open(f"{output}.part", "ab") as file:  # what a kill leaves behind the last border
        file.write(b"half a li")

    predict, asked = breaking(-1, error)
    count = predict_csv(predict, source, output, batch_size=2, resume=True, console=Console(quiet=True))
    assert asked == [[b"", b"abcd"], [b"e"]]
    assert count == 7
    assert output.read_bytes() == (tmp_path / "whole" / "out.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv", "whole"]


def test_another_file_or_model_does_not_go_on(tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\n" + "row\n" * 10)
    predict, _ = breaking(1, UserError("the model is gone"))
    settings = {"batch_size": 5, "console": Console(quiet=True)}
    with pytest.raises(UserError, match="gone"):
        predict_csv(predict, source, output, model="first/1", **settings)
    with pytest.raises(UserError, match="another file, model or setting: leave --resume out"):
        predict_csv(lengths, source, output, model="second/1", resume=True, **settings)
    (tmp_path / "out.csv.part").write_bytes(b"te")
    with pytest.raises(UserError, match="damaged: leave --resume out"):
        predict_csv(lengths, source, output, model="first/1", resume=True, **settings)
    predict_csv(lengths, source, output, model="second/1", **settings)
    assert len(output.read_text().splitlines()) == 11
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(rows):
        source = tmp_path / f"{rows}.csv"
        with open(source, "w") as file:
            file.write("text\n")
            file.writelines(f"a review of about sixty characters, the number of it is {n}\n" for n in range(rows))
        tracemalloc.start()
        predict_csv(lengths, source, tmp_path / "out.csv", console=Console(quiet=True))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(100)
    assert peak(40_000) < 1.5 * peak(2_000)

"""CSV files as people have them, and one clear line for each that cannot be read."""

import pandas as pd
import pytest

from apps.errors import UserError
from apps.serving import registry
from apps.studio import tables
from apps.studio.settings import MAX_CHARACTERS


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(("name", "codec"), list(tables.ENCODINGS.items()))
def test_separators_and_encodings(separator, name, codec):
    content = f'id{separator}text\n1{separator}"Good{separator} ok"\n2{separator}NA\n'.encode(codec)
    table = tables.read_table(content, name)
    assert table.to_dict("list") == {"id": ["1", "2"], "text": [f"Good{separator} ok", "NA"]}


def test_blank_lines_trailing_separators_and_equal_names():
    table = tables.read_table(b"text,,text\n\na,b,c,,\nd\n")
    assert table.to_dict("list") == {"text": ["a", "d"], "column 2": ["b", ""], "text'": ["c", ""]}


def test_file_without_header():
    table = tables.read_table(b"first\nsecond\n", header=False)
    assert table.to_dict("list") == {"column 1": ["first", "second"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"  \n", ["empty"]),
        (b"text\n", ["no rows"]),
        (b"text\nok\nna\xefve\n", ["Line 3", "UTF-8", "encoding"]),
        (b"PK\x00\x01", ["no text file"]),
        (b"text\nc\na,b\n", ["line 3", "quotes"]),
        (b'text\n"open\n', ["no regular CSV"]),
    ],
)
def test_unreadable_files_are_one_line(content, words):
    with pytest.raises(UserError) as caught:
        tables.read_table(content)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_likeliest_column_comes_first():
    table = pd.DataFrame({"id": ["1"], "notes": ["a long remark on it"], "Review": ["short"]})
    assert tables.text_columns(table) == ["Review", "notes"]
    with pytest.raises(UserError, match="id, score"):
        tables.text_columns(pd.DataFrame({"id": ["1"], "score": ["2.5"]}))


def test_predictions_stand_beside_their_texts(exported):
    model = registry.load(registry.find("mood", exported))
    texts = ["good", "", "bad " * 50, "x" * (MAX_CHARACTERS + 1), *["dull and bad", "good good"] * 40]
    table = pd.DataFrame({"text": texts, "label": "?"}, index=range(7, 7 + len(texts)))
    steps = list(tables.classify(model, table, "text"))
    done = [step.done for step in steps[:-1]]
    assert done == sorted(done)
    assert done[0] == 0
    result = steps[-1]
    assert list(result.columns) == [
        *("text", "label", "predicted label", "probability"),
        *(f"probability_{label}" for label in model.entry.labels),
        "problem",
    ]
    assert result["text"].tolist() == texts
    assert result["problem"].tolist()[:4] == ["", "empty", "", f"longer than {MAX_CHARACTERS:,} characters"]
    for row, text in enumerate(texts):
        if result["problem"][row]:
            assert pd.isna(result["predicted label"][row])
        else:
            expected = model.call("serving_default", [text])
            assert result["predicted label"][row] == expected["label"][0].decode()
            assert result["probability"][row] == pytest.approx(expected["probabilities"].max(), abs=1e-4)


def test_table_of_nothing_but_problems(exported):
    model = registry.load(registry.find("mood", exported))
    result = list(tables.classify(model, pd.DataFrame({"text": ["", " "]}), "text"))[-1]
    assert result["problem"].tolist() == ["empty", "empty"]
    assert result["label"].isna().all()

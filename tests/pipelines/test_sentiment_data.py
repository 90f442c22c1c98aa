"""From files to batches, whole."""

import gzip
import hashlib
import json
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

import pipelines.survey
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.encoding import encode_split
from pipelines.errors import DataError
from pipelines.sentiment import load_sentiment
from pipelines.text import WordTokenizer

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
LABELS = ["bad", "good", "odd"]


def write_csv(path, rows):
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), encoding="utf-8")
    return str(path)


def make_rows(count, seed=0, words=WORDS):
    random = np.random.default_rng(seed)
    return [(" ".join(random.choice(words, random.integers(2, 12))), LABELS[row % 3]) for row in range(count)]


@pytest.fixture
def csv(tmp_path):
    return write_csv(tmp_path / "mine.csv", make_rows(200))


def load(path, data=None, text=None, batch=None, seed=1, **arguments):
    options = {"csv": path, **(data or {})}
    text = TextConfig(**({"min_count": 1} | (text or {})))
    return load_sentiment(DataConfig(**options), text, batch or BatchConfig(), seed, **arguments)


def batches(dataset):
    return [(ids.tolist(), labels.tolist()) for ids, labels in dataset.as_numpy_iterator()]


def pairs(data, split):
    """(text as decoded, label) of each row of the batches of a split."""
    dataset = data.train(0) if split == "train" else getattr(data, split)
    return [
        (text.decode(), data.labels[label])
        for ids, labels in dataset
        for text, label in zip(data.tokenizer.decode(ids).numpy(), labels.numpy(), strict=True)
    ]


def test_every_row_arrives_with_its_label(csv, tmp_path):
    test_rows = make_rows(50, seed=9)
    data = load(csv, {"test_file": write_csv(tmp_path / "test.csv", test_rows)})
    assert data.labels == LABELS
    assert Counter(pairs(data, "train") + pairs(data, "validation")) == Counter(make_rows(200))
    assert pairs(data, "test") == test_rows
    for split in ("validation", "test"):
        assert pairs(data, split) == [(row.text, row.label) for row in data.records(split)]
    assert [spec.dtype for spec in data.train(0).element_spec] == [tf.int32, tf.int32]
    assert len(list(data.train(0))) == data.steps_per_epoch


def test_what_is_encoded_is_what_a_served_model_would_encode(csv):
    for kind in ("word", "subword"):
        data = load(csv, text={"tokenizer": kind, "max_length": 8, "vocabulary_size": 60})
        texts = data.texts("train")
        served = data.tokenizer.encode(tf.constant([record.text for record in data.records("train")]))
        for number, ids in enumerate(np.split(served.values.numpy(), served.row_splits.numpy()[1:-1])):
            head = round(8 * 0.5)
            expected = ids if len(ids) <= 8 else np.concatenate([ids[:head], ids[head - 8 :]])
            assert texts.ids[texts.offsets[number] : texts.offsets[number + 1]].tolist() == expected.tolist()


def test_the_same_seed_gives_the_same_batches_in_another_process(csv, run_apart):
    data = load(csv)
    code = (
        "import sys, json\n"
        "from pipelines.config import *; from pipelines.sentiment import load_sentiment\n"
        "data = load_sentiment(DataConfig(csv=sys.argv[1]), TextConfig(min_count=1), BatchConfig(), 1)\n"
        "print(json.dumps([[ids.tolist(), labels.tolist()] for ids, labels in data.train(3).as_numpy_iterator()]))"
    )
    assert json.loads(run_apart(code, csv)) == [[ids, labels] for ids, labels in batches(data.train(3))]
    assert batches(data.train(3)) == batches(load(csv).train(3))
    assert batches(data.train(3)) != batches(data.train(4))
    assert batches(data.train(3).skip(2)) == batches(data.train(3))[2:]
    other = load(csv, seed=2)
    assert [row.place for row in other.records("validation")] != [row.place for row in data.records("validation")]


def test_a_split_has_a_seed_of_its_own(csv):
    limited = {"limit": 60}
    first, second = (load(csv, limited | {"split_seed": 5}, seed=seed) for seed in (1, 2))
    for split in ("train", "validation"):
        assert [row.place for row in first.records(split)] == [row.place for row in second.records(split)]
    assert batches(first.train(0)) != batches(second.train(0))  # the order is the run's
    as_before, fifth = load(csv, limited, seed=5), load(csv, limited | {"split_seed": 5}, seed=5)
    assert batches(as_before.train(0)) == batches(fifth.train(0))
    with pytest.raises(DataError, match=r"data\.split_seed must be at least 0"):
        DataConfig(split_seed=-1)


def test_the_vocabulary_is_learnt_on_training_texts_alone(csv, tmp_path):
    rows = [(f"{text} own{number}", label) for number, (text, label) in enumerate(make_rows(200))]
    test = write_csv(tmp_path / "test.csv", [("secret word", "bad")] * 3)
    data = load(write_csv(tmp_path / "own.csv", rows), {"test_file": test})
    vocabulary = set(data.tokenizer.vocabulary)
    train = {row.text.split()[-1] for row in data.records("train")}
    validation = {row.text.split()[-1] for row in data.records("validation")}
    assert train <= vocabulary
    assert len(validation) >= 20
    assert not validation & vocabulary
    assert "secret" not in vocabulary


def test_equal_texts_do_not_leak(tmp_path):
    rows = make_rows(100)
    repeated = [*rows, *((text.upper() + "  ", label) for text, label in rows[:60])]
    data = load(write_csv(tmp_path / "a.csv", repeated), {"validation_fraction": 0.3})

    def texts(split):
        return {" ".join(row.text.lower().split()) for row in data.records(split)}

    assert not texts("train") & texts("validation")
    assert data.report["repeated_texts"] >= 60


def test_the_report_counts(csv, tmp_path):
    rows = make_rows(60)
    test = [*make_rows(9, seed=5), (rows[0][0], "bad"), ("alpha", "unheard"), ("", "bad")]
    path = write_csv(tmp_path / "a.csv", [*rows, ("", "good")])
    data = load(path, {"test_file": write_csv(tmp_path / "t.csv", test)}, {"max_length": 6, "min_count": 1})
    report = data.report
    assert json.loads(json.dumps(report)) == report
    assert report["rows"] == {"train": 61, "test": 12}
    assert report["bad_rows"] == 3
    assert [example.rsplit("/", 1)[-1].split(": ")[0] for example in report["bad_row_examples"]] == [
        "a.csv:62", "t.csv:12", "t.csv:13",
    ]  # fmt: skip
    assert report["splits"] == {"train": 54, "validation": 6, "test": 10}
    for split in ("train", "validation", "test"):
        lengths = [len(row.text.split()) for row in data.records(split)]
        assert report["cut_texts"][split] == sum(length > 6 for length in lengths)
        assert report["longest_text"][split] == max(lengths)
        assert report["tokens"][split] == sum(min(length, 6) for length in lengths)
        assert report["labels"][split] == dict.fromkeys(LABELS, 0) | Counter(row.label for row in data.records(split))
    assert report["test_texts_in_train"] >= 1
    assert report["vocabulary_size"] == len(data.tokenizer.vocabulary)
    changed = load(write_csv(tmp_path / "b.csv", [*rows[:-1], (rows[-1][0], "good")]))
    assert len({report["digest"], changed.report["digest"], load(csv).report["digest"]}) == 3
    assert load(csv).report["digest"] == load(csv, seed=7).report["digest"]


def test_the_digest_is_of_the_data_not_of_the_file(csv, tmp_path):
    with gzip.open(tmp_path / "b.csv.gz", "wb") as file, open(csv, "rb") as plain:
        file.write(plain.read())
    assert load(str(tmp_path / "b.csv.gz")).report["digests"] == load(csv).report["digests"]
    expected = hashlib.sha256()
    for text, label in make_rows(200):
        expected.update(f"{len(text)} {len(label)} {text}{label}".encode())
    assert load(csv).report["digests"] == {"train": expected.hexdigest()}


def test_files_larger_than_memory_are_read_again(csv, monkeypatch):
    in_memory = load(csv)
    monkeypatch.setattr(pipelines.survey, "_MEMORY_BYTES", 1000)
    streamed = load(csv)
    assert batches(streamed.train(0)) == batches(in_memory.train(0))
    assert batches(streamed.validation) == batches(in_memory.validation)
    assert streamed.report == in_memory.report


def test_a_file_that_changes_while_it_is_read(csv, tmp_path, monkeypatch):
    monkeypatch.setattr(pipelines.survey, "_MEMORY_BYTES", 0)
    data = load(csv)
    rows = make_rows(200)
    for changed, message in ((rows[:-40], "shorter"), ([*rows, *rows], "grown")):
        write_csv(tmp_path / "mine.csv", changed)
        records = ((row.text, 0, row.place) for row in data.records("train"))
        with pytest.raises(DataError, match=message):
            encode_split(records, data.tokenizer, TextConfig())


def test_over_long_texts_are_refused_if_wanted(tmp_path):
    rows = [("short one", "bad"), ("short two", "good")] * 10 + [("much too long a text", "bad")]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(DataError, match=r"a\.csv:22: the text has 5 tokens, more than 4"):
        load(path, {"validation_fraction": 0.0}, {"max_length": 4, "over_long": "refuse"})
    assert load(path, None, {"max_length": 5, "over_long": "refuse"}).report["cut_texts"]["train"] == 0


def test_a_trained_model_brings_tokenizer_and_labels(csv, tmp_path):
    tokenizer = WordTokenizer(["", "[UNK]", "alpha"])
    data = load(csv, tokenizer=tokenizer, labels=["odd", "bad", "good"])
    assert data.tokenizer is tokenizer
    assert data.labels == ["odd", "bad", "good"]
    assert sorted(pair[1] for pair in pairs(data, "train") + pairs(data, "validation")) == sorted(
        label for _, label in make_rows(200)
    )
    assert load(csv, labels=["good", "bad"]).report["bad_rows"] == sum(label == "odd" for _, label in make_rows(200))


def test_the_test_split_alone_leaves_the_training_file_unread(csv, tmp_path):
    rows = make_rows(30, seed=2)
    options = {"test_file": write_csv(tmp_path / "test.csv", rows)}
    whole = load(csv, options)
    (tmp_path / "mine.csv").write_text("this is no longer a table")
    alone = load(csv, options, tokenizer=whole.tokenizer, labels=whole.labels, splits=["test"])
    assert batches(alone.test) == batches(whole.test)
    assert alone.validation is None
    with pytest.raises(DataError, match="no train data"):
        alone.train(0)


def test_without_validation_and_test(csv):
    data = load(csv, {"validation_fraction": 0.0})
    assert data.validation is None
    assert data.test is None
    assert data.report["splits"]["train"] == 200


def test_a_limit_is_kept(csv, tmp_path):
    data = load(csv, {"limit": 40, "test_file": write_csv(tmp_path / "t.csv", make_rows(90, seed=2))})
    assert data.report["splits"]["train"] + data.report["splits"]["validation"] == 40
    assert data.report["splits"]["test"] == 40


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "no usable row"),
        ([("a b", "x")] * 5, {}, "all rows of .* have the label 'x'"),
        ([("", "x"), ("", "y"), ("a", "x")], {}, "cannot be used"),
        ([(f"text {n}", f"label {n}") for n in range(30)], {}, "label_column"),
        ([("a", "x"), ("b", "y"), ("", "x")], {"bad_rows": "error"}, r"a\.csv:4: the text is empty"),
        ([("a", "x"), ("b", "y"), ("c", "y")], {"limit": 1}, "--data.limit"),
    ],
)
def test_data_that_cannot_be_used(tmp_path, rows, options, message):
    with pytest.raises(DataError, match=message):
        load(write_csv(tmp_path / "a.csv", rows), options)


def test_words_too_rare_for_a_vocabulary(tmp_path):
    path = write_csv(tmp_path / "a.csv", [(f"word{number}", LABELS[number % 2]) for number in range(10)])
    with pytest.raises(DataError, match="min_count"):
        load(path, text={"min_count": 2})


def test_texts_without_any_token_make_rows_of_padding(tmp_path):
    rows = [("\u200b", "bad"), ("alpha", "good"), ("\u200b\u200b", "good"), ("beta", "bad")]
    data = load(write_csv(tmp_path / "a.csv", rows), {"validation_fraction": 0.0})
    assert sorted(ids for ids, _ in batches(data.train(0))[0:1])[0].count([0]) == 2

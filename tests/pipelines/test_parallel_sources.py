"""Parallel text: files, tables and sets of TFDS, their splits, and what is wrong with them."""

import re

import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.text.language_pair import LanguagePair
from tests.pipelines.parallel_text import ENGLISH, GERMAN, NO_SPLITS, load, rows, texts


def test_own_files_for_validation_and_test(files):
    options = files() | files(ENGLISH[:2], GERMAN[:2], "validation") | files(ENGLISH[2:3], GERMAN[2:3], "test")
    data = load(**options)
    assert data.report["splits"] == {"train": 6, "validation": 2, "test": 1}
    assert data.report["validation_sources_in_train"] == 2
    validation = rows(data.validation)
    assert data.tokenizer.target.decode(tf.ragged.constant([row[2] for row in validation])).numpy().tolist() == [
        line.encode() for line in GERMAN[:2]
    ]
    # With the tokenizer of a run, the training file is left alone.
    alone = load(**(options | {"source_file": options["test_source_file"]}), tokenizer=data.tokenizer, splits=["test"])
    assert rows(alone.test) == rows(data.test)
    with pytest.raises(DataError, match="no train pairs"):
        alone.train(0)


def test_files_of_different_lengths(files):
    with pytest.raises(DataError, match=r"train\.en:6 has no counterpart: .*train\.de ends after 5 lines"):
        load(**files(german=GERMAN[:5]))
    with pytest.raises(DataError, match=r"train\.de:6 has no counterpart: .*train\.en ends after 5 lines"):
        load(**files(english=ENGLISH[:5]))


def test_only_line_feeds_end_lines(files):
    """A carriage return, or a separator of Unicode, within a line of one language moves no other line."""
    english = ["A dog\rruns.", "Two\u2028dogs run.", "The cat\x85sleeps.\r", *ENGLISH[3:]]
    data = load(**files(english), **NO_SPLITS)
    assert [target for _, target in texts(data, "train")] == GERMAN
    encoded = data.encoded("train")[0]
    decoded = data.tokenizer.source.decode(tf.RaggedTensor.from_row_splits(encoded.ids, encoded.offsets)).numpy()
    assert [text.decode() for text in decoded] == ENGLISH


def test_empty_sides_and_bad_bytes_are_counted(files, tmp_path):
    options = files(["", *ENGLISH, "x"], [GERMAN[0], *GERMAN, " \t"])
    path = tmp_path / "train.de"
    path.write_bytes(path.read_bytes().replace(b"Hunde", b"H\xffnde"))
    data = load(**options, **NO_SPLITS)
    report = data.report
    assert (report["empty_sources"], report["empty_targets"], report["bad_rows"]) == (1, 1, 1)
    assert report["rows"] == {"train": 8}
    assert report["splits"] == {"train": 5}
    assert report["notes"] == ["2 pairs with an empty side were dropped"]
    assert re.search(r"train\.de:3: not valid in utf-8", " ".join(report["bad_row_examples"]))
    with pytest.raises(DataError, match=r"train\.en:1: the sentence to translate is empty; correct it"):
        load(**options, bad_rows="error")
    with pytest.raises(DataError, match="no usable pair; the first problem is"):
        load(**files(["", ""], ["a", "b"]))


def test_tables_are_split_by_their_first_column(tmp_path):
    """Whichever way is translated, no sentence of the first column is in two splits, and the splits are the same."""
    lines = [f"Sentence {number}.\t{word} {number}.\tlicence" for number in range(50) for word in ("Satz", "Spruch")]
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join([*lines, "alone"]).encode())
    share = {"validation_fraction": 0.2, "test_fraction": 0.1}
    there = load(tsv=str(path), **share)
    back = load(tsv=str(path), source_column="2", target_column="1", **share)
    assert there.report["splits"] == {"train": 70, "validation": 20, "test": 10}
    assert there.report["bad_row_examples"][0].endswith("pairs.tsv:101: 1 columns where column 2 is wanted")
    assert there.records("train")[0].source.startswith("Sentence")
    seen = [{source for source, _ in texts(there, split)} for split in ("train", "validation", "test")]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 50
    for split in ("train", "validation", "test"):
        assert texts(there, split) == [(target, source) for source, target in texts(back, split)]
    # Neither the order of the lines nor an added one moves a sentence; another seed does.
    path.write_text("\n".join(reversed(lines)))
    assert sorted(texts(load(tsv=str(path), **share), "test")) == sorted(texts(there, "test"))
    assert sorted(texts(load(tsv=str(path), seed=2, **share), "test")) != sorted(texts(there, "test"))
    assert sorted(texts(load(tsv=str(path), seed=2, split_seed=1, **share), "test")) == sorted(texts(there, "test"))
    with pytest.raises(DataError, match="both 2"):
        load(tsv=str(path), source_column="2")
    with pytest.raises(DataError, match=r"source_column must be a name, or the number of a column.*0"):
        load(tsv=str(path), source_column="0")


def test_tables_whose_first_line_names_the_columns(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = [
        f"{number}\t{german}\t{english}" for number, (english, german) in enumerate(zip(ENGLISH, GERMAN, strict=True))
    ]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(["id\t de\ten", *lines, "short"]).encode())
    data = load(tsv=str(path), source_column="en", target_column="de", **NO_SPLITS)
    assert sorted(texts(data, "train")) == sorted(zip(ENGLISH, GERMAN, strict=True))
    assert data.languages == ("en", "de")
    assert data.report["bad_row_examples"][0].endswith("pairs.tsv:8: 1 columns where column 3 is wanted")
    with pytest.raises(DataError, match=r"no column 'fr': set --data.target_column .* names, 'id', 'de', 'en', or"):
        load(tsv=str(path), source_column="en", target_column="fr")
    with pytest.raises(DataError, match=r"target_column must be the name of a column as the other is. Received: 2"):
        load(tsv=str(path), source_column="en", target_column="2")


def test_samples():
    data = load(PairTextConfig(vocabulary_size=800))
    assert data.report["licence"] == "Apache-2.0"
    assert data.languages == ("en", "de")
    assert data.report["splits"] == {"train": 450, "validation": 25, "test": 25}
    assert data.report["validation_sources_in_train"] == data.report["test_sources_in_train"] == 0
    assert data.report["unknown_share"]["test"] == {"source": 0.0, "target": 0.0}
    turned = load(PairTextConfig(vocabulary_size=800), source_column="2", target_column="1")
    assert turned.languages == ("de", "en")


def test_translation_sets_of_tfds(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    features = tfds.features.Translation(languages=("de", "en"))
    records = [
        (number, {"de": german, "en": english})
        for number, (english, german) in enumerate(zip(ENGLISH, GERMAN, strict=True))
    ]
    tfds.dataset_builders.store_as_tfds_dataset(
        "tiny_pairs", version="1.0.0", features=features, data_dir=tmp_path, disable_shuffling=True,
        split_datasets={"train": records, "test": records[:2]},
    )  # fmt: skip
    options = {"source": "tfds", "name": "tiny_pairs", "dir": str(tmp_path)}
    data = load(**options, source_column="en", validation_fraction=0.2)
    assert data.languages == ("en", "de")
    assert sorted(texts(data, "train") + texts(data, "validation")) == sorted(zip(ENGLISH, GERMAN, strict=True))
    assert texts(data, "test") == list(zip(ENGLISH[:2], GERMAN[:2], strict=True))
    assert load(**options).languages == ("de", "en")
    with pytest.raises(DataError, match=r"no text feature 'fr'.*de, en"):
        load(**options, source_column="fr")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source_file": "a"}, r"--data\.source_file needs its other side: --data\.target_file"),
        ({"test_target_file": "a"}, r"--data\.test_target_file needs its other side"),
        ({"tsv": "a", "source_file": "b", "target_file": "c"}, "does not go with --data.source files"),
        ({"source": "tsv"}, "--data.tsv PATH"),
        ({"test_tsv": "a"}, "does not go with --data.source samples"),
        ({"validation_fraction": 0.6, "test_fraction": 0.6}, "at most 0.9 together"),
        ({"limit": 0}, "data.limit must be at least 1"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(DataError, match=message):
        ParallelConfig(**options)


def test_files_that_are_not_there(files):
    with pytest.raises(DataError, match=r"no file nowhere: correct --data\.target_file"):
        load(**(files() | {"target_file": "nowhere"}))
    assert isinstance(load(**files(), **NO_SPLITS).tokenizer, LanguagePair)


def test_multi30k(real_data):
    folder = real_data / "multi30k"
    options = {
        f"{prefix}{side}_file": str(folder / f"{name}.{language}.gz")
        for prefix, name in (("", "train"), ("validation_", "val"), ("test_", "test_2016_flickr"))
        for side, language in (("source", "en"), ("target", "de"))
    }
    data = load(PairTextConfig(vocabulary_size=2000), PairBatchConfig(), **options, limit=2000)
    assert data.report["rows"] == {"train": 29_000, "validation": 1_014, "test": 1_000}
    encoded = data.encoded("test")[1]
    decoded = data.tokenizer.target.decode(tf.RaggedTensor.from_row_splits(encoded.ids, encoded.offsets)).numpy()
    assert [text.decode() for text in decoded] == [" ".join(pair.target.split()) for pair in data.records("test")]

"""Texts without labels: read when they are asked for, for word vectors and with the answers of a teacher."""

import numpy as np
import pytest

from pipelines import sentiment
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.errors import DataError
from pipelines.sources import Record, Source, open_source

ROWS = [Record(f"{'good' if i % 2 else 'bad'} film number {i} of many", "pn"[i % 2], f"rows:{i}") for i in range(40)]
MORE = ["a film that nobody has judged", "good and bad", ""]


def load(monkeypatch, unlabelled, more=MORE, teacher=None, **options):
    source = Source("rows", lambda: iter(ROWS), unlabelled=None if more is None else lambda: iter(more))
    monkeypatch.setattr(sentiment, "open_source", lambda config: source)
    config = DataConfig(unlabelled=unlabelled, **options)
    return sentiment.load_sentiment(config, TextConfig(min_count=1), BatchConfig(), seed=1, teacher=teacher)


def test_they_are_encoded_with_the_vocabulary_of_the_training_texts(monkeypatch):
    without, with_them = load(monkeypatch, False), load(monkeypatch, True)
    assert without.unlabelled is None
    assert with_them.tokenizer.vocabulary == without.tokenizer.vocabulary
    assert with_them.labels == without.labels
    np.testing.assert_array_equal(with_them.texts("train").ids, without.texts("train").ids)
    np.testing.assert_array_equal(with_them.unlabelled.offsets, [0, 6, 9, 9])
    vocabulary = with_them.tokenizer.vocabulary
    first = [vocabulary[i] for i in with_them.unlabelled.ids[:6]]
    assert first == ["[UNK]", "film", "[UNK]", "[UNK]", "[UNK]", "[UNK]"]
    assert with_them.report["unlabelled_texts"] == 3


def test_limit_holds_for_them(monkeypatch):
    more = [f"text {i}" for i in range(50)]
    assert len(load(monkeypatch, True, more, limit=20).unlabelled) == 20


def test_training_is_on_the_answers_of_a_teacher(monkeypatch):
    """Each training text comes with its label, each other one with the probabilities that the teacher gives it."""
    asked = []

    def answers(texts):
        return np.array([[len(text) / 100, 1 - len(text) / 100] for text in texts])

    def teacher(labels):
        asked.append(list(labels))
        return answers

    without = load(monkeypatch, True, validation_fraction=0.2)
    data = load(monkeypatch, True, teacher=teacher, validation_fraction=0.2)
    assert asked == [data.labels]
    expected = []
    for texts, known in ((without.texts("train"), np.eye(2)), (without.unlabelled, None)):
        for row, label in enumerate(texts.labels):
            ids = texts.ids[texts.offsets[row] : texts.offsets[row + 1]]
            given = known[label] if known is not None else answers(MORE[row : row + 1])[0]
            expected.append((tuple(ids.tolist()), *np.round(given, 4)))
    found = []
    for ids, labels in data.train(0).as_numpy_iterator():
        assert labels.dtype == np.float32
        found += [
            (tuple(row[row != 0].tolist()), *np.round(label.astype(float), 4))
            for row, label in zip(ids, labels, strict=True)
        ]
    assert sorted(found) == sorted(expected)
    assert len(list(data.train(0))) == data.steps_per_epoch
    for (ours, labels), (theirs, same) in zip(data.validation, without.validation, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(data.texts("train").ids, without.texts("train").ids)


def test_source_without_them_is_refused(monkeypatch):
    with pytest.raises(DataError, match=r"leave out --data\.unlabelled"):
        load(monkeypatch, True, more=None)


def test_lines_of_a_file(monkeypatch, tmp_path):
    file = tmp_path / "more.txt"
    file.write_bytes("good film\n\n  \r\nbad café \r\nfilm".encode("cp1252"))
    options = {"unlabelled_file": str(file), "fallback_encoding": "cp1252"}
    data = load(monkeypatch, False, more=None, **options)
    np.testing.assert_array_equal(data.unlabelled.lengths, [2, 2, 1])
    assert len(load(monkeypatch, True, **options).unlabelled) == len(MORE) + 3
    assert len(load(monkeypatch, True, limit=4, **options).unlabelled) == 4
    asked = []

    def answers(texts):
        asked.extend(texts)
        return np.full((len(texts), 2), 0.5)

    load(monkeypatch, False, teacher=lambda labels: answers, **options)
    assert asked == ["good film", "bad café ", "film"]
    with pytest.raises(DataError, match=r"more\.txt:4: not valid in utf-8"):
        load(monkeypatch, False, unlabelled_file=str(file))
    file.write_text("good film\n")
    assert load(monkeypatch, False, **options).report["digest"] != data.report["digest"]
    file.write_text("\n \n")
    with pytest.raises(DataError, match=r"more\.txt holds no texts: it needs one a line"):
        load(monkeypatch, False, **options)
    with pytest.raises(DataError, match=r"there is no file .*nothing.txt: correct --data\.unlabelled_file"):
        load(monkeypatch, False, unlabelled_file=str(tmp_path / "nothing.txt"))


def test_imdb_has_them(real_data):
    source = open_source(DataConfig(dir=str(real_data / "tfds")))
    texts = source.unlabelled()
    assert all(len(next(texts)) > 20 for _ in range(5))

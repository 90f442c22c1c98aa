"""From files to a language model's batches: splits, vocabularies, reports, and the encoded corpus on disk."""

import json
import math
import socket

import numpy as np
import pytest
import tensorflow as tf

import pipelines.encoded_corpus as encoded_corpus
from pipelines.corpus_config import CorpusConfig, VocabularyConfig, WindowConfig
from pipelines.errors import DataError
from pipelines.sources.corpus import DOCUMENT_MARK
from pipelines.text import CharacterTokenizer, load_tokenizer
from pipelines.text_generation import load_text_generation

BATCH = WindowConfig(batch_size=4, window=8, evaluation_batch_size=2, evaluation_window=16)


def load(text=None, batch=BATCH, seed=1, tokenizer=None, **data):
    return load_text_generation(CorpusConfig(**data), text or VocabularyConfig(), batch, seed, tokenizer)


def decode(data, split):
    return data.tokenizer.decode(data.text(split).ids[None].astype(np.int32)).numpy()[0].decode()


def targets(dataset):
    """The measured targets, row by row and batch by batch."""
    return [id for _, ids, weights in dataset.as_numpy_iterator() for id in ids[weights > 0].tolist()]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.txt").write_text(f"Text {number}:\n" + "abc " * number + "\n")
    return folder


@pytest.mark.parametrize("level", ["character", "subword", "word"])
def test_splits_put_together_are_the_corpus(folder, level):
    text = VocabularyConfig(level=level, vocabulary_size=300, min_count=1)
    data = load(text, folder=str(folder), validation_fraction=0.2, test_fraction=0.1)
    whole = "".join(path.read_text() for path in sorted(folder.iterdir()))
    ends = [0, int(len(whole) * 0.7), int(len(whole) * 0.9), len(whole)]
    for number, split in enumerate(("train", "validation", "test")):
        expected = whole[ends[number] : ends[number + 1]]
        assert "".join(piece.text for piece in data.pieces(split)) == expected
        assert data.report["characters"][split] == len(expected)
        assert data.report["tokens"][split] == len(data.text(split).ids)
        if level != "word" or split == "train":
            assert decode(data, split) == expected
            assert data.report["unknown_share"][split] == 0
        assert data.text(split).starts[0] == 0
        if level == "character":
            starts = [0, *np.cumsum([len(path.read_text()) for path in sorted(folder.iterdir())])]
            inside = [start - ends[number] for start in starts if ends[number] <= start < ends[number + 1]]
            assert data.text(split).starts.tolist() == sorted({0, *inside})
    assert data.report["documents"] == 30
    assert data.resets_steps


def test_the_vocabulary_is_of_the_training_text_alone(tmp_path):
    (tmp_path / "a.txt").write_text("ab" * 450 + "xy" * 50)
    data = load(file=str(tmp_path / "a.txt"))
    assert data.tokenizer.vocabulary == ["", "[UNK]", "a", "b"]
    assert data.report["unknown_share"] == {"train": 0, "validation": 1}
    assert set(data.text("validation").ids.tolist()) == {1}
    given = CharacterTokenizer(["", "[UNK]", "x", "y"])
    again = load(file=str(tmp_path / "a.txt"), tokenizer=given)
    assert again.tokenizer is given
    assert again.report["unknown_share"] == {"train": 1, "validation": 0}
    assert again.report["digest"] == data.report["digest"]


def test_training_batches_hold_the_text_once(folder):
    for cutting in ("streams", "windows"):
        data = load(folder=str(folder), batch=WindowConfig(cutting=cutting, batch_size=4, window=8))
        for epoch in range(2):
            assert int(data.train(epoch).cardinality()) == data.steps_per_epoch
            assert sorted(targets(data.train(epoch))) == sorted(data.text("train").ids[1:].tolist())
        assert targets(data.train(0)) == targets(data.train(0)) != targets(data.train(1))
    in_order = load(folder=str(folder), batch=WindowConfig(batch_size=1, window=8, shuffle=False))
    assert targets(in_order.train(0)) == data.text("train").ids[1:].tolist()
    assert targets(in_order.train(0)) == targets(in_order.train(1))


def test_validation_is_in_order_and_once(folder):
    data = load(folder=str(folder), test_fraction=0.1)
    for split, dataset in (("validation", data.validation), ("test", data.test)):
        ids = data.text(split).ids
        streams = np.split(ids[1:], [(len(ids) - 1) // 2])
        rows = [[], []]
        for _, batch, weights in dataset.as_numpy_iterator():
            for row in range(2):
                rows[row] += batch[row][weights[row] > 0].tolist()
        assert rows == [stream.tolist() for stream in streams]
        assert targets(data.windows(split, 10, 1)) == ids[1:].tolist()
    (ids, reset), *_ = next(iter(data.windows("test")))
    assert ids.shape == (2, 256)
    assert reset[0, 0]
    assert load(folder=str(folder)).test is None
    assert load(folder=str(folder), validation_fraction=0).validation is None


def test_nats_per_token_as_bits_per_character(folder):
    text = VocabularyConfig(level="subword", vocabulary_size=300)
    data = load(text, folder=str(folder))
    per_token = data.report["characters_per_token"]["validation"]
    assert per_token > 1.2
    assert data.bits_per_character(math.log(2), "validation") == pytest.approx(1 / per_token, rel=1e-4)


def test_marks_make_every_document_begin_with_the_same_token(folder):
    data = load(folder=str(folder), document_marks=True)
    text = data.text("train")
    mark = data.tokenizer.vocabulary.index(DOCUMENT_MARK)
    np.testing.assert_array_equal(np.flatnonzero(text.ids == mark), text.starts)


def test_one_document_needs_a_reset_a_row_only(tmp_path):
    data = load(source="samples")
    assert data.train(0).element_spec[0][1].shape == [4]
    data = load(source="samples", batch=WindowConfig(batch_size=4, reset="step"))
    assert data.train(0).element_spec[0][1].shape == [4, 64]


def test_the_encoded_corpus_is_kept_and_checked(folder, tmp_path, monkeypatch):
    cache = tmp_path / "new" / "cache"
    reads = []
    write = encoded_corpus._write
    monkeypatch.setattr(encoded_corpus, "_write", lambda *arguments: (reads.append(1), write(*arguments)))

    def ids(**options):
        return load(folder=str(folder), cache=str(cache), **options).text("train").ids.tobytes()

    first = ids()
    assert ids() == first
    assert len(reads) == 1
    (kept,) = cache.iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["documents.bin", "ids.bin", "index.json"]
    damages = [
        lambda: (kept / "ids.bin").write_bytes(b"\2" * (kept / "ids.bin").stat().st_size),
        lambda: (kept / "documents.bin").unlink(),
        lambda: (kept / "index.json").write_text("{"),
        lambda: (kept / "index.json").write_text(json.dumps({"digests": {}})),
    ]
    for number, damage in enumerate(damages, start=2):
        damage()
        assert ids() == first
        assert len(reads) == number
    assert len(list(cache.iterdir())) == 1
    ids(text=VocabularyConfig(lowercase=True))
    ids(validation_fraction=0.3)
    assert len(list(cache.iterdir())) == 3


def test_nothing_is_left_behind(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(encoded_corpus.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    data = load(folder=str(folder))
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    batches = iter(data.train(0))
    del data
    assert not list((tmp_path / "temporary").iterdir())
    assert len(list(batches)) > 1  # the map of the file outlives its name

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encoded_corpus, "_flush", fail)
    for cache in (None, str(tmp_path / "cache")):
        with pytest.raises(DataError, match=r"No space left on device.*--data\.cache"):
            load(folder=str(folder), cache=cache)
    assert not list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "cache").iterdir())


def test_a_file_that_changes_is_noticed(folder, monkeypatch):
    import pipelines.text_generation as text_generation

    survey = text_generation.survey_corpus

    def survey_and_change(*arguments):
        found = survey(*arguments)
        (folder / "29.txt").write_text("something else")
        return found

    monkeypatch.setattr(text_generation, "survey_corpus", survey_and_change)
    with pytest.raises(DataError, match="changed while it was read"):
        load(folder=str(folder))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, r"a\.txt has no text: it is empty"),
        ("a", {}, r"no training text is left of the 1 characters .*--data\.validation_fraction"),
        ("abc", {}, r"too short: its 3 characters leave no validation text.*--data\.validation_fraction 0"),
        ("abcdefgh" * 5, {"test_fraction": 0.01}, r"leave no test text.*--data\.test_fraction 0"),
        ("abcd", {"validation_fraction": 0}, r"4 tokens, too few for a window of 8.*--batch\.window"),
        ("a" * 50, {"validation_fraction": 1}, r"no training text is left.*lower --data\.validation_fraction"),
    ],
)
def test_too_little_text_is_said_in_one_line(tmp_path, text, options, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load(file=str(tmp_path / "a.txt"), **options).train(0)
    assert "\n" not in str(caught.value)


def test_a_cache_that_is_a_file(folder):
    with pytest.raises(DataError, match=r"--data\.cache"):
        load(folder=str(folder), cache=str(folder / "00.txt"))


def test_a_trained_model_reads_a_text_of_its_own(tmp_path, folder):
    data = load(folder=str(folder))
    data.tokenizer.save(tmp_path / "vocabulary")
    (tmp_path / "other.txt").write_text("abc " * 40)
    tokenizer = load_tokenizer(tmp_path / "vocabulary")
    other = load(file=str(tmp_path / "other.txt"), validation_fraction=0, test_fraction=1, tokenizer=tokenizer)
    assert len(targets(other.test)) == 159
    assert other.validation is None
    with pytest.raises(DataError, match=r"no train text \(only: test\)"):
        other.train(0)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (VocabularyConfig, {"vocabulary_size": 2}),
        (VocabularyConfig, {"vocabulary_size": 258, "level": "subword"}),
        (VocabularyConfig, {"min_count": 0}),
        (WindowConfig, {"batch_size": 0}),
        (WindowConfig, {"window": 0}),
        (WindowConfig, {"evaluation_batch_size": 0}),
        (WindowConfig, {"evaluation_window": 0}),
    ],
)
def test_options_that_make_no_sense(kind, options):
    with pytest.raises(DataError, match=next(iter(options))):
        kind(**options)


def test_tiny_shakespeare_is_split_as_in_the_literature(real_data, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    data = load(dir=str(real_data / "tfds"), batch=WindowConfig())
    assert data.report["characters"] == {"train": 1_003_854, "validation": 111_540}
    assert len(data.tokenizer.vocabulary) - 2 == 65
    assert data.report["documents"] == 1
    assert decode(data, "train").startswith("First Citizen:\nBefore we proceed any further, hear me speak.")
    assert decode(data, "validation").startswith("?\n\nGREMIO:\nGood morrow, neighbour Baptista.")
    halves = load(dir=str(real_data / "tfds"), validation_fraction=0.05, test_fraction=0.05)
    assert halves.report["characters"] == {"train": 1_003_854, "validation": 55_770, "test": 55_770}
    first = load(dir=str(real_data / "tfds"), split="train", limit=1_000, validation_fraction=0)
    assert decode(first, "train") == decode(data, "train")[:1_000]
    with pytest.raises(DataError, match=r"no split 'dev' but train.*--data\.split"):
        load(dir=str(real_data / "tfds"), split="train+dev")


def test_reviews_are_documents(real_data):
    data = load(dir=str(real_data / "tfds"), name="imdb_reviews", split="unsupervised[:40]", limit=20_000)
    assert 5 < data.report["documents"] <= 40
    assert len(data.text("train").starts) + len(data.text("validation").starts) == data.report["documents"] + 1
    with pytest.raises(DataError, match=r"feature 'label' of imdb_reviews is no text"):
        load(dir=str(real_data / "tfds"), name="imdb_reviews", text_column="label")


def test_batches_are_those_that_a_graph_can_take(folder):
    data = load(folder=str(folder))
    count = tf.function(lambda dataset: dataset.reduce(0.0, lambda total, batch: total + tf.reduce_sum(batch[2])))
    assert float(count(data.train(0))) == len(data.text("train").ids) - 1

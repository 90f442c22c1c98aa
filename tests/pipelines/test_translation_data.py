"""From parallel text to a translator's batches: sources, splits, vocabularies, filters, buckets, random spellings."""

import gzip
import re

import numpy as np
import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.pair_batching import PairPlanner, fit_count
from pipelines.pair_encoding import encode_side
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.subword_sampling import SubwordSampler
from pipelines.text import CharacterTokenizer, SpacedSubwordTokenizer, SubwordTokenizer
from pipelines.text.language_pair import LanguagePair, load_language_pair
from pipelines.text.sentence import END_ID, START_ID, SentenceTokenizer, marked_tokenizer
from pipelines.translation import load_translation

ENGLISH = ["A dog runs.", "Two dogs run.", "The cat sleeps.", "She reads a book.", "Who is there?", "It's (not) 12:30!"]
GERMAN = ["Ein Hund läuft.", "Zwei Hunde laufen.", "Die Katze schläft.", "Sie liest ein Buch.", "Wer ist da?", "Nein…"]
TEXT = PairTextConfig(vocabulary_size=300, min_count=1)
NO_SPLITS = {"validation_fraction": 0.0, "test_fraction": 0.0}


def load(text=TEXT, batch=None, seed=1, tokenizer=None, splits=("train", "validation", "test"), **data):
    return load_translation(ParallelConfig(**data), text, batch or PairBatchConfig(tokens=128), seed, tokenizer, splits)


@pytest.fixture
def files(tmp_path):
    """Writes two parallel files, and gives their paths as options."""

    def write(english=ENGLISH, german=GERMAN, prefix="", ending=""):
        options = {}
        for side, language, lines in (("source", "en", english), ("target", "de", german)):
            path = tmp_path / f"{prefix or 'train'}.{language}{ending}"
            content = "".join(f"{line}\n" for line in lines).encode()
            path.write_bytes(gzip.compress(content) if ending else content)
            options[f"{prefix}{'_' if prefix else ''}{side}_file"] = str(path)
        return options

    return write


def texts(data, split):
    return [(pair.source, pair.target) for pair in data.records(split)]


def rows(dataset):
    """(source, target inputs, targets) without padding, of each pair in the order of the batches."""
    found = []
    for (source, inputs), targets, weights in dataset.as_numpy_iterator():
        assert source.dtype == inputs.dtype == targets.dtype == np.int32
        assert weights.dtype == np.float32
        assert (weights == (targets != 0)).all()
        assert ((inputs != 0) == (targets != 0)).all()
        for one, two, three in zip(source, inputs, targets, strict=True):
            found.append(tuple(tuple(row[row != 0].tolist()) for row in (one, two, three)))
    return found


def test_batches_hold_each_pair_once(files):
    data = load(batch=PairBatchConfig(tokens=20), **files(ending=".gz"), **NO_SPLITS)
    assert data.languages == ("en", "de")
    epochs = [rows(data.train(epoch)) for epoch in (0, 1, 0)]
    assert epochs[0] == epochs[2] != epochs[1]
    assert data.steps_per_epoch > 2
    assert sorted(epochs[0]) == sorted(epochs[1])
    decoded = set()
    for source, inputs, targets in epochs[0]:
        assert inputs[0] == START_ID
        assert source[-1] == targets[-1] == END_ID
        assert inputs[1:] == targets[:-1]
        pair = data.tokenizer.source.decode(tf.constant([source])), data.tokenizer.target.decode(tf.constant([targets]))
        decoded.add(tuple(text.numpy()[0].decode() for text in pair))
    assert decoded == set(zip(ENGLISH, GERMAN, strict=True))
    assert data.steps_per_epoch == len(list(data.train(0)))
    assert rows(data.train(1).skip(1)) == epochs[1][-len(rows(data.train(1).skip(1))) :]


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


@pytest.mark.parametrize("level", ["subword", "character", "word"])
def test_sentences_come_back_with_case_and_marks(files, level):
    data = load(PairTextConfig(level=level, vocabulary_size=400, joint=False, min_count=1), **files(), **NO_SPLITS)
    for side, sentences in ((data.tokenizer.source, ENGLISH), (data.tokenizer.target, GERMAN)):
        assert side.vocabulary[:4] == ["", "[UNK]", "\x02", "\x03"]
        spaced = [
            "\ufeff\t " + sentence.replace(" ", " \u00a0").replace("e", "e\u00ad") + "\n" for sentence in sentences
        ]
        assert [text.decode() for text in side.decode(side.encode(tf.constant(spaced))).numpy()] == sentences
        ids = side.encode(tf.constant(sentences))
        assert (
            side.read(ids.flat_values).numpy().tolist()
            == side.tokenize(tf.constant(sentences)).flat_values.numpy().tolist()
        )
        assert (side.decode(tf.constant([[START_ID, END_ID, 9]])).numpy() == b"").all()
    assert data.tokenizer.source.encode(tf.constant(["", "\x03"])).to_list() == [[END_ID], [END_ID]]


def test_chinese_is_written_without_spaces():
    tokenizer = SpacedSubwordTokenizer.learn({"我": 5, "爱": 4, "中": 3, "国": 3, " Tom": 2}, 400, 1, False)
    sentence = SentenceTokenizer(marked_tokenizer(tokenizer))
    ids = sentence.encode(tf.constant(["我爱中国", "我爱Tom", "Tom 爱我", "雪"]))
    assert ids.row_lengths().numpy().tolist()[0] == 5
    assert [text.decode() for text in sentence.decode(ids).numpy()] == ["我爱中国", "我爱Tom", "Tom 爱我", "雪"]
    assert sentence.unknown(ids[3].numpy()).tolist() == [True, True, True, False]
    assert not sentence.unknown(ids[0].numpy()).any()


def test_joint_and_separate_vocabularies(files):
    joint = load(**files(), **NO_SPLITS).tokenizer
    assert joint.joint
    assert " Hund" in joint.source.vocabulary
    separate = load(PairTextConfig(vocabulary_size=300, min_count=1, joint=False), **files(), **NO_SPLITS).tokenizer
    assert not separate.joint
    assert "ä" in separate.target.vocabulary
    assert "ä" not in separate.source.vocabulary


@pytest.mark.parametrize("joint", [True, False])
def test_vocabularies_are_saved_and_loaded(files, tmp_path, joint):
    pair = load(PairTextConfig(vocabulary_size=300, joint=joint), **files(), **NO_SPLITS).tokenizer
    pair.save(tmp_path / "run")
    again = load_language_pair(tmp_path / "run")
    assert again.joint == joint
    assert again.source.vocabulary == pair.source.vocabulary
    assert again.target.vocabulary == pair.target.vocabulary
    assert rows(load(**files(), tokenizer=again).train(0)) == rows(load(**files(), tokenizer=pair).train(0))
    (tmp_path / "run" / ("vocabulary.txt" if joint else "target_vocabulary.txt")).write_text("\n[UNK]\na\n")
    with pytest.raises(DataError, match="is not the vocabulary that"):
        load_language_pair(tmp_path / "run")


def test_the_vocabulary_of_another_task_is_refused(files, tmp_path):
    other = CharacterTokenizer(["", "[UNK]", "a", "b"])
    with pytest.raises(DataError, match="not that of a translation"):
        load(**files(), tokenizer=other)
    with pytest.raises(DataError, match=r"marks of start and end.*\['a', 'b'\]"):
        SentenceTokenizer(other)
    other.save(tmp_path / "other")
    with pytest.raises(DataError, match="marks of start and end"):
        load_language_pair(tmp_path / "other")
    SubwordTokenizer(["", "[UNK]", "a"]).save(tmp_path / "other")
    with pytest.raises(DataError, match="no vocabulary of a translation but one of kind 'subword'"):
        load_language_pair(tmp_path / "other")
    with pytest.raises(DataError, match="cannot be read"):
        load_language_pair(tmp_path / "nowhere")


def test_a_wrong_language_is_noticed(files):
    pair = load(**files(), **NO_SPLITS).tokenizer
    right = load(**files(), **NO_SPLITS, tokenizer=pair)
    assert right.report["warnings"] == []
    greek = ["Ένας σκύλος τρέχει.", "Ποιος είναι εκεί;"]
    wrong = load(**files(greek, GERMAN[:2]), **NO_SPLITS, tokenizer=pair)
    assert len(wrong.report["warnings"]) == 1
    assert re.search(r"sources of the train pairs.*right language", wrong.report["warnings"][0])


def test_long_and_unlike_pairs_are_left_out_of_training(files):
    long = " ".join(["dog"] * 5000)
    options = files([*ENGLISH, long, "A dog"], [*GERMAN, long, "Ein Hund läuft und " * 3])
    options |= files([long], [long], "test")
    text = PairTextConfig(level="word", vocabulary_size=100, min_count=1, max_length=20, max_ratio=3.0)
    data = load(text, **options, validation_fraction=0.0)
    assert data.report["left_out"] == {"too_long": 1, "unlike_lengths": 1}
    assert data.report["notes"][0].startswith("2 training pairs were left out: 1 longer than")
    assert texts(data, "train") == list(zip(ENGLISH, GERMAN, strict=True))
    assert len(rows(data.train(0))) == 6
    (source, inputs, targets), = rows(data.test)  # fmt: skip
    assert len(source) == len(inputs) == len(targets) == 20
    assert source[-1] == targets[-1] == END_ID
    assert END_ID not in source[:-1]
    with pytest.raises(DataError, match="all training pairs are left out, 7 as too long"):
        load(PairTextConfig(level="word", vocabulary_size=100, max_length=2), **options)


def lengths(seed=0, pairs=3000):
    random = np.random.default_rng(seed)
    source = random.poisson(12, pairs) + 1
    return source, np.maximum(1, source + random.integers(-4, 5, pairs))


def test_batches_keep_the_budget_and_have_little_padding():
    source, target = lengths()
    config = PairBatchConfig(tokens=512, bucket_count=8)
    planner = PairPlanner(source, target, config)
    batches = planner.epoch(seed=3, epoch=0)
    assert sorted(np.concatenate([batch.rows for batch in batches]).tolist()) == list(range(3000))
    cells = used = 0
    for batch in batches:
        assert len(batch.rows) * max(batch.widths) <= 512
        assert source[batch.rows].max() <= batch.widths[0]
        assert target[batch.rows].max() <= batch.widths[1]
        cells += len(batch.rows) * sum(batch.widths)
        used += int(source[batch.rows].sum() + target[batch.rows].sum())
    assert used / cells > 0.9
    for epoch in range(1, 4):
        again = planner.epoch(seed=3, epoch=epoch)
        assert sorted(batch.widths for batch in again) == sorted(batch.widths for batch in batches)
    # Buckets of both lengths, not of one of them: pairs in random order would waste a third.
    shapeless = PairPlanner(source, target, PairBatchConfig(tokens=512, bucket_count=1)).epoch(3, 0)
    assert len(shapeless) > 1.4 * len(batches)


def test_static_shapes_are_few(files):
    source, target = lengths(pairs=500)
    english, german = ([" ".join(["word"] * size) for size in side] for side in (source, target))
    text = PairTextConfig(level="word", vocabulary_size=10)
    batch = PairBatchConfig(tokens=128, bucket_count=3, static_shapes=True)
    data = load(text, batch, **files(english, german), **NO_SPLITS)
    shapes = {(inputs[0].shape[1], inputs[1].shape[1]) for inputs, _, _ in data.train(0).as_numpy_iterator()}
    assert len(shapes) <= 9
    edges = data.report["buckets"]
    assert all(one in edges["source"] and other in edges["target"] for one, other in shapes)


def test_fixed_batch_sizes_and_a_dropped_remainder():
    source, target = lengths(pairs=103)
    config = PairBatchConfig(tokens=None, batch_size=10, drop_remainder=True)
    batches = PairPlanner(source, target, config).epoch(0, 0)
    assert [len(batch.rows) for batch in batches] == [10] * 10


def test_batches_are_brought_to_a_number():
    source, target = lengths(pairs=200)
    batches = PairPlanner(source, target, PairBatchConfig(tokens=256)).epoch(0, 0)
    for count in (len(batches) - 3, len(batches), len(batches) + 5):
        fitted = fit_count(batches, count)
        assert len(fitted) == count
        assert sorted(np.concatenate([batch.rows for batch in fitted]).tolist()) == list(range(200))
        assert all(source[batch.rows].max() <= batch.widths[0] for batch in fitted)


SENTENCES = ["lower lowest", "slower 我爱 low", "x" * 40, "lowlower é"]


@pytest.fixture(scope="module")
def spelling():
    counts = {" low": 9, " lower": 8, " lowest": 7, " slow": 6, "ower": 5, "é": 4, "我": 3}
    return SentenceTokenizer(marked_tokenizer(SpacedSubwordTokenizer.learn(counts, 320, 1, False)))


def test_without_dropout_the_spelling_is_the_tokenizers(spelling):
    sampled = SubwordSampler(SENTENCES, spelling, 0.0).sample(np.random.default_rng(0))
    expected = encode_side(SENTENCES, spelling)
    assert sampled.ids.tolist() == expected.ids.tolist()
    assert sampled.offsets.tolist() == expected.offsets.tolist()


def test_random_spellings_are_spellings(spelling):
    sampler = SubwordSampler(SENTENCES, spelling, 0.5)
    random = np.random.default_rng(0)
    spellings = set()
    for _ in range(40):
        side = sampler.sample(random)
        decoded = spelling.decode(tf.RaggedTensor.from_row_splits(side.ids, side.offsets)).numpy()
        assert [text.decode() for text in decoded] == SENTENCES
        spellings.add(tuple(side.ids[: side.offsets[1]].tolist()))
        known = [spelling.vocabulary.index(token) for token in ("é", "我")]
        assert np.isin(known, side.ids).all()  # a character that is a piece is not spelt from its bytes
    assert len(spellings) > 12


def test_how_often_pieces_are_passed_over(spelling):
    """ " lower" is taken unless it is passed over; then " lowe" or shorter ones are."""
    sampler = SubwordSampler(["lower"] * 4000, spelling, 0.3)
    side = sampler.sample(np.random.default_rng(1))
    assert abs((side.lengths == 2).mean() - 0.7) < 0.03


def test_training_on_random_spellings(files):
    source, target = lengths(pairs=300)
    english, german = (
        [" ".join(["lower", "slowest"][: 1 + size % 2] * (size // 2 + 1)) for size in side] for side in (source, target)
    )
    batch = PairBatchConfig(tokens=256)
    text = PairTextConfig(vocabulary_size=300, subword_dropout=0.3)
    data = load(text, batch, **files(english, german), **NO_SPLITS)
    steps = data.steps_per_epoch
    epochs = [rows(data.train(epoch)) for epoch in (0, 1, 1)]
    assert epochs[1] == epochs[2]
    assert sorted(epochs[0]) != sorted(epochs[1])
    decode = data.tokenizer.target.decode
    for epoch, found in enumerate(epochs[:2]):
        assert len(found) == 300
        assert sorted(decode(tf.ragged.constant([row[2] for row in found])).numpy().tolist()) == sorted(
            line.encode() for line in german
        )
        assert len(list(data.train(epoch))) == steps
    # What is served is spelt without chance.
    plain = load(TEXT, batch, **files(english, german), **NO_SPLITS, tokenizer=data.tokenizer)
    assert (data.encoded("train")[0].ids == plain.encoded("train")[0].ids).all()


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary_size": 100}, "text.vocabulary_size must be at least 259"),
        ({"target_level": "character"}, "--text.joint false"),
        ({"subword_dropout": 1.0}, "from 0 to below 1"),
        ({"subword_dropout": 0.1, "level": "word"}, "needs subwords"),
        ({"max_ratio": 1.0}, "text.max_ratio must be above 1"),
    ],
)
def test_text_options_that_cannot_be(options, message):
    with pytest.raises(DataError, match=message):
        PairTextConfig(**options)


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

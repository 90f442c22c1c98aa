"""The vocabularies of two languages: learnt, saved, and refused where they do not fit."""

import re

import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.parallel_config import PairTextConfig
from pipelines.text import CharacterTokenizer, SpacedSubwordTokenizer, SubwordTokenizer
from pipelines.text.language_pair import load_language_pair
from pipelines.text.sentence import END_ID, START_ID, SentenceTokenizer, marked_tokenizer
from tests.pipelines.parallel_text import ENGLISH, GERMAN, NO_SPLITS, load, rows


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary_size": 100}, "text.vocabulary_size must be at least 259"),
        ({"target_level": "character"}, "--text.joint false"),
        ({"subword_dropout": 1.0}, "from 0 to below 1"),
        ({"full_stop_dropout": -0.1}, "full_stop_dropout must be from 0 to below 1"),
        ({"subword_dropout": 0.1, "level": "word"}, "needs subwords"),
        ({"max_ratio": 1.0}, "text.max_ratio must be above 1"),
    ],
)
def test_text_options_that_cannot_be(options, message):
    with pytest.raises(DataError, match=message):
        PairTextConfig(**options)

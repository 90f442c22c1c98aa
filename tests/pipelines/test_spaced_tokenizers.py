"""Words and subwords that keep white space: against a greedy speller in Python, and text for text."""

import random
from collections import Counter

import pytest
import tensorflow as tf

from pipelines.corpus_config import CorpusConfig, VocabularyConfig
from pipelines.corpus_vocabulary import learn_text_tokenizer
from pipelines.errors import DataError
from pipelines.sources.corpus import open_corpus
from pipelines.text import SpacedSubwordTokenizer, load_tokenizer
from pipelines.text.spaced_subword import BYTE_TOKENS

SIZE = 500
MARKS = "\t\n\r\x0b\x00\x1c.,!?-_<>[]{}'\u2019\u0301\u2028\u00a0\ufeff"
ALPHABET = [*"abcABC0123456789éßñ电影を見한국😀🏽", *MARKS, "\r\n", "  ", " the"]
GENERATOR = random.Random(1)
FUZZ = ["".join(GENERATOR.choices(ALPHABET, k=GENERATOR.randint(0, 60))) for _ in range(1_500)]
FUZZ += ["", "a" * 3_000, " " * 999, "-" * 500, "电" * 300, "[UNK]", "<0xE2>", "é" * 33]


def story():
    return "".join(piece.text for piece in open_corpus(CorpusConfig(source="samples")).pieces())


@pytest.fixture(scope="module")
def subword():
    return learn_text_tokenizer([story()], VocabularyConfig(level="subword", vocabulary_size=SIZE))


@pytest.fixture(scope="module")
def word():
    return learn_text_tokenizer([story()], VocabularyConfig(level="word", min_count=1))


def strings(tensor):
    return [value.decode() for value in tensor.numpy()]


def test_segments_add_up_to_the_text(word):
    for text, segments in zip(FUZZ, word.words(tf.constant(FUZZ)).to_list(), strict=True):
        assert b"".join(segments) == text.encode()
        assert b"" not in segments


def test_where_a_text_is_divided(word):
    text = "The cat's  hat,\n\n\t'Don\u2019t!' 电影abc 12345 ...\r\n\r\nx\x1cy e\u0301 "
    expected = "The| cat's|  |hat|,|\n\n|\t|'|Don\u2019t|!'| |电|影|abc| 123|45| ...|\r\n\r\n|x|\x1c|y| e\u0301| "
    assert word.words(tf.constant([text])).to_list() == [[part.encode() for part in expected.split("|")]]


def test_any_text_comes_back_from_subwords(subword):
    ids = subword.encode(tf.constant(FUZZ))
    assert ids.dtype == tf.int32
    assert strings(subword.decode(ids)) == FUZZ
    assert int(tf.reduce_min(ids.flat_values)) >= 2
    assert subword.tokenize(tf.constant(FUZZ)).row_lengths().numpy().tolist() == ids.row_lengths().numpy().tolist()


def test_pieces_are_the_longest_that_fit(subword):
    """The same ids from a few lines of Python that compare bytes."""
    written = {bytes([number]): token for number, token in enumerate(BYTE_TOKENS)}
    written |= {token.encode(): token for token in subword.vocabulary[2:] if token not in BYTE_TOKENS}
    id_of = {token: number for number, token in enumerate(subword.vocabulary)}

    def spell(segment):
        ids = []
        for part in range(0, len(segment), 32):  # characters
            rest = segment[part : part + 32].encode()
            while rest:
                piece = next(rest[:size] for size in range(len(rest), 0, -1) if rest[:size] in written)
                ids.append(id_of[written[piece]])
                rest = rest[len(piece) :]
        return ids

    texts = [story(), *FUZZ]
    segments = subword.words(tf.constant(texts)).to_list()
    expected = [[id for segment in row for id in spell(segment.decode())] for row in segments]
    assert subword.encode(tf.constant(texts)).to_list() == expected


def test_the_first_pieces_are_the_most_frequent_pairs():
    """Byte pair encoding by hand: (a, b) is seen 5 times, then (ab, c) 3 times, then (x, y) twice."""
    tokenizer = SpacedSubwordTokenizer.learn({"abc": 3, "ab": 2, "xy": 2, "q": 9, "zz": 1}, 600, 2, False)
    assert tokenizer.vocabulary[258:] == ["ab", "abc", "xy"]
    assert tokenizer.tokenize(tf.constant(["abcxyzz"])).to_list() == [[b"abc", b"xy", b"z", b"z"]]
    assert len(SpacedSubwordTokenizer.learn({"abc": 3, "ab": 2}, 259, 2, False).vocabulary) == 259


def test_frequent_characters_outside_ascii_are_pieces_and_rare_ones_bytes():
    tokenizer = SpacedSubwordTokenizer.learn({"é": 9, "ß": 1, "電": 2}, 300, 2, False)
    assert tokenizer.tokenize(tf.constant(["éß電"])).to_list() == [["é".encode(), b"<0xC3>", b"<0x9F>", "電".encode()]]


def test_a_vocabulary_of_subwords_needs_all_bytes():
    with pytest.raises(DataError, match=r"every byte.*'<0x80>'"):
        SpacedSubwordTokenizer(["", "[UNK]", *BYTE_TOKENS[:128], *BYTE_TOKENS[129:]])


def test_the_same_text_gives_the_same_pieces_in_any_process(subword, run_apart):
    code = (
        "import sys\n"
        "from pipelines.corpus_config import VocabularyConfig\n"
        "from pipelines.corpus_vocabulary import learn_text_tokenizer\n"
        f"config = VocabularyConfig(level='subword', vocabulary_size={SIZE})\n"
        "print(learn_text_tokenizer([sys.stdin.read()], config).vocabulary)"
    )
    assert run_apart(code, text=story()).strip() == str(subword.vocabulary)


def test_words_come_back_and_are_ranked(word):
    assert strings(word.decode(word.encode(tf.constant([story()])))) == [story()]
    counts = Counter(segment for segment in word.words(tf.constant([story()])).to_list()[0])
    ranks = [counts[token.encode()] for token in word.vocabulary[2:]]
    assert ranks == sorted(ranks, reverse=True)
    assert sum(ranks) == sum(counts.values())


def test_unknown_words_are_readable(word):
    text = tf.constant(["The miller sat down quixotically."])
    assert strings(word.decode(word.encode(text))) == ["The miller sat down [UNK]."]


def test_size_and_count_limit_the_words():
    tokenizer = learn_text_tokenizer(["b b b a a c"], VocabularyConfig(level="word", min_count=1, vocabulary_size=4))
    assert tokenizer.vocabulary == ["", "[UNK]", " a", " b"]
    with pytest.raises(DataError, match=r"--text\.min_count"):
        learn_text_tokenizer(["a b c"], VocabularyConfig(level="word"))


@pytest.mark.parametrize("level", ["word", "subword", "character"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_saved_and_loaded(tmp_path, level, lowercase):
    saved = learn_text_tokenizer(
        [story()], VocabularyConfig(level=level, vocabulary_size=400, lowercase=lowercase, min_count=1)
    )
    saved.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert type(loaded) is type(saved)
    assert loaded.vocabulary == saved.vocabulary
    assert loaded.lowercase is lowercase
    texts = tf.constant([*FUZZ[:200], story()])
    assert loaded.encode(texts).to_list() == saved.encode(texts).to_list()
    if lowercase and level == "subword":
        assert strings(loaded.decode(loaded.encode(tf.constant(["ÉA b"])))) == ["éa b"]

"""WordPiece in the graph against the `tokenizers` package."""

import hashlib
import random

import pytest
import tensorflow as tf
from tokenizers import Tokenizer as Reference
from tokenizers import models, pre_tokenizers

from pipelines.config import DataConfig, TextConfig
from pipelines.encoding import learn_tokenizer
from pipelines.sources import Record, open_source
from pipelines.text import SubwordTokenizer

SIZE = 700


def sample_texts():
    source = open_source(DataConfig(source="samples"))
    return [row.text for row in source.train() if isinstance(row, Record)]


@pytest.fixture(scope="module")
def tokenizer():
    return learn_tokenizer([*sample_texts(), *UNICODE], TextConfig(tokenizer="subword", vocabulary_size=SIZE))


UNICODE = [
    "Größe größer am größten, ein Übel übler als das andere, ähnlich süß",
    "Ένα υπέροχο έργο, υπέροχη ταινία",
    "Прекрасный фильм, прекрасная игра, прекрасно",
    "这是一部非常好看的电影 这部电影不好看",
    "とても良い映画 カメラが良い",
    "훌륭한 영화 훌륭하다",
    "फ़िल्म अच्छी फ़िल्में",
    "😀 😀👍🏽 ❤️ naïve café cafés",
]


def same_as_reference(tokenizer, texts):
    """Compares ids and pieces of all texts with the package's own WordPiece model, word for word."""
    ids_of_tokens = {token or "[PAD]": index for index, token in enumerate(tokenizer.vocabulary)}
    reference = Reference(models.WordPiece(ids_of_tokens, unk_token="[UNK]", max_input_chars_per_word=100))
    reference.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words = tokenizer.words(tf.constant(texts))
    lines = [" ".join(word.decode() for word in row) for row in words.to_list()]
    expected = reference.encode_batch(lines)
    ids = tokenizer.encode(tf.constant(texts)).to_list()
    assert ids == [encoding.ids for encoding in expected]
    pieces = tokenizer.tokenize(tf.constant(texts)).to_list()
    for row, encoding, line in zip(pieces, expected, lines, strict=True):
        assert [
            token if token != "[UNK]" else line[start:stop]
            for token, (start, stop) in zip(encoding.tokens, encoding.offsets, strict=True)
        ] == [piece.decode() for piece in row]
    return sum(map(len, ids))


def test_ids_are_those_of_the_tokenizers_package(tokenizer):
    assert (
        same_as_reference(tokenizer, [*sample_texts(), *UNICODE, "", "a" * 100, "b" * 101, "ß" * 100, "#", "##s"])
        > 3_000
    )


def test_ids_of_random_words(tokenizer):
    """Words put together from pieces and single characters, so that every way of getting stuck occurs."""
    generator = random.Random(5)
    parts = [token.removeprefix("##") for token in tokenizer.vocabulary[2:]] + list("éxqжλ电😀'")
    words = ["".join(generator.choices(parts, k=generator.randint(1, 12))) for _ in range(4_000)]
    texts = [" ".join(words[start : start + 7]) for start in range(0, len(words), 7)]
    same_as_reference(tokenizer, texts)


def test_ids_of_real_lines_in_many_scripts(tokenizer, real_data):
    """2,000 lines that the vocabulary was not learnt on, many of them with unknown characters."""
    lines = (real_data / "cmn-eng" / "cmn.txt").read_text(encoding="utf-8-sig").splitlines()
    names = [line for path in sorted((real_data / "names").iterdir()) for line in path.read_text("utf-8").splitlines()]
    generator = random.Random(3)
    assert same_as_reference(tokenizer, generator.sample(lines, 1_000) + generator.sample(names, 1_000)) > 20_000


def test_the_vocabulary_is_small_enough_and_spells_most(tokenizer):
    assert len(tokenizer.vocabulary) <= SIZE
    assert tokenizer.vocabulary[:2] == ["", "[UNK]"]
    ids = tokenizer.encode(tf.constant(sample_texts())).flat_values.numpy()
    assert (ids == 1).mean() < 0.01
    pieces_a_word = len(ids) / len(tokenizer.words(tf.constant(sample_texts())).flat_values)
    assert 1 < pieces_a_word < 2


def test_the_same_words_give_the_same_vocabulary_in_any_process(tokenizer, run_apart):
    code = (
        "import hashlib, sys\n"
        "from pipelines.config import TextConfig; from pipelines.encoding import learn_tokenizer\n"
        "texts = sys.stdin.read().split('\\n')\n"
        f"config = TextConfig(tokenizer='subword', vocabulary_size={SIZE})\n"
        "print(hashlib.sha256('\\n'.join(learn_tokenizer(texts[::-1], config).vocabulary).encode()).hexdigest())"
    )
    texts = "\n".join([*sample_texts(), *UNICODE])
    assert run_apart(code, text=texts).strip() == hashlib.sha256("\n".join(tokenizer.vocabulary).encode()).hexdigest()


def test_rare_characters_do_not_fill_the_vocabulary():
    counts = {chr(0x4E00 + number): 1 for number in range(500)} | {"film": 50, "films": 20}
    tokenizer = SubwordTokenizer.learn(counts, vocabulary_size=30, min_count=2, lowercase=True)
    assert "film" in tokenizer.vocabulary
    assert not any(token >= "\u4e00" for token in tokenizer.vocabulary)


def test_longest_pieces_come_first():
    tokenizer = SubwordTokenizer(["", "[UNK]", "a", "ab", "##b", "##bc", "##c"])
    pieces = tokenizer.tokenize(tf.constant(["abc abbc abx a", "ab"])).to_list()
    assert pieces == [[b"ab", b"##c", b"ab", b"##bc", b"abx", b"a"], [b"ab"]]
    assert tokenizer.encode(tf.constant(["abx"])).to_list() == [[1]]

"""Characters as tokens: every text comes back, and so does the vocabulary from its file."""

import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text import CharacterTokenizer, SpacedWordTokenizer, load_tokenizer
from pipelines.text.escaping import escape, unescape

TEXTS = ["Größe:\t电影\r\n\r\n", "", "👍🏽 e\u0301 \\n \u2028\u00a0\ufeff\x00\x1c\x7f", " " * 5, "\ufffd[UNK]"]
TOKENIZER = CharacterTokenizer(["", "[UNK]", *sorted(set("".join(TEXTS)))])


def strings(tensor):
    return [value.decode() for value in tensor.numpy()]


def test_known_characters_come_back():
    ids = TOKENIZER.encode(tf.constant(TEXTS))
    assert ids.dtype == tf.int32
    assert ids.row_lengths().numpy().tolist() == [len(text) for text in TEXTS]
    assert [[TOKENIZER.vocabulary[id] for id in row] for row in ids.to_list()] == [list(text) for text in TEXTS]
    assert strings(TOKENIZER.decode(ids)) == TEXTS
    assert strings(TOKENIZER.decode(ids.to_tensor())) == TEXTS


def test_every_code_point_comes_back_also_from_a_file(tmp_path):
    text = "".join(chr(code) for code in range(0x30000) if not 0xD800 <= code < 0xE000)
    tokenizer = CharacterTokenizer(["", "[UNK]", *text])
    tokenizer.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert type(loaded) is CharacterTokenizer
    assert loaded.vocabulary == tokenizer.vocabulary
    ids = loaded.encode(tf.constant([text]))
    assert ids.flat_values.numpy().tolist() == list(range(2, 2 + len(text)))
    assert strings(loaded.decode(ids)) == [text]


def test_unknown_characters_and_broken_bytes():
    tokenizer = CharacterTokenizer(["", "[UNK]", "a", "\n"])
    text = tf.constant([b"a\xc3\xa9\n\xff\xffa", b"\xe2\x82"])
    assert tokenizer.encode(text).to_list() == [[2, 1, 3, 1, 1, 2], [1]]
    assert strings(tokenizer.decode(tokenizer.encode(text))) == ["a\ufffd\n\ufffd\ufffda", "\ufffd"]
    assert tokenizer.tokenize(tf.constant(["aé\n"])).to_list() == [[b"a", "é".encode(), b"\n"]]
    assert strings(tokenizer.decode([[2, 99, -1, 0, 3]])) == ["a\ufffd\ufffd\n"]


def test_lower_case():
    tokenizer = CharacterTokenizer(["", "[UNK]", "a", "é"], lowercase=True)
    assert tokenizer.encode(tf.constant(["AÉa"])).to_list() == [[2, 3, 2]]


def test_the_most_frequent_are_learnt():
    counts = {"a": 3, "\n": 9, "é": 3, "z": 1}
    assert CharacterTokenizer.learn(counts, 100, 1, False).vocabulary == ["", "[UNK]", "\n", "a", "é", "z"]
    assert CharacterTokenizer.learn(counts, 100, 2, False).vocabulary == ["", "[UNK]", "\n", "a", "é"]
    assert CharacterTokenizer.learn(counts, 4, 1, True).vocabulary == ["", "[UNK]", "\n", "a"]


def test_tokens_of_several_characters_are_refused():
    with pytest.raises(DataError, match=r"one character.*'ab'"):
        CharacterTokenizer(["", "[UNK]", "ab"])


def test_the_file_is_readable(tmp_path):
    CharacterTokenizer(["", "[UNK]", "a", "\n", "\t", " ", "\\", "é", "\u2028", "😀", "\x1c"]).save(tmp_path)
    lines = (tmp_path / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    assert lines == ["", "[UNK]", "a", r"\n", r"\t", r"\x20", r"\\", "é", r"\u2028", "😀", r"\x1c", ""]


@pytest.mark.parametrize("token", ["", " the", "\\n", "\n\n", "a\\", "\U000e0001", "\\x20", "a b\tc"])
def test_escaping_is_undone(token):
    assert unescape(escape(token)) == token
    assert not set(escape(token)) & set(" \n\r\t")


@pytest.mark.parametrize("line", ["\\", "a\\q", "\\x2", "\\\\\\"])
def test_a_damaged_line_is_refused(tmp_path, line):
    with pytest.raises(ValueError, match="backslash"):
        unescape(line)
    SpacedWordTokenizer(["", "[UNK]", "a"]).save(tmp_path)
    (tmp_path / "vocabulary.txt").write_text(f"\n[UNK]\n{line}\n")
    with pytest.raises(DataError, match="damaged"):
        load_tokenizer(tmp_path)


def test_it_travels_with_a_saved_model(tmp_path):
    class Echo(tf.Module):
        def __init__(self):
            super().__init__()
            self.tokenizer = TOKENIZER

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, texts):
            return self.tokenizer.decode(self.tokenizer.encode(texts))

    tf.saved_model.save(Echo(), str(tmp_path))
    assert strings(tf.saved_model.load(str(tmp_path))(tf.constant(TEXTS))) == TEXTS

"""Normalising and splitting against plain Python, and the contract of tokenizers."""
# ruff: noqa: RUF001

import re
import subprocess
import sys
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.text import SubwordTokenizer, WordTokenizer

LETTERS = ["", "[UNK]", *"abcdefghijklmnopqrstuvwxyz", *("##" + c for c in "abcdefghijklmnopqrstuvwxyz"), "film", "."]
TOKENIZERS = [WordTokenizer(LETTERS), SubwordTokenizer(LETTERS)]
HOSTILE = [
    b"",
    b" ",
    b"film",
    b"\xff\xfe\x80film\xc3",
    b"\xed\xa0\x80",
    "😀👩‍👩‍👧 ❤️".encode(),
    "这是一部好电影。".encode(),
    b"x" * 20_000,
    b"film " * 5_000,
    b"\0a\0b",
    "\u2028\u00a0\u200b".encode(),
    b"[UNK] [PAD] ##a",
]


def python_words(text: str, lowercase: bool = True) -> list[str]:
    """What the module says, written a second time without TensorFlow."""
    text = "".join(
        character
        for character in text
        if unicodedata.category(character) not in ("Cf", "Co") and not 0xFE00 <= ord(character) <= 0xFE0F
    )
    text = re.sub(r"(?i)</?(br|p|hr|i|b|u|em|strong|div|span)\s*/?>", " ", text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zs", "Zl", "Zp") else c for c in text)
    text = re.sub("[\u2019\u02bc\uff07]", "'", text)
    text = text.lower() if lowercase else text
    words, word = [], ""
    for position, character in enumerate(text):
        before = text[:position].rstrip("".join(c for c in text if unicodedata.category(c)[0] == "M"))
        inner = (
            character == "'"
            and unicodedata.category(before[-1:] or " ")[0] == "L"
            and unicodedata.category(text[position + 1 : position + 2] or " ")[0] == "L"
        )
        name = unicodedata.name(character, "")
        alone = unicodedata.category(character)[0] in "PS" or name.startswith(("CJK UNI", "HIRAGANA LE", "KATAKANA LE"))
        if character == " " or (alone and not inner):
            words += [word, character]
            word = ""
        else:
            word += character
    return [word for word in [*words, word] if word.strip(" ")]


def strings(ragged):
    return [[piece.decode() for piece in row] for row in ragged.to_list()]


PLAIN = WordTokenizer(["", "[UNK]"])
LINES = [
    "It's a rock'n'roll film -- isn't it? 'Yes,' she said.",
    "Line one.<br /><br/>Line two</p> a<b and c>d",
    "Größe ÉCOLE straße ΣΊΣΥΦΟΣ İstanbul ЁЛКА",
    "10/10, 3.5 stars; e-mail: a_b@c.de",
    "这部电影很好看！カメラは最高。 한국어 영화",
    "tabs\tand\u00a0no-break\u3000ideographic\u2028separators\u0085here",
    "soft\u00adhyphen zero\u200bwidth \ufeffmark ❤️ 👩‍👩‍👧 🏳️‍🌈",
    "don’t l’amour ‘quoted’ 'tis o'",
    "e\u0301tude na\u0308ive c\u0301'est",
    "\ue000private\ue000use",
    "हिन्दी फ़िल्म ภาพยนตร์ עברית العربية",
]


@pytest.mark.parametrize("line", LINES)
def test_words_are_those_of_plain_python(line):
    assert strings(PLAIN.words(tf.constant([line])))[0] == python_words(line)


ALPHABET = st.sampled_from([*"abzABZ019'’ .,-<>/\t\n\0", *"éßΣςиЖ电影好のカ한 \u00a0\u200b\u0301\ufe0f😀€“”", "<br />"])


@settings(max_examples=200, deadline=None)
@given(st.lists(ALPHABET, max_size=30).map("".join))
def test_words_of_random_texts(text):
    assert strings(PLAIN.words(tf.constant([text])))[0] == python_words(text)


def test_case_is_kept_if_wanted():
    assert strings(WordTokenizer(["", "[UNK]"], lowercase=False).words(tf.constant(["A Fine FILM"]))) == [
        ["A", "Fine", "FILM"]
    ]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
def test_any_bytes_can_be_encoded(tokenizer):
    batch = tf.constant(HOSTILE)
    ids, pieces = tokenizer.encode(batch), tokenizer.tokenize(batch)
    assert ids.dtype == tf.int32
    assert ids.shape[0] == len(HOSTILE)
    assert ids.row_lengths().numpy().tolist() == pieces.row_lengths().numpy().tolist()
    assert ids[0].shape == ids[1].shape == (0,)
    values = ids.flat_values.numpy()
    assert values.min() >= 1  # never padding
    assert values.max() < len(tokenizer.vocabulary)
    for row in pieces.flat_values.numpy():
        row.decode("utf-8")
    alone = [tokenizer.encode(tf.constant([text]))[0].numpy().tolist() for text in HOSTILE]
    assert alone == ids.to_list()


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
def test_special_tokens_cannot_be_typed(tokenizer):
    assert 0 not in tokenizer.encode(tf.constant(["[UNK]", "[PAD]", ""])).flat_values.numpy()
    assert strings(tokenizer.tokenize(tf.constant(["[UNK]"])))[0][0] == "["


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
def test_graph_equals_eager(tokenizer):
    for function in (tokenizer.encode, tokenizer.tokenize):
        graph = tf.function(function, input_signature=[tf.TensorSpec([None], tf.string)])
        for batch in (tf.constant(HOSTILE), tf.constant(HOSTILE[2:3]), tf.zeros([0], tf.string), tf.constant([""] * 3)):
            assert graph(batch).to_list() == function(batch).to_list()


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
def test_graphs_hold_core_operations_only(tokenizer):
    graph = tf.function(tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)])
    definition = graph.get_concrete_function().graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    assert not [node.op for node in nodes if "PyFunc" in node.op or ">" in node.op]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.kind)
def test_decoding_reads_like_the_text(tokenizer):
    vocabulary = [*tokenizer.vocabulary, "it's", "fine", "(", ")", ",", "!", "电", "影"]
    tokenizer = type(tokenizer)(vocabulary)
    texts = ["it's a fine film, a (fine) film!", "电影", ""]
    ids = tokenizer.encode(tf.constant(texts))
    assert [text.decode() for text in tokenizer.decode(ids).numpy()] == texts
    assert [text.decode() for text in tokenizer.decode(ids.to_tensor()).numpy()] == texts
    assert tokenizer.decode(tf.constant([[-1, 10**6, 0]])).numpy()[0] == b"[UNK] [UNK]"


def test_the_most_frequent_words_are_learnt():
    counts = {"the": 9, "film": 5, "b": 2, "a": 2, "once": 1, "c": 2}
    assert WordTokenizer.learn(counts, 6, 2, True).vocabulary == ["", "[UNK]", "the", "film", "a", "b"]
    assert WordTokenizer.learn(counts, 99, 3, True).vocabulary == ["", "[UNK]", "the", "film"]


def test_an_exported_tokenizer_needs_tensorflow_alone(tmp_path):
    class Server(tf.Module):
        def __init__(self):
            super().__init__()
            self.tokenizers = TOKENIZERS

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, text):
            ids = [tokenizer.encode(text).to_tensor() for tokenizer in self.tokenizers]
            pieces = [tokenizer.tokenize(text).to_tensor() for tokenizer in self.tokenizers]
            decoded = [tokenizer.decode(one) for tokenizer, one in zip(self.tokenizers, ids, strict=True)]
            return {"ids": ids[0], "subwords": ids[1], "pieces": pieces[1], "decoded": decoded[1]}

    server = Server()
    tf.saved_model.save(server, str(tmp_path), signatures={"serving_default": server.serve})
    texts = ["A fine film.", "", "电影 😀", "zzz'q"]
    code = (
        "import sys, tensorflow as tf\n"
        f"out = tf.saved_model.load({str(tmp_path)!r}).signatures['serving_default'](text=tf.constant({texts!r}))\n"
        "assert 'pipelines' not in sys.modules\n"
        "print({name: value.numpy().tolist() for name, value in sorted(out.items())})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    expected = {name: value.numpy().tolist() for name, value in sorted(server.serve(tf.constant(texts)).items())}
    assert done.stdout.strip() == str(expected)

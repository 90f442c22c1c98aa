"""Tokenizers as plain text: what is written is what is read, and damage is noticed."""

import json

import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text import SubwordTokenizer, WordTokenizer, load_tokenizer

TOKENS = ["", "[UNK]", "a", "##b", "é", "电", "\u0301", "don't", "😀"]
TEXTS = tf.constant(["a ab É 电 don't 😀 x", "", "A"])


@pytest.mark.parametrize("kind", [WordTokenizer, SubwordTokenizer])
@pytest.mark.parametrize("lowercase", [True, False])
def test_round_trip(tmp_path, kind, lowercase):
    saved = kind(TOKENS, lowercase)
    saved.save(tmp_path / "new" / "folder")
    loaded = load_tokenizer(tmp_path / "new" / "folder")
    assert type(loaded) is kind
    assert loaded.vocabulary == TOKENS
    assert loaded.lowercase is lowercase
    assert loaded.encode(TEXTS).to_list() == saved.encode(TEXTS).to_list()


def test_the_vocabulary_is_one_token_a_line(tmp_path):
    WordTokenizer(TOKENS).save(tmp_path)
    assert (tmp_path / "vocabulary.txt").read_bytes().decode("utf-8") == "".join(token + "\n" for token in TOKENS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokenizer.json", "vocabulary.txt"]


def damage_settings(folder, **changes):
    settings = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(settings | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "vocabulary.txt").unlink(), r"vocabulary\.txt cannot be read"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"tokenizer\.json cannot be read"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("[]"), "damaged"),
        (lambda folder: (folder / "vocabulary.txt").write_bytes(b"\n[UNK]\nother\n"), "is not the vocabulary"),
        (lambda folder: (folder / "vocabulary.txt").write_bytes(b"\xff\n"), "damaged"),
        (lambda folder: damage_settings(folder, kind="characters"), "damaged"),
        (lambda folder: damage_settings(folder, format=99), "another version"),
        (lambda folder: damage_settings(folder, stemming=True), "unknown settings"),
    ],
)
def test_damaged_files_are_refused(tmp_path, damage, message):
    WordTokenizer(TOKENS).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(DataError, match=message):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("tokens", [[], ["a", "b"], ["[UNK]", ""], ["", "[UNK]", "a", "a"]])
def test_what_is_no_vocabulary_is_refused(tokens):
    with pytest.raises(DataError, match="vocabulary"):
        WordTokenizer(tokens)


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"):
        WordTokenizer(TOKENS).save(tmp_path / "file")

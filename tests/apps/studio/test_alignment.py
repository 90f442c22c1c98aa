"""Tokens are found where they stand in the text."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.studio.alignment import align


def _found(text, tokens):
    spans = align(text, tokens)
    return None if spans is None else [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("A fine film.", ["a", "fine", "film", "."], ["A", "fine", "film", "."]),
        ("Don\u2019t<br /><br />go!", ["don't", "go", "!"], ["Don\u2019t", "go", "!"]),
        ("Go<br />on!", ["go", "<", "br", "/>", "on", "!"], ["Go", "<", "br", "/>", "on", "!"]),
        ("这部电影 好", list("这部电影好"), list("这部电影好")),
        ("ΣΊΣΥΦΟΣ 🙂", ["σίσυφος", "🙂"], ["ΣΊΣΥΦΟΣ", "🙂"]),
        ("so\u00adft ❤\ufe0f end", ["soft", "❤", "end"], ["so\u00adft", "❤", "end"]),
        ("unlikely", ["un", "##like", "##ly"], ["un", "like", "ly"]),
        ("say zzz now", ["say", "[UNK]", "now"], ["say", "zzz", "now"]),
        ("İstanbul", ["i\u0307stanbul"], ["İstanbul"]),
        ("", [], []),
        ("words", [], []),
    ],
)
def test_tokens_are_found(text, tokens, expected):
    assert _found(text, tokens) == expected


def test_a_cut_leaves_one_gap():
    text = "the one and two and three and four the five"
    words = text.split()
    assert _found(text, words[:3]) == words[:3]
    assert align(text, words[-3:])[0][0] == text.index("four the five")
    spans = align(text, words[:2] + words[-2:])
    assert spans[1][1] == len("the one")
    assert spans[2][0] == text.index("the five")


def test_rewritten_text_is_not_guessed():
    assert align("colour", ["color"]) is None
    assert align("a b c", ["a", "x", "c"]) is None
    assert align("a", ["a", "a"]) is None


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.integers(1, 6))
def test_words_of_the_pipeline_are_found_in_any_text(text, keep):
    """What the word tokenizer of the pipelines makes of a text lies in it in order, whole or cut."""
    from pipelines.text.normalize import normalize, split_words

    text = text.encode("utf-8", "replace").decode()
    rows = split_words(normalize(tf.constant([text.encode()]), lowercase=True)).to_list()
    tokens = [token.decode() for token in rows[0]]
    cut = tokens if len(tokens) <= 2 * keep else tokens[:keep] + tokens[-keep:]
    for sequence in (tokens, cut):
        spans = align(text, sequence)
        if spans is None:
            continue  # the tokenizer has rewritten the text, which the next test counts
        assert len(spans) == len(sequence)
        flat = [place for span in spans for place in span]
        assert flat == sorted(flat)


@pytest.mark.parametrize(
    "text",
    [
        "Well... it's <i>rock'n'roll</i>, isn't it?! 10/10 \u2014 “naïve” café; e\u0301te\u0301 \U0001f44d\U0001f3fd",
        "全体的に、とても良い映画だった。ひらがなとカタカナ (c) 2020",
        "ÀÉÎ ŠČ ß ẞ ﬁ Ⅳ ½ \u200bzero\u200dwidth\ttab\r\nline\u2028sep",
    ],
)
def test_pipeline_words_of_real_looking_texts_are_found(text):
    from pipelines.text.normalize import normalize, split_words

    rows = split_words(normalize(tf.constant([text.encode()]), lowercase=True)).to_list()
    spans = align(text, [token.decode() for token in rows[0]])
    assert spans is not None
    covered = set().union(*(range(*span) for span in spans))
    missed = [char for i, char in enumerate(text) if i not in covered and char.isalnum()]
    assert "".join(missed) in ("", "ii")  # the two tags <i> and </i>

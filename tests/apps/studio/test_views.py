"""What is drawn says what it should, escapes all text and can be read on every colour."""

import re
import tomllib
from pathlib import Path

import pytest

from apps.studio import metric_view, token_view, verdict_view
from apps.studio.comparison import changed_tokens
from apps.studio.explanation import Explanation
from apps.studio.frame import FOLDER

EVIL = "<img src=x onerror=alert(1)> & \"quoted\" 'text'"


def _explanation(**fields):
    values = {
        "label": "a",
        "probabilities": {"a": 0.7, "b": 0.3},
        "tokens": ["good", "but", "dull"],
        "saliency": [2.0, 0.0, -1.5],
    }
    return Explanation(**{**values, **fields})


def _weights(html):
    return {word: (side, int(weight)) for side, weight, word in re.findall(
        r'class="token (for|against)[^"]*" style="--weight: (\d+)"[^>]*>([^<]*)<', html)}  # fmt: skip


def test_colour_grows_with_saliency_and_shows_its_side():
    weights = _weights(token_view.reading("Good but DULL", _explanation()))
    assert weights == {
        "Good": ("for", token_view.STRONGEST),
        "but": ("for", 0),
        "DULL": ("against", weights["DULL"][1]),
    }
    assert 0 < weights["DULL"][1] < token_view.STRONGEST


def test_text_that_was_not_read_is_named():
    text = "good " + "x" * 100 + " dull"
    html = token_view.reading(text, _explanation(tokens=["good", "dull"], saliency=[1.0, -1.0]))
    assert "[100 characters not read]" in html
    assert "xxx" not in html


def test_tokens_are_shown_when_the_text_was_rewritten():
    html = token_view.reading("?", _explanation(tokens=["un", "##real", "now"], saliency=[1.0, 1.0, 1.0]))
    assert re.sub(r"<[^>]+>", "", html) == "unreal now"


def test_everything_is_escaped():
    explanation = _explanation(label=EVIL, probabilities={EVIL: 0.9, "b": 0.1}, tokens=[EVIL], saliency=[1.0])
    drawn = [
        token_view.reading(EVIL, explanation),
        token_view.reading("other", explanation, frozenset({0})),
        token_view.legend(EVIL, EVIL),
        token_view.strongest_words(explanation),
        verdict_view.verdict(explanation),
        verdict_view.change(explanation, explanation),
        metric_view.confusion_matrix([[1]], [EVIL]),
        metric_view.facts([(EVIL, EVIL)]),
    ]
    for html in drawn:
        assert "<img" not in html
        assert 'quoted"' not in html.replace("&quot;", "")


def test_verdict_of_many_classes_shows_the_most_probable():
    probabilities = {f"class {i}": 0.02 for i in range(25)} | {"class 7": 0.52}
    html = verdict_view.verdict(_explanation(label="class 7", probabilities=probabilities))
    assert html.count('class="bar-track"') == verdict_view.MOST_BARS
    assert html.index("class 7") < html.index("class 0")
    assert "and 17 more, 34.0 % together" in html


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "50.0 %"), (0.99999, "> 99.9 %"), (1.0, "100.0 %"), (1e-9, "< 0.1 %"), (0.0, "0.0 %")]
)
def test_percent_is_never_falsely_certain(value, text):
    assert verdict_view.percent(value) == text


def test_change_names_both_verdicts_and_the_difference():
    after = _explanation(label="b", probabilities={"a": 0.2, "b": 0.8})
    html = verdict_view.change(_explanation(), after)
    assert "from <b>a</b> to <b>b</b>" in html
    assert "70.0 % → 20.0 % <b>(\N{MINUS SIGN}50.0)</b>" in html
    assert "stays <b>b</b>" in verdict_view.change(after, after)


def test_changed_tokens():
    assert changed_tokens(["a", "b", "c"], ["a", "x", "y", "c"]) == ({1}, {1, 2})
    assert changed_tokens(["a"], ["a"]) == (frozenset(), frozenset())
    assert changed_tokens([], ["a"]) == (frozenset(), {0})
    long = ["the", "film"] * 300
    assert changed_tokens(long, [*long, "again"]) == (frozenset(), {600})


def test_strongest_words_sum_over_places_and_leave_punctuation_out():
    explanation = _explanation(tokens=["good", ".", "Good", "dull"], saliency=[1.0, 9.0, 1.0, -0.5])
    names = re.findall(r'class="name">([^<]+)<', token_view.strongest_words(explanation))
    assert names == ["good", "dull"]


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _rgb(code):
    return [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]


@pytest.mark.parametrize(("theme", "place"), [("light", 0), ("dark", 1)])
def test_words_can_be_read_on_every_colour(theme, place):
    """WCAG AA asks for a contrast of 4.5."""
    themes = tomllib.loads((FOLDER / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    style = Path(FOLDER / "style.css").read_text(encoding="utf-8")
    colours = {name: pair for name, *pair in re.findall(r"--studio-(\w+): light-dark\((#\w+), (#\w+)\)", style)}
    background, text = _rgb(themes[theme]["backgroundColor"]), _rgb(themes[theme]["textColor"])
    for side in ("for", "against"):
        colour = _rgb(colours[side][place])
        for weight in (0, token_view.STRONGEST):
            share = weight / 100
            mixed = [share * c + (1 - share) * b for c, b in zip(colour, background, strict=True)]
            assert _contrast(text, mixed) >= 4.5
    for name in ("muted", "accent"):
        for under in (background, _rgb(colours["soft"][place])):
            assert _contrast(_rgb(colours[name][place]), under) >= 4.5
    button = ("#ffffff", "#14161d")[place]
    assert _contrast(_rgb(button), _rgb(themes[theme]["primaryColor"])) >= 4.5

"""Charts of a translation: where it looked, and what the search tried."""

import unicodedata
from collections.abc import Sequence
from html import escape
from itertools import accumulate

import altair as alt
import pandas as pd

from apps.studio.translation import Beam, Translation

WEAKEST_LINK = 0.03
STEPS_SHOWN = 24
_GAP = 1.5  # letters between two words


def answer(translation: Translation) -> str:
    """The best translation, large, as HTML."""
    text = translation.texts[0] or "(nothing)"
    return f'<div class="studio verdict" role="status"><span class="translation" dir="auto">{escape(text)}</span></div>'


def others(translation: Translation) -> str:
    """The other translations with their scores, as HTML."""
    rows = "".join(
        f'<tr><td class="score">{score:.2f}</td><td dir="auto">{escape(text)}</td></tr>'
        for text, score in zip(translation.texts, translation.scores, strict=True)
    )
    return (
        '<div class="studio"><table class="n-best"><thead><tr><th>score</th><th>translation</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _links(translation: Translation) -> pd.DataFrame:
    """A row for each pair of a target and a source token."""
    weights, target = translation.alignments[0], translation.targets[0]
    return pd.DataFrame(
        [
            {
                "source": f"{token}",
                "source_place": column,
                "target": f"{word}",
                "target_place": row,
                "weight": float(weights[row, column]),
            }
            for row, word in enumerate(target)
            for column, token in enumerate(translation.source)
        ]
    )


def heat_map(translation: Translation) -> alt.Chart | None:
    """How much each token of the translation looked at each token of the text; None if it cannot look."""
    frame = _links(translation)
    if frame.empty or frame["weight"].max() <= 0:
        return None
    labels = {"source": translation.source, "target": translation.targets[0]}

    def axis(side: str, **options) -> alt.Axis:
        # Tokens can repeat: the axis is that of the places, labelled with the tokens.
        names = "[" + ", ".join(_quoted(token) for token in labels[side]) + "]"
        return alt.Axis(labelExpr=f"{names}[datum.value]", title=None, grid=False, labelLimit=140, **options)

    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("source_place:O", axis=axis("source", orient="top", labelAngle=-45)),
            y=alt.Y("target_place:O", axis=axis("target")),
            color=alt.Color("weight:Q", scale=alt.Scale(scheme="tealblues", domain=[0, 1]), legend=None),
            tooltip=["target:N", "source:N", alt.Tooltip("weight:Q", format=".1%")],
        )
        .properties(width=max(180, 34 * len(translation.source)), height=max(120, 28 * len(translation.targets[0])))
    )


def _quoted(token: str) -> str:
    """A token as text in a Vega expression."""
    return "'" + token.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


def _centres(tokens: Sequence[str]) -> list[float]:
    """Where the middle of each word stands, in letters, so that long words do not run into each other."""
    # Chinese characters and their like are as wide as two letters.
    widths = [max(2, sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in word)) for word in tokens]
    ends = list(accumulate(width + _GAP for width in widths))
    return [end - width / 2 for end, width in zip(ends, widths, strict=True)]


def links_chart(translation: Translation) -> alt.LayerChart | alt.FacetChart | None:
    """Both sentences with a line from each word to those it looked at; the word under the pointer shows its own."""
    frame = _links(translation)
    if frame.empty or frame["weight"].max() <= 0:
        return None
    sources_at, targets_at = _centres(translation.source), _centres(translation.targets[0])
    width = max(sources_at[-1], targets_at[-1])
    frame = frame.assign(
        source_x=[sources_at[place] for place in frame["source_place"]],
        target_x=[targets_at[place] for place in frame["target_place"]],
    )
    hover = alt.selection_point(fields=["target_place"], on="pointerover", clear="pointerout", empty=True)
    x_scale = alt.Scale(domain=[0, width + _GAP + 2])
    lines = (
        alt.Chart(frame[frame["weight"] > WEAKEST_LINK].assign(top=1.0, bottom=0.0))
        .mark_rule(strokeWidth=3, strokeCap="round", color="#1fb5a4")
        .encode(
            x=alt.X("source_x:Q", scale=x_scale, axis=None),
            x2="target_x:Q",
            y=alt.Y("top:Q", scale=alt.Scale(domain=[-0.25, 1.25]), axis=None),
            y2="bottom:Q",
            opacity=alt.condition(hover, alt.Opacity("weight:Q", scale=None), alt.value(0.03)),
            tooltip=["target:N", "source:N", alt.Tooltip("weight:Q", format=".1%")],
        )
    )
    words = pd.DataFrame(
        [
            {"word": word, "place": place, "x": x, "y": y}
            for tokens, centres, y in (
                (translation.source, sources_at, 1.12),
                (translation.targets[0], targets_at, -0.12),
            )
            for place, (word, x) in enumerate(zip(tokens, centres, strict=True))
        ]
    )
    sources = (
        alt.Chart(words[words["y"] > 1])
        .mark_text(fontSize=14, color=alt.ExprRef("'gray'"))
        .encode(x=alt.X("x:Q", scale=x_scale), y="y:Q", text="word:N")
    )
    targets = (
        alt.Chart(words[words["y"] < 0].rename(columns={"place": "target_place"}))
        .mark_text(fontSize=14, fontWeight=600, color="gray")
        .encode(
            x=alt.X("x:Q", scale=x_scale),
            y="y:Q",
            text="word:N",
            size=alt.condition(hover, alt.value(15), alt.value(13)),
        )
        .add_params(hover)
    )
    return alt.layer(lines, sources, targets).properties(height=200)


def beam_chart(beams: list[Beam]) -> alt.LayerChart | alt.FacetChart | None:
    """The search as a tree: each step a column, the best sequence on top, the way to the answer marked."""
    shown = [beam for beam in beams if beam.step < STEPS_SHOWN]
    if not shown:
        return None
    frame = pd.DataFrame(
        [
            {
                "step": beam.step,
                "place": beam.place,
                "before": beam.step - 1,
                "parent": beam.parent if beam.step else (max(b.place for b in shown)) / 2,
                "token": beam.token or "·",
                "score": beam.score,
                "way": "the answer" if beam.chosen else "tried",
            }
            for beam in shown
        ]
    )
    colour = alt.Color(
        "way:N",
        scale=alt.Scale(domain=["the answer", "tried"], range=["#1fb5a4", "#9aa0ad"]),
        legend=alt.Legend(title=None, orient="top"),
    )
    steps = int(frame["step"].max())
    x_scale = alt.Scale(domain=[-1.2, steps + 0.6], nice=False)
    lines = (
        alt.Chart(frame)
        .mark_rule()
        .encode(
            x=alt.X("before:Q", scale=x_scale, axis=None),
            x2="step:Q",
            y=alt.Y("parent:Q", axis=None, scale=alt.Scale(reverse=True)),
            y2="place:Q",
            color=colour,
            strokeWidth=alt.condition(alt.datum.way == "the answer", alt.value(2.5), alt.value(1)),
        )
    )
    points = (
        alt.Chart(frame)
        .mark_circle(size=46, opacity=1)
        .encode(
            x="step:Q",
            y="place:Q",
            color=colour,
            tooltip=["token:N", alt.Tooltip("score:Q", format=".2f"), alt.Tooltip("step:Q")],
        )
    )
    texts = (
        alt.Chart(frame).mark_text(dy=-11, fontSize=11).encode(x="step:Q", y="place:Q", text="token:N", color=colour)
    )
    places = int(frame["place"].max()) + 1
    return alt.layer(lines, points, texts).properties(width=max(400, 74 * (steps + 2)), height=max(110, 46 * places))

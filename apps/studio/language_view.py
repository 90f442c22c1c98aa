"""What a language model wrote, what surprises it, and what a unit does, as HTML and charts. All text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import altair as alt
import numpy as np
import pandas as pd

SURPRISE_LIMIT = 8.0
"""Nats at which the colour is full: one in 3,000."""


@dataclass(frozen=True)
class Reading:
    """A text as a language model reads it.

    Attributes:
        tokens: Its tokens.
        log_probabilities: Of each token after those before it, in nats.
        expected: The most probable token at each place.
    """

    tokens: list[str]
    log_probabilities: list[float]
    expected: list[str]


def visible(token: str) -> str:
    """A token for a label: white space as signs that can be seen."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥").replace("\x1c", "§") or "∅"


def written(prompt: str, text: str, busy: bool = False) -> str:
    """The prompt, muted, and what was written."""
    cursor = '<span class="cursor" aria-hidden="true"></span>' if busy else ""
    # A screen reader is told of the whole when it is there, not of each letter.
    live = "off" if busy else "polite"
    return (
        f'<div class="studio"><div class="reading written" dir="auto" aria-live="{live}">'
        f'<span class="muted">{escape(prompt)}</span>{escape(text)}{cursor}</div></div>'
    )


def candidates_chart(candidates: Sequence[tuple[str, float]]) -> alt.Chart:
    """The most probable next tokens as bars."""
    shown = [token for token in candidates if token[1] > 0][:12]
    frame = pd.DataFrame({"token": [visible(t) for t, _ in shown], "probability": [p for _, p in shown]})
    return (
        alt.Chart(frame)
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("probability:Q", axis=alt.Axis(format="%", title="probability"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("token:N", sort=None, title=None, axis=alt.Axis(labelOverlap=False)),
            tooltip=[alt.Tooltip("token:N"), alt.Tooltip("probability:Q", format=".2%")],
        )
        .properties(height=max(60, 24 * len(shown)))
    )


def surprise(reading: Reading) -> str:
    """The text coloured by surprise, with the mean in bits and the most surprising places."""
    scores = np.array(reading.log_probabilities)
    bits = -scores.mean() / np.log(2) if len(scores) else 0.0
    parts = []
    for token, score, expected in zip(reading.tokens, scores, reading.expected, strict=True):
        weight = round(60 * min(1.0, -score / SURPRISE_LIMIT))
        title = f"{np.exp(score):.2%}; expected {visible(expected)}"
        strong = " strong" if -score > SURPRISE_LIMIT / 2 else ""
        parts.append(_span(token, f"against{strong}", weight, title))
    return (
        f'<div class="studio"><div class="reading">{"".join(parts)}</div>'
        f'<div class="legend"><span>expected <i class="scale rising"></i> surprising</span>'
        f"<span>{bits:.2f} bits a token; hover over a token to see what was expected</span></div></div>"
    )


def activation(tokens: Sequence[str], values: np.ndarray) -> str:
    """The text coloured by the activation of a unit after each token."""
    largest = float(np.abs(values).max()) or 1.0
    parts = []
    for token, value in zip(tokens, values, strict=True):
        side = "for" if value >= 0 else "against"
        weight = round(60 * abs(float(value)) / largest)
        parts.append(
            f'<span class="token {side}" style="--weight: {weight}" title="{value:+.2f}">{_shown(token)}</span>'
        )
    return (
        f'<div class="studio"><div class="reading">{"".join(parts)}</div>'
        f'<div class="legend"><span>{-largest:.2f} <i class="scale"></i> {largest:+.2f}</span></div></div>'
    )


def _span(token: str, kind: str, weight: int, title: str) -> str:
    """A token with its colour."""
    return f'<span class="token {kind}" style="--weight: {weight}" title="{escape(title)}">{_shown(token)}</span>'


def _shown(token: str) -> str:
    """A token inside a text; a line break is shown, since its colour could not be seen."""
    return "⏎\n" if token == "\n" else escape(token)

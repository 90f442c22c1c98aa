"""What is seen inside a cell, as coloured text and charts. All text is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

import altair as alt
import numpy as np
import pandas as pd

from apps.studio.language_view import visible

FULL = 62
"""The share in percent of the colour behind a character whose gate is wide open: the text on it stays readable."""

SMALLEST = 1e-10
"""Smaller shares of the gradient are not drawn: nothing can be learnt from them."""

LABELLED = 90
"""Characters that still have room for their labels beside the map."""

POWERS = "['1', '10⁻²', '10⁻⁴', '10⁻⁶', '10⁻⁸', '10⁻¹⁰'][round(-log(datum.value) / log(10) / 2)]"
COLOURS = ("#d9480f", "#e8890c", "#4c6ef5", "#0f9d8f", "#c2409c", "#7a8596")
DASHES = ([1, 0], [6, 3], [1, 0], [1, 0], [6, 3], [2, 2])


def coloured(characters: Sequence[str], values: np.ndarray, signed: bool, ends: tuple[str, str] | None = None) -> str:
    """The text, each character coloured by its number; what is not signed is from 0 to 1.

    Args:
        characters: The text.
        values: One number a character.
        signed: Whether the numbers have two sides.
        ends: What the ends of the scale are called; the numbers if left out.
    """
    largest = max(float(np.abs(values).max(initial=0.0)), 1e-6) if signed else 1.0
    parts = []
    for character, value in zip(characters, values.tolist(), strict=True):
        side = "for" if value >= 0 else "against"
        weight = round(FULL * min(1.0, abs(value) / largest))
        shown = "⏎\n" if character == "\n" else escape(character)
        parts.append(f'<span class="token {side}" style="--weight: {weight}" title="{value:.2f}">{shown}</span>')
    low, high = ends or ((f"{-largest:.2f}", f"+{largest:.2f}") if signed else ("0", "1"))
    scale = "scale" if signed else "scale opening"
    legend = f'<span>{escape(low)} <i class="{scale}"></i> {escape(high)}</span>'
    return (
        f'<div class="studio"><div class="reading letters" dir="auto">{"".join(parts)}</div>'
        f'<div class="legend">{legend}<span>{escape(in_words(characters, values))}</span></div></div>'
    )


def in_words(characters: Sequence[str], values: np.ndarray) -> str:
    """Where the numbers are lowest and highest, for those who do not see colours."""
    if not len(values):
        return ""
    low, high = int(np.argmin(values)), int(np.argmax(values))
    return (
        f"lowest {values[low]:.2f} at “{visible(characters[low])}”, "
        f"highest {values[high]:.2f} at “{visible(characters[high])}”"
    )


def every_unit(characters: Sequence[str], values: np.ndarray, signed: bool) -> alt.Chart:
    """A map of all units [characters, units]: a column a character, a row a unit."""
    time, units = values.shape
    frame = pd.DataFrame(
        {
            "place": np.repeat(np.arange(time), units),
            "unit": np.tile(np.arange(units), time),
            "character": np.repeat([visible(character) for character in characters], units),
            "value": values.ravel().round(3),
        }
    )
    names = "[" + ", ".join(_quoted(visible(character)) for character in characters) + "]"
    axis = alt.Axis(labelExpr=f"{names}[datum.value]", labelAngle=0, title=None, ticks=False, labelOverlap=False)
    largest = float(np.abs(values).max(initial=1e-6))
    scale = (
        alt.Scale(scheme="blueorange", domain=[largest, -largest])
        if signed
        else alt.Scale(scheme="tealblues", domain=[0, 1])
    )
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("place:O", axis=axis if time <= LABELLED else None),
            y=alt.Y("unit:O", axis=alt.Axis(values=[0, units // 2, units - 1], title="unit")),
            color=alt.Color("value:Q", scale=scale, legend=alt.Legend(title=None, gradientLength=110)),
            tooltip=["character:N", "unit:O", alt.Tooltip("value:Q", format=".2f")],
        )
        .properties(height=10 * units + (24 if time <= LABELLED else 4))
    )


def _quoted(text: str) -> str:
    """A text in a Vega expression."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def relative(gradients: np.ndarray) -> np.ndarray:
    """Gradients [cells, length] as shares of that at the last character."""
    return gradients / np.maximum(gradients[:, :1], np.finfo(np.float32).tiny)


def reach(shares: np.ndarray, least: float = 0.01) -> int | None:
    """How many characters back at least this share of the gradient arrives; None if it does to the very beginning."""
    below = np.flatnonzero(shares < least)
    return int(below[0]) - 1 if len(below) else None


def gradient_chart(titles: Sequence[str], gradients: np.ndarray, shown: Sequence[str]) -> alt.Chart:
    """The share of the gradient that arrives, by distance, a line a cell on a logarithmic axis.

    Args:
        titles: The cells.
        gradients: [cells, length].
        shown: The cells that stand out.
    """
    shares = relative(gradients)
    frame = pd.DataFrame(
        [
            {"cell": title, "distance": distance, "share": float(share)}
            for title, line in zip(titles, shares, strict=True)
            for distance, share in enumerate(line)
            if share >= SMALLEST
        ]
    )
    colours, dashes = ([found[i % len(found)] for i in range(len(titles))] for found in (COLOURS, DASHES))
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=3, columns=3)
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=2.5, clip=True)
        .encode(
            x=alt.X(
                "distance:Q", title="characters back", scale=alt.Scale(domain=[0, shares.shape[1] - 1], nice=False)
            ),
            y=alt.Y(
                "share:Q",
                title="share of the gradient",
                scale=alt.Scale(type="log", domain=[SMALLEST, 3], nice=False),
                axis=alt.Axis(values=[10.0**-power for power in range(0, 11, 2)], labelExpr=POWERS),
            ),
            color=alt.Color("cell:N", scale=alt.Scale(domain=list(titles), range=colours), legend=legend),
            strokeDash=alt.StrokeDash("cell:N", scale=alt.Scale(domain=list(titles), range=dashes), legend=legend),
            opacity=alt.condition(alt.FieldOneOfPredicate("cell", list(shown)), alt.value(1.0), alt.value(0.45)),
            tooltip=["cell:N", "distance:Q", alt.Tooltip("share:Q", format=".1e")],
        )
        .properties(height=320)
    )


def reaches(titles: Sequence[str], gradients: Mapping[str, np.ndarray]) -> str:
    """How far back a hundredth of the gradient arrives, before and after training, as an HTML table."""
    columns = [[reach(line) for line in relative(gradients[moment])] for moment in ("untrained", "trained")]
    length = gradients["trained"].shape[1]
    rows = []
    for title, *found in zip(titles, *columns, strict=True):
        cells = "".join(f"<td>{f'all {length}' if far is None else far}</td>" for far in found)
        rows.append(f'<tr><th scope="row">{escape(title)}</th>{cells}</tr>')
    return (
        '<div class="studio runs-frame"><table class="runs narrow"><thead><tr><th scope="col">cell</th>'
        '<th scope="col">before training</th><th scope="col">after training</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )

"""A verdict, and how it moves between two texts, as HTML. All text is escaped."""

from collections.abc import Mapping
from html import escape

from apps.studio.explanation import Explanation

MOST_BARS = 8


def percent(value: float) -> str:
    """A probability in percent, never a false 100 or 0."""
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{100 * value:.1f} %"


def verdict(explanation: Explanation) -> str:
    """The label, how sure the model is, and a bar for each class; the most probable ones of many."""
    ranked = sorted(explanation.probabilities.items(), key=lambda item: -item[1])
    bars = "".join(_bar(name, value, name == explanation.label) for name, value in ranked[:MOST_BARS])
    rest = len(ranked) - MOST_BARS
    more = f'<p class="muted">and {rest} more, {percent(sum(v for _, v in ranked[MOST_BARS:]))} together</p>'
    return (
        '<div class="studio verdict" role="status"><div class="verdict-head">'
        f'<span class="verdict-label">{escape(explanation.label)}</span>'
        f'<span class="verdict-confidence">{percent(explanation.confidence)} sure</span></div>'
        f'<div class="bars">{bars}</div>{more if rest > 0 else ""}</div>'
    )


def _bar(name: str, value: float, winner: bool) -> str:
    """The bar of one class."""
    kind = " winner" if winner else ""
    return (
        f'<span class="bar-name{kind}" title="{escape(name)}">{escape(name)}</span>'
        f'<span class="bar-track"><span class="bar-fill{kind}" style="width: {100 * value:.2f}%"></span></span>'
        f'<span class="bar-value{kind}">{percent(value)}</span>'
    )


def change(before: Explanation, after: Explanation) -> str:
    """What an edit did: whether the verdict turned, and the move of each class's probability."""
    if before.label == after.label:
        line = f"The verdict stays <b>{escape(after.label)}</b>."
    else:
        line = f"The verdict turns from <b>{escape(before.label)}</b> to <b>{escape(after.label)}</b>."
    moves = _largest_moves(before.probabilities, after.probabilities)
    rows = "".join(_move(name, before.probabilities[name], after.probabilities[name]) for name in moves)
    head = f'<div class="studio change" role="status"><p class="change-line">{line}</p>'
    return f'{head}<div class="moves">{rows}</div></div>'


def _largest_moves(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """The classes whose probability changed most, at most as many as there are bars, in the model's order."""
    largest = sorted(before, key=lambda name: -abs(after[name] - before[name]))[:MOST_BARS]
    return [name for name in before if name in largest]


def _move(name: str, before: float, after: float) -> str:
    """One class: a hollow dot before, a filled dot after, and the path between."""
    low, high = sorted((before, after))
    difference = f"{100 * (after - before):+.1f}".replace("-", "\N{MINUS SIGN}")
    return (
        f'<div class="move"><span class="bar-name" title="{escape(name)}">{escape(name)}</span>'
        '<span class="move-track">'
        f'<i class="move-path" style="left: {100 * low:.2f}%; width: {100 * (high - low):.2f}%"></i>'
        f'<i class="move-dot" style="left: {100 * before:.2f}%"></i>'
        f'<i class="move-dot after" style="left: {100 * after:.2f}%"></i></span>'
        f'<span class="move-value">{percent(before)} → {percent(after)} <b>({difference})</b></span></div>'
    )

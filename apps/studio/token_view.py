"""Tokens coloured by how much they speak for a label, as HTML. All text is escaped."""

from collections.abc import Sequence
from html import escape

from apps.studio.alignment import CONTINUATION, align
from apps.studio.explanation import Explanation

STRONGEST = 42
"""The share in percent of the colour in the background of the strongest token: the text on it stays readable."""

FAINT = 0.06
"""Tokens below this share stay uncoloured."""

STRONG = 0.5
"""Tokens of at least this share of the strongest one are underlined too, for those who do not see the colours."""


def reading(text: str, explanation: Explanation, marked: frozenset[int] = frozenset(), mark: str = "ins") -> str:
    """The text with each token coloured; parts the model did not read are replaced by a note.

    Args:
        text: The text as it was typed.
        explanation: The model's answer to it.
        marked: The tokens to be marked as changed, by position.
        mark: The element that marks them, `ins` or `del`.
    """
    tokens, saliency = explanation.tokens or [], explanation.saliency
    largest = max((abs(value) for value in saliency), default=0.0)
    spans = align(text, tokens)
    parts: list[str] = []
    position = 0
    for i, (token, value) in enumerate(zip(tokens, saliency, strict=True)):
        element = mark if i in marked else "span"
        if spans is None:
            glued = token.startswith(CONTINUATION) and len(token) > len(CONTINUATION)
            parts.append("" if glued or not parts else " ")
            parts.append(_token(token[len(CONTINUATION) :] if glued else token, value, largest, element))
        else:
            start, end = spans[i]
            parts.append(_between(text[position:start]))
            parts.append(_token(text[start:end], value, largest, element))
            position = end
    if spans is not None:
        parts.append(_between(text[position:]))
    return f'<div class="reading" dir="auto">{"".join(parts)}</div>'


def _between(text: str) -> str:
    """What stands between two tokens: spaces as they are, unread text as a note."""
    if len(text.strip()) < 40:
        return escape(text)
    return f' <span class="unread">[{len(text.strip()):,} characters not read]</span> '


def _token(shown: str, value: float, largest: float, element: str) -> str:
    """One coloured token."""
    share = abs(value) / largest if largest else 0.0
    side = "for" if value >= 0 else "against"
    strong = " strong" if share >= STRONG else ""
    # A root lifts the middle: most tokens are weak beside the strongest, and would all look white.
    weight = round(STRONGEST * share**0.75) if share >= FAINT else 0
    title = f' title="{value:+.3f}"'
    return f'<{element} class="token {side}{strong}" style="--weight: {weight}"{title}>{escape(shown)}</{element}>'


def legend(label: str, *notes: str) -> str:
    """What the colours mean, and notes on what else there is to see."""
    name = escape(label)
    rest = "".join(f"<span>{escape(note)}</span>" for note in notes)
    return f'<div class="legend"><span>against “{name}” <i class="scale"></i> for “{name}”</span>{rest}</div>'


def strongest_words(explanation: Explanation, count: int = 5) -> str:
    """The words with the largest summed saliency on either side, as two small bar charts."""
    sums: dict[str, float] = {}
    for word, value in zip(_words(explanation.tokens or []), explanation.saliency, strict=True):
        sums[word] = sums.get(word, 0.0) + value
    ranked = sorted(((word, value) for word, value in sums.items() if any(map(str.isalnum, word))), key=lambda x: -x[1])
    largest = max((abs(value) for _, value in ranked), default=0.0)
    supporting = [(word, value) for word, value in ranked[:count] if value > 0]
    opposing = [(word, value) for word, value in ranked[::-1][:count] if value < 0]
    columns = [
        _word_column(f"Strongest for “{explanation.label}”", "for", supporting, largest),
        _word_column("Strongest against", "against", opposing, largest),
    ]
    return f'<div class="words">{"".join(columns)}</div>'


def _words(tokens: Sequence[str]) -> list[str]:
    """For each token the word it shows as: continuations keep their mark."""
    return [token.lower() for token in tokens]


def _word_column(title: str, side: str, words: Sequence[tuple[str, float]], largest: float) -> str:
    """One side of the chart."""
    rows = "".join(
        f'<div class="word-row" title="{value:+.3f}"><span class="name">{escape(word)}</span>'
        f'<span class="bar {side}" style="width: {max(2, round(100 * abs(value) / largest))}%"></span></div>'
        for word, value in words
    )
    return f"<div><h4>{escape(title)}</h4>{rows or '<span class=muted>none</span>'}</div>"

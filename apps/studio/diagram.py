"""The picture on the home page: a recurrent network reading a sentence, one word at a time."""

from collections.abc import Sequence
from html import escape


def unrolled(words: Sequence[str], answer: str) -> str:
    """A chain of cells over words; the state grows fuller along the way and ends in the answer."""
    steps = "".join(
        f'<span class="step"><i class="cell" style="--full: {round(8 + 72 * (i + 1) / len(words))}%"></i>'
        f'<i class="up"></i><span class="word">{escape(word)}</span></span>'
        for i, word in enumerate(words)
    )
    label = escape(f"A recurrent network reads “{' '.join(words)}” and says “{answer}”.")
    return f'<div class="unrolled" role="img" aria-label="{label}">{steps}<b class="answer">{escape(answer)}</b></div>'

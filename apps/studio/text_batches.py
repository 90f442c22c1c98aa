"""Many texts through a model, a few at a time, with a progress bar."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import streamlit as st

Answer = TypeVar("Answer")
BATCH = 16


def answers(
    texts: Sequence[str], ask: Callable[[list[str]], Iterable[Answer]], of_empty: Answer, label: str
) -> list[Answer]:
    """The answer to each text.

    Args:
        texts: The texts.
        ask: Answers some of them.
        of_empty: The answer to an empty text, which is not asked about.
        label: What the bar says at the start.
    """
    bar = st.progress(0.0, text=label)
    # Texts of like length share a batch, so that little is padding.
    order = sorted((row for row, text in enumerate(texts) if text), key=lambda row: len(texts[row]))
    found = [of_empty] * len(texts)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        for row, answer in zip(rows, ask([texts[row] for row in rows]), strict=True):
            found[row] = answer
        done = start + len(rows)
        bar.progress(done / len(order), text=f"{done:,} of {len(order):,} texts")
    bar.empty()
    return found

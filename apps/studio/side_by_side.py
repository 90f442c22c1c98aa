"""Two texts that are written side by side while a person looks on."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import streamlit as st

from apps.studio import language_view


def show(key: str, job: Any, prompt: str, start: bool, writers: Sequence[Callable[[], Iterator[str]]]) -> None:
    """Draw two texts after a prompt, a piece of each in turn; what was written stays until the job is another.

    Args:
        key: Where the session keeps the texts.
        job: What decides the texts.
        prompt: The text before both.
        start: Whether to write now.
        writers: What begins to write each text.
    """
    places = []
    for column in st.columns(len(writers), gap="medium"):
        with column:
            places.append(st.empty())
    if start:
        texts = [""] * len(writers)
        under_way = {side: begin() for side, begin in enumerate(writers)}
        while under_way:
            for side, writer in list(under_way.items()):
                piece = next(writer, None)
                if piece is None:
                    del under_way[side]
                    continue
                texts[side] += piece
                places[side].html(language_view.written(prompt, texts[side], busy=True))
            # A click on Stop ends the run of the script; what is there by then is kept.
            st.session_state[key] = (job, list(texts))
    done, texts = st.session_state.get(key, (None, []))
    if done != job:
        st.caption("Press Write both: the two texts grow side by side.")
        return
    for place, text in zip(places, texts, strict=True):
        place.html(language_view.written(prompt, text))

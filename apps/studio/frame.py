"""What is around every page: title, style, navigation."""

from importlib.util import find_spec
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
# Not "pages": Streamlit would run the scripts of such a folder without app.py where one of them is asked for first.
HOME, SENTIMENT, MODEL = "scripts/home.py", "scripts/sentiment.py", "scripts/model.py"
TEXT_GENERATION, TRANSLATION = "scripts/text_generation.py", "scripts/translation.py"
COMPARE, RUNS, CELLS = "scripts/compare.py", "scripts/runs.py", "scripts/cells.py"
TUNING = "scripts/tuning.py"

OF_TASK = {
    "sentiment": (SENTIMENT, "sentiment_model"),
    "text_generation": (TEXT_GENERATION, "text_generation_model"),
    "translation": (TRANSLATION, "translation_model"),
    "cells": (CELLS, "cells_model"),
}
"""The page of each task, and the widget on it that chooses the model."""

PREDICTED = ("sentiment", "text_generation", "translation")
"""The tasks of `keras-seq predict`."""

KEPT = (
    *("text", "edited", "mode", "sentiment_model", "model"),
    *("text_generation_model", "generation_mode", "prompt", "read_text", "unit"),
    *(
        "translation_model",
        "translation_mode",
        "translation_second",
        "sentence",
        "beam_width",
        "length_penalty",
        "n_best",
    ),
    *("cells_model", "cells_text", "cells_shown", "cells_question", "cells_view", "cells_length"),
    *("compare_task", "compare_first", "compare_second", "compare_mode"),
    *(f"compare_text_{task}" for task in OF_TASK),
    *("search", "search_view"),
    *("run", "runs_view", "preset", "leaderboard_task", "leaderboard_figure", "settings_first", "settings_second"),
    *(f"{name}_{side}" for side in "ab" for name in ("temperature", "top_k", "top_p", "tokens", "seed")),
)
"""The widgets whose values outlive a visit to another page."""


def prepare() -> None:
    """Sets title and style, and keeps what was typed on another page."""
    # A file and not a `:material/` icon, which the browser would fetch from the network.
    st.set_page_config(page_title="keras-seq studio", page_icon=str(FOLDER / "icon.svg"), layout="wide")
    st.logo(str(FOLDER / "logo.svg"), icon_image=str(FOLDER / "icon.svg"), size="large")
    st.html(FOLDER / "style.css")
    kept = st.session_state.setdefault("kept", {})
    for key in KEPT:
        # Streamlit forgets the value of a widget that is not shown. One that is shown is not set: the browser would put
        # the value into its box again, over what is being typed there.
        if key in st.session_state:
            kept[key] = st.session_state[key]
        elif key in kept:
            st.session_state[key] = kept[key]


def is_here(page: str) -> bool:
    """Whether there is a page of this script: an image of the studio alone has no searches, nor what draws them."""
    return page != TUNING or find_spec("apps.tuning") is not None


def pages() -> list:
    """The pages, in the order of the navigation."""
    return [
        st.Page(HOME, title="Home", icon=":material/home:", default=True),
        st.Page(SENTIMENT, title="Sentiment", icon=":material/sentiment_satisfied:"),
        st.Page(TEXT_GENERATION, title="Text generation", icon=":material/edit_note:"),
        st.Page(TRANSLATION, title="Translation", icon=":material/translate:"),
        st.Page(CELLS, title="Cells", icon=":material/memory:"),
        st.Page(COMPARE, title="Compare", icon=":material/compare_arrows:"),
        st.Page(RUNS, title="Runs", icon=":material/monitoring:"),
        *([st.Page(TUNING, title="Tuning", icon=":material/tune:")] if is_here(TUNING) else []),
        st.Page(MODEL, title="Models", icon=":material/inventory_2:"),
    ]

"""The sliders of sampling."""

from typing import Any

import streamlit as st

DEFAULTS = {
    "a": {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "tokens": 300, "seed": 1},
    "b": {"temperature": 1.2, "top_k": 0, "top_p": 1.0, "tokens": 300, "seed": 1},
}


def show(side: str, expanded: bool = False) -> dict[str, Any]:
    """Draws the sliders of one side, `a` or `b`, and returns the settings for `apps.serving.writing.write`."""
    for name, value in DEFAULTS[side].items():
        st.session_state.setdefault(f"{name}_{side}", value)
    columns = st.columns([1] if expanded else [3, 2, 2], gap="medium")
    with columns[0]:
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            step=0.05,
            key=f"temperature_{side}",
            help="0 always takes the most probable token.",
        )
    with columns[-1] if expanded else columns[1]:
        top_k = st.slider(
            "Top k", 0, 100, key=f"top_k_{side}", help="Draw from so many of the most probable tokens; 0: from all."
        )
    with columns[-1] if expanded else columns[2]:
        top_p = st.slider(
            "Top p",
            0.05,
            1.0,
            step=0.05,
            key=f"top_p_{side}",
            help="Draw from the most probable tokens that have this probability together.",
        )
    with st.container(horizontal=True):
        tokens = st.number_input("Tokens", 1, 2000, key=f"tokens_{side}", width=160)
        seed = st.number_input("Seed", 0, 2**31 - 1, key=f"seed_{side}", width=160)
    return {
        "temperature": float(temperature),
        "top_k": int(top_k),
        "top_p": float(top_p),
        "max_tokens": int(tokens),
        "seed": int(seed),
    }

"""One hidden unit of a language model over a text: what it remembers, if people can tell."""

import numpy as np
import streamlit as st

from apps.serving.served import ServedModel
from apps.studio import catalog, language_view
from apps.studio.settings import MAX_LANGUAGE_CHARACTERS

SUGGESTED = 8


def show(model: ServedModel) -> None:
    """Draws the panel."""
    text = st.text_area("Any text", key="read_text", height=160)
    if not text.strip():
        st.info("Write or paste a text first.", icon=":material/edit:")
        return
    if len(text) > MAX_LANGUAGE_CHARACTERS:
        st.warning(
            f"This text has {len(text):,} characters; at most {MAX_LANGUAGE_CHARACTERS:,} are read. Shorten it.",
            icon=":material/content_cut:",
        )
        return
    found = catalog.activations(model, text)
    if found is None:
        return
    tokens, values = found
    suggested = persistent_units(values)
    st.session_state.setdefault("unit", int(suggested[0]))
    st.session_state["unit"] = min(st.session_state["unit"], values.shape[1] - 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input("Unit", 0, values.shape[1] - 1, key="unit", width=140)
        for unit in suggested:
            st.button(str(unit), key=f"unit-{unit}", on_click=_choose, args=(int(unit),))
    st.caption("On the buttons: the units that hold their value longest in this text. Some count, some know a name.")
    st.html(language_view.activation(tokens, values[:, st.session_state["unit"]]))


def _choose(unit: int) -> None:
    st.session_state["unit"] = unit


def persistent_units(values: np.ndarray, count: int = SUGGESTED) -> np.ndarray:
    """The units whose activation changes slowly for how much it moves at all.

    Args:
        values: [tokens, units].
        count: How many.
    """
    if len(values) < 3:
        return np.arange(min(count, values.shape[1]))
    change = np.abs(np.diff(values, axis=0)).mean(0)
    spread = values.std(0)
    steadiness = spread / (change + 1e-6) * (spread > 0.2 * spread.max())
    return np.argsort(-steadiness, kind="stable")[:count]

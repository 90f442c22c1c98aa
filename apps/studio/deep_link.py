"""Links to what a page shows: task, model and text stand in its address."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

LONGEST = 1_000
"""Longer texts do not fit into an address."""

_KNOWN, _WRITTEN = "address", "addresses"
_REMEMBERED = 20


def read(widgets: Mapping[str, str]) -> None:
    """Gives widgets the values in the page's address, if a reader has come by a link.

    Args:
        widgets: The key of the widget of each name in the address.
    """
    found = {name: st.query_params[name] for name in widgets if name in st.query_params}
    if not found or found == st.session_state.get(_KNOWN):  # what the page itself has written
        return
    # A button that is pressed before the browser has the new address brings an old one along, which is no link.
    if found in st.session_state.get(_WRITTEN, []) and not _goes_back():
        return
    st.session_state[_KNOWN] = found
    for name, value in found.items():
        st.session_state[widgets[name]] = value


def _goes_back() -> bool:
    """Whether this run comes from the browser's Back or Forward; where Streamlit does not say, it may."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", True))


def write(values: Mapping[str, str]) -> None:
    """Puts what is shown into the page's address; an empty or over-long value is left out."""
    wanted = {name: value for name, value in values.items() if value and len(value) <= LONGEST}
    address = st.query_params.to_dict()
    changed = {name: value for name, value in address.items() if name not in values} | wanted
    if changed != address:  # all at once: each change is a step for the browser's Back
        st.query_params.from_dict(changed)
    if wanted != st.session_state.get(_KNOWN):
        st.session_state[_WRITTEN] = [*st.session_state.get(_WRITTEN, []), wanted][-_REMEMBERED:]
    st.session_state[_KNOWN] = wanted

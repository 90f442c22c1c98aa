"""Words of others inside Markdown: they are shown as they are, and format nothing."""

import re
from typing import Any

import streamlit as st

_SIGNS = re.compile(r"([\\`*_{}\[\]#!|~$:<>&])")
_AT_START = re.compile(r"^(\s*\d*)([-+.=])")


def plain(text: object) -> str:
    """A text on one line, with no sign of it taken for formatting, a link, a picture or a colour."""
    line = " ".join(str(text).split())
    # A dash, a plus or a number with a point would begin a list; "=" underlines a heading.
    return _AT_START.sub(r"\1\\\2", _SIGNS.sub(r"\\\1", line))


def without_pictures(markdown: str) -> str:
    """Markdown whose pictures are links: a page fetches nothing from elsewhere unless its reader wants it."""
    return markdown.replace("![", "! [")


def show_error(error: Any, icon: str = ":material/error:") -> None:
    """One line that says what is wrong."""
    st.error(plain(error), icon=icon)

"""What was made once stays while a page is drawn again and again, until what it was made from is another."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from apps.errors import UserError
from apps.studio.plain import show_error

Made = TypeVar("Made")


def result(key: str, job: Any, start: bool, make: Callable[[], Made]) -> Made | None:
    """What was made of a job; None while nothing was, or after saying why it could not be.

    Args:
        key: Where the session keeps it.
        job: What decides the result.
        start: Whether to make it now.
        make: Makes it.
    """
    if start:
        try:
            st.session_state[key] = (job, make())
        except UserError as error:
            show_error(error)
            return None
    done, made = st.session_state.get(key, (None, None))
    return made if done == job else None

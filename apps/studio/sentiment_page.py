"""The sentiment page: one text, two versions of it, or a whole file."""

import streamlit as st

from apps.serving.served import ServedModel
from apps.studio import catalog, csv_panel, deep_link, token_view, verdict_view
from apps.studio.comparison import changed_tokens
from apps.studio.examples import EXAMPLES, Example
from apps.studio.explanation import Explanation
from apps.studio.settings import MAX_CHARACTERS

LEAD = """
<div class="studio"><p class="lead">Paste a text: the model says which class it belongs to, how sure it is,
and which words made it say so.</p></div>
"""
NOTE = "underlined: the strongest words, dashed where they speak against"
NO_EXPLANATION = "This model has no `explain` signature, so there are no coloured words."
ONE, TWO, FILE = "One text", "Two versions", "A CSV file"


def show() -> None:
    """Draws the page."""
    st.title("Sentiment", anchor=False)
    st.html(LEAD)
    entries = catalog.models("sentiment")
    if not entries:
        catalog.show_missing("sentiment")
        return
    _set_defaults()
    deep_link.read({"model": "sentiment_model", "text": "text"})
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        mode = st.segmented_control("What to read", [ONE, TWO, FILE], key="mode") or ONE
    with right:
        entry = catalog.choose(entries, "sentiment_model")
    model = catalog.load(entry)
    if model is None:
        return
    deep_link.write({"model": entry.key, "text": st.session_state["text"] if mode == ONE else ""})
    if mode == ONE:
        _show_one(model)
    elif mode == TWO:
        _show_two(model)
    else:
        csv_panel.show(model)


def _set_defaults() -> None:
    """Starts with an example, so that there is something to see."""
    st.session_state.setdefault("mode", ONE)
    st.session_state.setdefault("text", EXAMPLES[0].text)
    st.session_state.setdefault("edited", EXAMPLES[0].edited)


def _use(example: Example) -> None:
    """Puts an example into both text boxes."""
    st.session_state["text"] = example.text
    st.session_state["edited"] = example.edited


def _copy_to_edited() -> None:
    """Starts the second version from the first."""
    st.session_state["edited"] = st.session_state["text"]


def _show_examples() -> None:
    """The examples to click."""
    with st.container(horizontal=True, gap="small"):
        for i, example in enumerate(EXAMPLES):
            st.button(example.title, key=f"example-{i}", on_click=_use, args=(example,), type="secondary")


def _show_one(model: ServedModel) -> None:
    """One text: verdict, coloured words, strongest words."""
    _show_examples()
    text = st.text_area("Your text", key="text", height=150, placeholder="Paste a review …")
    st.button("Read it", type="primary", icon=":material/auto_stories:")
    explanation = _read(model, text)
    if explanation is None:
        return
    st.html(verdict_view.verdict(explanation))
    if explanation.tokens is None:
        st.caption(NO_EXPLANATION)
        return
    if not explanation.tokens:
        st.info("The model finds no words in this text; the verdict is what it says about nothing.")
        return
    st.subheader("What it looked at", anchor=False)
    parts = (
        token_view.reading(text, explanation),
        token_view.legend(explanation.label, NOTE),
        token_view.strongest_words(explanation),
    )
    st.html(f'<div class="studio">{"".join(parts)}</div>')


def _show_two(model: ServedModel) -> None:
    """Two versions of a text and what the difference does."""
    _show_examples()
    columns = st.columns(2, gap="medium")
    with columns[0]:
        text = st.text_area("First version", key="text", height=160)
        st.button("Compare", type="primary", icon=":material/compare_arrows:")
    with columns[1]:
        edited = st.text_area("Second version: edit it and see what changes", key="edited", height=160)
        st.button("Copy the first version", on_click=_copy_to_edited, icon=":material/content_copy:")
    with columns[0]:
        before = _read(model, text)
    with columns[1]:
        after = _read(model, edited)
    if before is None or after is None:
        return
    st.html(verdict_view.change(before, after))
    removed, added = changed_tokens(before.tokens or [], after.tokens or [])
    if before.tokens is None or after.tokens is None:
        st.caption(NO_EXPLANATION)
        return
    readings = st.columns(2, gap="medium")
    with readings[0]:
        st.html(_version(text, before, removed, "del"))
    with readings[1]:
        st.html(_version(edited, after, added, "ins"))
    st.caption(f"Outlined: what differs between the two. {NOTE.capitalize()}.")


def _version(text: str, explanation: Explanation, marked: frozenset[int], mark: str) -> str:
    """One version, its changed words marked."""
    if not explanation.tokens:
        return '<div class="studio"><p class="muted">The model finds no words in this version.</p></div>'
    words = token_view.reading(text, explanation, marked, mark)
    return f'<div class="studio">{words}{token_view.legend(explanation.label)}</div>'


def _read(model: ServedModel, text: str) -> Explanation | None:
    """The model's answer, or None after saying why there is none."""
    if not text.strip():
        st.info("Write or paste a text first.", icon=":material/edit:")
        return None
    if len(text) > MAX_CHARACTERS:
        st.warning(
            f"This text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Shorten it.",
            icon=":material/content_cut:",
        )
        return None
    return catalog.explained(model, text)

"""The text generation page: watch a model write, compare two settings, see what surprises it and what it remembers."""

from collections.abc import Iterator
from functools import partial

import streamlit as st

from apps.errors import UserError
from apps.serving.served import ServedModel
from apps.serving.writing import write
from apps.studio import catalog, deep_link, language_view, sampling_panel, side_by_side, unit_panel
from apps.studio.plain import show_error
from apps.studio.settings import MAX_LANGUAGE_CHARACTERS

LEAD = """
<div class="studio"><p class="lead">Give it a beginning: the model writes on, one token after the other, each drawn from
what it finds probable.</p></div>
"""
WRITE, TWO, SURPRISE, UNIT = "Write", "Two settings", "What surprises it", "What a unit remembers"
PROMPTS = ("ROMEO:\n", "First Citizen:\n", "To be, or ", "")
READ = (
    "KING HENRY:\nOnce more unto the breach, dear friends, once more,\nOr close the wall up with our English dead.\n\n"
    "SERVANT:\nThe wifi is down, my lord."
)


def show() -> None:
    """Draws the page."""
    st.title("Text generation", anchor=False)
    st.html(LEAD)
    entries = catalog.models("text_generation")
    if not entries:
        catalog.show_missing("text_generation")
        return
    st.session_state.setdefault("generation_mode", WRITE)
    st.session_state.setdefault("prompt", PROMPTS[0])
    st.session_state.setdefault("read_text", READ)
    deep_link.read({"model": "text_generation_model", "text": "prompt"})
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        mode = st.segmented_control("What to do", [WRITE, TWO, SURPRISE, UNIT], key="generation_mode") or WRITE
    with right:
        entry = catalog.choose(entries, "text_generation_model")
    model = catalog.load(entry)
    if model is None:
        return
    deep_link.write({"model": entry.key, "text": st.session_state["prompt"] if mode in (WRITE, TWO) else ""})
    try:
        {WRITE: _show_writing, TWO: _show_two, SURPRISE: _show_surprise, UNIT: unit_panel.show}[mode](model)
    except UserError as error:
        show_error(error)


def _show_prompt() -> str:
    """The examples and the box of the prompt."""
    with st.container(horizontal=True, gap="small"):
        for number, prompt in enumerate(PROMPTS):
            label = prompt.strip() or "(nothing)"
            st.button(label, key=f"prompt-{number}", on_click=_set_prompt, args=(prompt,))
    return st.text_area("How it begins", key="prompt", height=110, placeholder="Nothing: the model begins by itself")


def _set_prompt(prompt: str) -> None:
    st.session_state["prompt"] = prompt


def _show_writing(model: ServedModel) -> None:
    """One text, written while you look on."""
    settings = sampling_panel.show("a")
    prompt = _show_prompt()
    with st.container(horizontal=True):
        start = st.button("Write", type="primary", icon=":material/edit:")
        # A click ends the run of the script that writes; what it has written is kept.
        st.button("Stop", icon=":material/stop:")
    if not _fits(prompt):
        return
    place = st.empty()
    if start:
        st.session_state["written"] = (model.entry.key, prompt, "")
        text = ""
        for piece in _pieces(model, prompt, settings):
            text += piece
            st.session_state["written"] = (model.entry.key, prompt, text)
            place.html(language_view.written(prompt, text, busy=True))
    key, begun, text = st.session_state.get("written", ("", "", ""))
    if key != model.entry.key or begun != prompt or not text:
        place.empty()
        st.caption("Press Write. The same seed writes the same text again.")
        begun, text = prompt, ""
    else:
        place.html(language_view.written(begun, text))
    st.subheader("What could come next", anchor=False)
    candidates = catalog.next_tokens(model, begun + text)
    if candidates is not None:
        st.altair_chart(language_view.candidates_chart(candidates), width="stretch")


def _show_two(model: ServedModel) -> None:
    """The same beginning with two settings, side by side."""
    prompt = _show_prompt()
    columns = st.columns(2, gap="medium")
    settings = []
    for name, column in zip("ab", columns, strict=True):
        with column:
            settings.append(sampling_panel.show(name, expanded=True))
    with st.container(horizontal=True):
        start = st.button("Write both", type="primary", icon=":material/edit:")
        st.button("Stop", icon=":material/stop:")
    if not _fits(prompt):
        return
    writers = [partial(_pieces, model, prompt, one) for one in settings]
    side_by_side.show("written_both", (model.entry.key, prompt), prompt, start, writers)


def _show_surprise(model: ServedModel) -> None:
    """Any text, coloured by how improbable the model finds each token."""
    text = st.text_area("Any text", key="read_text", height=160)
    if not text.strip():
        st.info("Write or paste a text first.", icon=":material/edit:")
        return
    if not _fits(text):
        return
    reading = catalog.surprise(model, text)
    if reading is None:
        return
    st.html(language_view.surprise(reading))


def _pieces(model: ServedModel, prompt: str, settings: dict) -> Iterator[str]:
    return write(model, prompt, **settings)


def _fits(text: str) -> bool:
    """Whether a text is short enough; says so if not."""
    if len(text) > MAX_LANGUAGE_CHARACTERS:
        st.warning(
            f"This text has {len(text):,} characters; at most {MAX_LANGUAGE_CHARACTERS:,} are read. Shorten it.",
            icon=":material/content_cut:",
        )
        return False
    return True

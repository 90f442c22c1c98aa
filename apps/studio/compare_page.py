"""The compare page: any two models of a task on the same input."""

from functools import partial
from html import escape

import streamlit as st

from apps.errors import UserError
from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel
from apps.serving.writing import write
from apps.studio import (
    catalog,
    compare_csv,
    compare_readings,
    compare_translations,
    deep_link,
    sampling_panel,
    side_by_side,
    token_view,
    translation_page,
    translation_view,
    verdict_view,
)
from apps.studio.examples import EXAMPLES
from apps.studio.explanation import Explanation
from apps.studio.generation_page import PROMPTS
from apps.studio.plain import plain, show_error
from apps.studio.settings import MAX_CHARACTERS, MAX_LANGUAGE_CHARACTERS, MAX_SENTENCE_CHARACTERS
from apps.studio.translation import languages

LEAD = """
<div class="studio"><p class="lead">Two models, the same input: where they agree, where they do not, and which of
them is right. The address of this page is a link to what it shows.</p></div>
"""
TEXT, FILE = "One text", "A CSV file"
LONGEST = {
    "sentiment": MAX_CHARACTERS,
    "text_generation": MAX_LANGUAGE_CHARACTERS,
    "translation": MAX_SENTENCE_CHARACTERS,
}
BEAM_WIDTH, LENGTH_PENALTY = 5, 0.6


def show() -> None:
    """Draws the page."""
    st.title("Compare", anchor=False)
    st.html(LEAD)
    entries = catalog.models()
    tasks = [task for task in LONGEST if any(entry.task == task for entry in entries)]
    if not tasks:
        catalog.show_missing()
        return
    _follow_link(tasks)
    task = _choose_task(tasks, entries)
    of_task = [entry for entry in entries if entry.task == task]
    if len(of_task) < 2:
        _show_too_few(task, of_task)
        return
    columns = st.columns(2, gap="medium")
    with columns[0]:
        first = catalog.choose(of_task, "compare_first", "First model")
    with columns[1]:
        second = catalog.choose(of_task[1:] + of_task[:1], "compare_second", "Second model")
    if first.key == second.key:
        st.info("This is one model twice: choose another on one side.", icon=":material/compare_arrows:")
        return
    models = catalog.load(first), catalog.load(second)
    if models[0] is None or models[1] is None:
        return
    st.session_state.setdefault("compare_mode", TEXT)
    mode = st.segmented_control("What to read", [TEXT, FILE], key="compare_mode") or TEXT
    show_task = {"sentiment": _show_classifiers, "text_generation": _show_writers, "translation": _show_translators}
    show_file = {
        "sentiment": compare_csv.show,
        "text_generation": compare_readings.show,
        "translation": compare_translations.show,
    }
    text = ""
    try:
        if mode == FILE:
            show_file[task](models[0], models[1])
        else:
            text = show_task[task]((models[0], models[1]))
    except UserError as error:
        show_error(error)
        return
    deep_link.write({"task": task, "first": first.key, "second": second.key, "text": text})


def _follow_link(tasks: list[str]) -> None:
    """Fills the page with what a link says; each task has a box of its own for the text."""
    widgets = {"task": "compare_task", "first": "compare_first", "second": "compare_second"}
    task = st.query_params.get("task")
    if task in tasks:
        widgets["text"] = f"compare_text_{task}"
    deep_link.read(widgets)


def _choose_task(tasks: list[str], entries: list[ModelEntry]) -> str:
    """The task; at first one that has two models."""
    if st.session_state.get("compare_task") not in tasks:
        counts = {task: sum(entry.task == task for entry in entries) for task in tasks}
        st.session_state["compare_task"] = next((task for task in tasks if counts[task] > 1), tasks[0])
    titles = {task: task.replace("_", " ").capitalize() for task in tasks}
    chosen = st.segmented_control("Task", tasks, key="compare_task", format_func=lambda task: titles[task])
    return chosen or tasks[0]


def _show_too_few(task: str, entries: list[ModelEntry]) -> None:
    """Says what to do to have two models."""
    st.info(f"There is one {task} model, {plain(entries[0].key)}; comparing needs two.", icon=":material/inbox:")
    st.markdown("Train another, export it, and reload this page:")
    st.code(catalog.making(task), language="sh", wrap_lines=True)


def _text(task: str, label: str, default: str, height: int, may_be_empty: bool = False) -> tuple[str, bool]:
    """The box of the text, and whether it can be used; says why if not."""
    key = f"compare_text_{task}"
    st.session_state.setdefault(key, default)
    text = st.text_area(label, key=key, height=height)
    if not text.strip() and not may_be_empty:
        st.info("Write or paste a text first.", icon=":material/edit:")
        return text, False
    if len(text) > LONGEST[task]:
        st.warning(
            f"This text has {len(text):,} characters; at most {LONGEST[task]:,} are read. Shorten it.",
            icon=":material/content_cut:",
        )
        return text, False
    return text, True


def _show_classifiers(models: tuple[ServedModel, ServedModel]) -> str:
    """Two verdicts with their words; returns the text for the link."""
    text, usable = _text("sentiment", "Your text", EXAMPLES[3].text, 130)
    if not usable:
        return text
    answers = [catalog.explained(model, text) for model in models]
    if answers[0] is None or answers[1] is None:
        return text
    st.html(_verdicts(answers[0], answers[1]))
    for column, explanation in zip(st.columns(2, gap="medium"), answers, strict=True):
        if explanation is None:
            continue
        with column:
            st.html(verdict_view.verdict(explanation))
            if explanation.tokens:
                words = token_view.reading(text, explanation) + token_view.legend(explanation.label)
                st.html(f'<div class="studio">{words}</div>')
    return text


def _verdicts(first: Explanation, second: Explanation) -> str:
    """Whether two verdicts are the same, in a line."""
    if first.label == second.label:
        line = f"Both say <b>{escape(first.label)}</b>."
    else:
        line = f"They disagree: <b>{escape(first.label)}</b> against <b>{escape(second.label)}</b>."
    return f'<div class="studio change" role="status"><p class="change-line alone">{line}</p></div>'


def _show_writers(models: tuple[ServedModel, ServedModel]) -> str:
    """Two continuations of the same beginning, which grow side by side."""
    prompt, usable = _text("text_generation", "How it begins", PROMPTS[0], 110, may_be_empty=True)
    settings = sampling_panel.show("a")
    with st.container(horizontal=True):
        start = st.button("Write both", type="primary", icon=":material/edit:")
        # A click ends the run of the script that writes; what it has written is kept.
        st.button("Stop", icon=":material/stop:")
    if not usable:
        return prompt
    job = (prompt, *(model.entry.key for model in models))
    writers = [partial(write, model, prompt, **settings) for model in models]
    side_by_side.show("compare_written", job, prompt, start, writers)
    return prompt


def _show_translators(models: tuple[ServedModel, ServedModel]) -> str:
    """Two translations of the same sentence, and where each looked."""
    sources = [languages(model.entry)[0] for model in models]
    if sources[0] != sources[1]:
        st.warning("These two translate from different languages.", icon=":material/translate:")
    text, usable = _text("translation", "Your sentence", translation_page.examples_for(models[0].entry)[0], 90)
    if not usable:
        return text
    for column, model in zip(st.columns(2, gap="medium"), models, strict=True):
        with column:
            sentence = " ".join(text.split())
            translation = catalog.translated(model, sentence, BEAM_WIDTH, LENGTH_PENALTY, 1)
            if translation is None:
                continue
            st.html(translation_view.answer(translation))
            heat = translation_view.heat_map(translation)
            if heat is not None:
                st.altair_chart(heat, width="content")
    st.caption(f"Beam search of width {BEAM_WIDTH}; below each translation, where it looked.")
    return text

"""The home page: what this is, what can be tried, and the models that are here."""

from html import escape

import streamlit as st

from apps.serving.registry import ModelEntry
from apps.studio import catalog, diagram, frame
from apps.studio.applications import APPLICATIONS
from apps.studio.metric_view import facts as fact_grid
from apps.studio.metric_view import headline_metrics, shown

LEAD = """
<div class="studio"><p class="lead">Models that judge, write and translate text, from one recurrent cell to a served
SavedModel. Try them, see what they look at, and read how well they do. All of it runs on this machine.</p></div>
"""
SENTENCE = ("It", "moved", "me", "to", "tears")
COLUMNS = 3


def show() -> None:
    """Draws the page."""
    st.title("Sequence models to look into", anchor=False)
    left, right = st.columns(2, gap="large", vertical_alignment="center")
    with left:
        st.html(LEAD)
    with right:
        st.html(f'<div class="studio">{diagram.unrolled(SENTENCE, "positive")}</div>')
    entries = catalog.models()
    if not entries:
        catalog.show_missing()
    _show_applications({entry.task for entry in entries})
    if entries:
        st.header("Models on this machine", anchor=False)
        for entry in entries:
            _show_model(entry)
        catalog.show_unreadable()


def _show_applications(tasks: set[str]) -> None:
    """A card for each application, with the commands that make its model where there is none."""
    for start in range(0, len(APPLICATIONS), COLUMNS):
        row = APPLICATIONS[start : start + COLUMNS]
        for column, application in zip(st.columns(COLUMNS, gap="small"), row, strict=True):
            with column, st.container(border=True, height="stretch", key=f"application-{application.title}"):
                st.html(application.preview())
                if application.task is not None and application.task not in tasks:
                    st.caption("There is no model for this yet. To make one:")
                    st.code(catalog.making(application.task), language="sh", wrap_lines=True)
                with st.container(horizontal=True, gap="small"):
                    for link in filter(lambda link: frame.is_here(link.page), application.links):
                        st.page_link(link.page, label=link.words, icon=link.icon)


def _show_model(entry: ModelEntry) -> None:
    """The card of one model."""
    with st.container(border=True, key=f"card-{entry.name}-{entry.version}"):
        st.html(f'<div class="studio">{_title(entry)}{_facts(entry)}</div>')
        with st.container(horizontal=True):
            page, widget = frame.OF_TASK.get(entry.task, (None, ""))
            if page and st.button("Try it", key=f"try-{entry.key}", type="primary", icon=":material/play_arrow:"):
                st.session_state[widget] = entry.key
                st.switch_page(page)
            if st.button("Card and metrics", key=f"card-{entry.key}", icon=":material/description:"):
                st.session_state["model"] = entry.key
                st.switch_page(frame.MODEL)


def _title(entry: ModelEntry) -> str:
    """Name, version and task."""
    return (
        f'<div class="model-head"><span class="model-name">{escape(entry.name)}</span> '
        f'<span class="muted">version {entry.version} · {escape(entry.task)}</span></div>'
    )


def _facts(entry: ModelEntry) -> str:
    """The few numbers to judge a model by."""
    cells = [str(cell["title"]) for cell in entry.metadata.get("cells") or ()]
    metrics = [] if cells else headline_metrics(entry.metadata)[:2]
    facts = [(value, f"{name}, {split}" if split else name) for split, name, value in metrics]
    for names, what in ((entry.labels, "classes"), (cells, "cells")):
        if names:
            facts.append((" · ".join(names[:4]) + (f" +{len(names) - 4}" if len(names) > 4 else ""), what))
    facts.append((shown(entry.metadata.get("parameters", 0)), "parameters"))
    facts.append((f"{entry.size / 1e6:.1f} MB", "on disk"))
    return fact_grid(facts)

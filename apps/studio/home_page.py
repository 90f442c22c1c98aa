"""The home page: what this is, and the models that are here."""

from html import escape

import streamlit as st

from apps.serving.registry import ModelEntry
from apps.studio import catalog, diagram, frame
from apps.studio.metric_view import facts as fact_grid
from apps.studio.metric_view import headline_metrics, shown

LEAD = """
<div class="studio"><p class="lead">Sequence models in Keras, from one recurrent cell to a served SavedModel. Here are
the trained ones: try them, see what they look at, and read how well they do.</p></div>
"""
STEPS = """
<div class="studio"><div class="steps">
  <div><h3>See why</h3><p>A verdict, and each word coloured by how much it speaks for it or against it.</p></div>
  <div><h3>Watch it write</h3><p>A text that grows letter by letter, and what could have come next.</p></div>
  <div><h3>See where it looks</h3><p>A sentence and its translation, word joined to word.</p></div>
  <div><h3>A thousand at once</h3><p>Upload a CSV file, download it with the answers.</p></div>
</div></div>
"""
SENTENCE = ("It", "moved", "me", "to", "tears")


def show() -> None:
    """Draws the page."""
    st.title("What do the words say?", anchor=False)
    st.html(LEAD)
    st.html(f'<div class="studio">{diagram.unrolled(SENTENCE, "positive")}</div>')
    entries = catalog.models()
    if not entries:
        catalog.show_missing()
        return
    st.html(STEPS)
    st.header("Models on this machine", anchor=False)
    for entry in entries:
        _show_model(entry)
    catalog.show_unreadable()


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
    facts = [
        (value, f"{name}, {split}" if split else name) for split, name, value in headline_metrics(entry.metadata)[:2]
    ]
    if entry.labels:
        labels = " · ".join(entry.labels[:4]) + (f" +{len(entry.labels) - 4}" if len(entry.labels) > 4 else "")
        facts.append((labels, "classes"))
    facts.append((shown(entry.metadata.get("parameters", 0)), "parameters"))
    facts.append((f"{entry.size / 1e6:.1f} MB", "on disk"))
    return fact_grid(facts)

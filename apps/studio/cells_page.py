"""The cells page: what cells remember of a text, what their gates do meanwhile, how far back they can learn."""

from typing import Any

import numpy as np
import streamlit as st

from apps.serving.served import ServedModel
from apps.studio import catalog, cell_view, deep_link
from apps.studio.plain import plain, show_error
from apps.studio.settings import MAX_CELL_CHARACTERS

LEAD = """
<div class="studio"><p class="lead">Small recurrent cells read your text, one character after the other. After each of
them they say whether a bracket is open: the only way to know is to remember it.</p></div>
"""
UNIT, MEAN, ALL = "One unit", "Mean of all units", "Every unit"
FIRST_SHOWN = ("elman", "lstm", "gru")
EXAMPLES = {
    "A bracket": "Anna took the lamp (the small one from the window) and went Down to the boats.",
    "A long one": (
        "The keeper (who had lived by the sea for longer than anybody in the village could say, and who never spoke "
        "of what he had seen from his tower, however much they asked him) lit the lamp."
    ),
    "Never closed": (
        "It began to rain (and nobody knew then that it would go on through the night, and through the day after it, "
        "until the river stood in the kitchen and the ducks swam round the table and looked for the bread"
    ),
    "Code": 'print(max(len(Word) for Word in "To be or not".split()))  # Three',
}
GRADIENT = """
To learn from something, the error must find its way back to it. Each step back multiplies it by what one character does
to the state: with numbers below one it is soon gone, and what lies further back cannot be learnt, however long the
training. An Elman cell squeezes its state through tanh at every step; the IRNN begins by copying it; LSTM and GRU hold
the gate open.
"""
SHORTEST, STEP, DEFAULT_LENGTH = 10, 10, 100


def show() -> None:
    """Draws the page."""
    st.title("What a cell remembers", anchor=False)
    st.html(LEAD)
    entries = catalog.models("cells")
    if not entries:
        catalog.show_missing("cells")
        return
    st.session_state.setdefault("cells_text", EXAMPLES["A bracket"])
    deep_link.read({"model": "cells_model", "text": "cells_text"})
    entry = catalog.choose(entries, "cells_model") if len(entries) > 1 else entries[0]
    cells = {cell["name"]: cell for cell in entry.metadata.get("cells") or ()}
    questions = {question["name"]: question["title"] for question in entry.metadata.get("questions") or ()}
    if not cells or not questions:
        show_error(f"{entry.key} does not say what its cells are. Make it again with keras-seq cells.")
        return
    model = catalog.load(entry)
    if model is None:
        return
    text = _ask_for_text()
    shown = _choose_cells(cells)
    deep_link.write({"model": entry.key, "text": st.session_state["cells_text"]})
    if text and shown:
        _show_text(model, text, list(cells), [cells[name] for name in shown], questions)
    _show_gradient(model, cells, shown)


def _use(text: str) -> None:
    st.session_state["cells_text"] = text


def _ask_for_text() -> str:
    """The examples and the box; what is read of the text, after saying what is not."""
    with st.container(horizontal=True, gap="small"):
        for number, (title, example) in enumerate(EXAMPLES.items()):
            st.button(title, key=f"cells-example-{number}", on_click=_use, args=(example,))
    text = st.text_area("Your text", key="cells_text", height=110)
    if not text.strip():
        st.info("Write or paste a text first.", icon=":material/edit:")
        return ""
    if len(text) > MAX_CELL_CHARACTERS:
        st.warning(
            f"This text has {len(text):,} characters: the first {MAX_CELL_CHARACTERS:,} are read, "
            f"the other {len(text) - MAX_CELL_CHARACTERS:,} are cut.",
            icon=":material/content_cut:",
        )
    return text[:MAX_CELL_CHARACTERS]


def _choose_cells(cells: dict[str, Any]) -> list[str]:
    """The cells to look into, side by side, in the model's order."""
    known = [name for name in st.session_state.get("cells_shown") or () if name in cells]
    if "cells_shown" not in st.session_state:
        known = [name for name in FIRST_SHOWN if name in cells] or list(cells)[:3]
    st.session_state["cells_shown"] = known
    chosen = st.pills(
        "Cells",
        list(cells),
        key="cells_shown",
        selection_mode="multi",
        format_func=lambda name: plain(cells[name]["title"]),
    )
    if not chosen:
        st.info("Choose a cell to look into.", icon=":material/memory:")
    return [name for name in cells if name in chosen]


def _show_text(
    model: ServedModel, text: str, names: list[str], shown: list[dict[str, Any]], questions: dict[str, str]
) -> None:
    """What the cells answer along the text, and what happens inside them."""
    answers = catalog.cell_answers(model, text)
    if answers is None:
        return
    characters, known = answers
    st.header("What it knows", anchor=False)
    if st.session_state.get("cells_question") not in questions:
        st.session_state["cells_question"] = next(iter(questions))
    question = st.segmented_control(
        "Question", list(questions), key="cells_question", format_func=lambda name: plain(questions[name])
    )
    place = list(questions).index(question or next(iter(questions)))
    for column, cell in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        with column:
            st.subheader(plain(cell["title"]), anchor=False)
            st.caption(plain(cell["meaning"]))
            values = known[:, names.index(cell["name"]), place]
            st.html(cell_view.coloured(characters, values, signed=False, ends=("no", "yes")))
    st.header("What its gates do", anchor=False)
    st.session_state.setdefault("cells_view", UNIT)
    view = st.segmented_control("Show", [UNIT, MEAN, ALL], key="cells_view") or UNIT
    places = st.columns(len(shown), gap="medium") if view != ALL else [st.container() for _ in shown]
    for container, cell in zip(places, shown, strict=True):
        with container:
            answer = known[:, names.index(cell["name"]), place]
            _show_inside(model, cell, text, characters, answer, list(questions)[place], view)


def _show_inside(
    model: ServedModel,
    cell: dict[str, Any],
    text: str,
    characters: list[str],
    answer: np.ndarray,
    question: str,
    view: str,
) -> None:
    """One gate or state of a cell."""
    found = catalog.cell_inside(model, cell["name"], text)
    if found is None:
        return
    quantities = {quantity["name"]: quantity for quantity in cell["quantities"]}
    name = next(iter(quantities))
    title = plain(f"Inside the {cell['title']}")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            title, list(quantities), key=f"cells_gate_{cell['name']}", format_func=lambda key: quantities[key]["title"]
        )
        values, signed = found[name], quantities[name]["signed"]
        unit = _choose_unit(cell["name"], question, found[list(quantities)[-1]], answer) if view == UNIT else 0
    st.caption(plain(quantities[name]["meaning"]))
    if view == ALL:
        st.altair_chart(cell_view.every_unit(characters, values, signed), width="stretch")
        return
    chosen = values[:, unit] if view == UNIT else values.mean(axis=1)
    st.html(cell_view.coloured(characters, chosen, signed))


def _choose_unit(cell: str, question: str, state: np.ndarray, answer: np.ndarray) -> int:
    """The unit; at first the one whose state goes most with the answer."""
    key = f"cells_unit_{cell}_{question}"
    st.session_state.setdefault(key, telling_unit(state, answer))
    return int(st.number_input("Unit", 0, state.shape[1] - 1, key=key, width=110))


def telling_unit(state: np.ndarray, answer: np.ndarray) -> int:
    """The unit of `[characters, units]` that goes up and down most with an answer `[characters]`."""
    state, answer = state - state.mean(axis=0), answer - answer.mean()
    spread = np.sqrt((state**2).sum(axis=0) * (answer**2).sum())
    together = np.divide(np.abs(answer @ state), spread, out=np.zeros(state.shape[1]), where=spread > 1e-9)
    return int(np.argmax(together))


def _show_gradient(model: ServedModel, cells: dict[str, Any], shown: list[str]) -> None:
    """The gradient against distance, before and after training."""
    st.header("How far back it can learn", anchor=False)
    st.markdown(GRADIENT)
    longest = int(model.entry.metadata.get("longest") or 200)
    st.session_state.setdefault("cells_length", min(DEFAULT_LENGTH, longest))
    length = st.slider("Characters read", SHORTEST, longest, step=STEP, key="cells_length")
    gradients = catalog.cell_gradients(model, int(length))
    if gradients is None:
        return
    titles = [cell["title"] for cell in cells.values()]
    lit = [cells[name]["title"] for name in shown] or titles
    moments = {"untrained": "Before training", "trained": "After training"}
    for column, (moment, title) in zip(st.columns(2, gap="medium"), moments.items(), strict=True):
        with column:
            st.subheader(title, anchor=False)
            st.altair_chart(cell_view.gradient_chart(titles, gradients[moment], lit), width="stretch")
    st.subheader("Characters back until less than a hundredth arrives", anchor=False)
    st.html(cell_view.reaches(titles, gradients))
    st.caption(
        "The gradient of the last state with respect to each character before it, as a share of that of the last one; "
        "a mean over 16 passages. A line ends where less than a ten-billionth arrives."
    )

"""The models of the studio: choosing, loading and calling them, with what was done once kept."""

import gc
from typing import Any

import numpy as np
import streamlit as st

from apps.errors import UserError
from apps.serving import registry
from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel, decode_text
from apps.studio.explanation import Explanation, explain
from apps.studio.frame import OF_TASK
from apps.studio.language_view import Reading
from apps.studio.patience import PatientModel
from apps.studio.plain import plain, show_error
from apps.studio.settings import MAX_MODELS, models_folder
from apps.studio.translation import Translation, translate


def models(task: str | None = None) -> list[ModelEntry]:
    """The models found, all or those of one task; those of one task together, in the order of the pages."""
    entries = registry.list_models(models_folder(), task)
    order = list(OF_TASK)
    return sorted(entries, key=lambda entry: order.index(entry.task) if entry.task in order else len(order))


def show_missing(task: str | None = None) -> None:
    """Says that there is no model, where it was looked for, and what to do."""
    kind = f"{task} model" if task else "model"
    places = ", ".join(plain(folder) for folder in registry.search_folders(models_folder()))
    st.warning(f"There is no {kind} in {places}.", icon=":material/inbox:")
    st.markdown("Train one on the bundled samples and export it, then reload this page:")
    st.code(making(task or "sentiment"), language="sh", wrap_lines=True)
    show_unreadable()


def making(task: str) -> str:
    """The commands that make a model of a task from what comes with the project."""
    if task == "cells":
        return "keras-seq cells"
    return f"keras-seq train {task} --data.source samples\nkeras-seq export {task}"


def show_unreadable() -> None:
    """One line for each model whose metadata cannot be read."""
    for line in registry.unreadable(models_folder()):
        show_error(line, ":material/broken_image:")


def choose(entries: list[ModelEntry], key: str, label: str = "Model") -> ModelEntry:
    """Lets the reader choose among models; `key` names the widget."""
    by_key = {entry.key: entry for entry in entries}
    asked = st.session_state.get(key)
    if asked not in by_key:
        if asked is not None:  # by a link, or before it was removed
            st.warning("The model that was asked for is not here; this is another.", icon=":material/link_off:")
        st.session_state[key] = entries[0].key
    return by_key[st.selectbox(label, list(by_key), key=key)]


def load(entry: ModelEntry) -> ServedModel | None:
    """The loaded model, or None after saying why it cannot be used."""
    path, fingerprint = str(entry.path.resolve()), entry.fingerprint()
    # Files that are not as they were exported have no digest to be known by; loading them says so.
    known = not differences(entry, path, fingerprint)
    try:
        return _load(entry, str(entry.metadata["sha256"]) if known else fingerprint)
    except UserError as error:
        show_error(error, ":material/gpp_bad:")
        return None


@st.cache_resource(max_entries=MAX_MODELS, show_spinner="Loading the model …")
def _load(_entry: ModelEntry, digest: str) -> ServedModel:
    """Loads a model once for all visitors, whatever folders it is in."""
    gc.unfreeze()
    model = PatientModel(registry.load(_entry))
    # Streamlit collects garbage after each run of a page, which with all of TensorFlow's objects takes longer than the
    # rest of a run. What is here now is left out of that, until the next model is loaded.
    gc.collect()
    gc.freeze()
    return model


def explained(model: ServedModel, text: str) -> Explanation | None:
    """The model's answer to a text, or None after saying why there is none."""
    try:
        return _explained(model, str(model.entry.path.resolve()), model.entry.fingerprint(), text)
    except UserError as error:
        show_error(error)
        return None


@st.cache_data(max_entries=256, show_spinner="Reading …")
def _explained(_model: ServedModel, path: str, fingerprint: str, text: str) -> Explanation:
    """Asks a model about a text once."""
    return explain(_model, text)


@st.cache_data(max_entries=16, show_spinner="Checking the files …")
def differences(_entry: ModelEntry, path: str, fingerprint: str) -> list[str]:
    """What differs from the recorded sha256, computed again only when a file was written."""
    return registry.verify(_entry)


def next_tokens(model: ServedModel, text: str) -> list[tuple[str, float]] | None:
    """The most probable tokens after a text with their probabilities, or None after saying why there are none."""
    return _asked(_next_tokens, model, text)


def surprise(model: ServedModel, text: str) -> Reading | None:
    """How a language model reads a text, or None after saying why it cannot."""
    return _asked(_surprise, model, text)


def activations(model: ServedModel, text: str) -> tuple[list[str], np.ndarray] | None:
    """The tokens of a text and the activations [tokens, units] after each, or None after saying why not."""
    return _asked(_activations, model, text)


def translated(
    model: ServedModel, text: str, beam_width: int, length_penalty: float, n_best: int
) -> Translation | None:
    """The translation of a text, or None after saying why there is none."""
    return _asked(_translated, model, text, beam_width, length_penalty, n_best)


def cell_answers(model: ServedModel, text: str) -> tuple[list[str], np.ndarray] | None:
    """The characters of a text and what each cell answers after each [characters, cells, questions], or None."""
    return _asked(_cell_answers, model, text)


def cell_inside(model: ServedModel, cell: str, text: str) -> dict[str, np.ndarray] | None:
    """The gates and states of a cell over a text, each [characters, units], or None after saying why not."""
    return _asked(_cell_inside, model, cell, text)


def cell_gradients(model: ServedModel, length: int) -> dict[str, np.ndarray] | None:
    """`untrained` and `trained`: the gradient of each cell by distance [cells, length], or None."""
    return _asked(_cell_gradients, model, length)


def _asked(function: Any, model: ServedModel, *arguments: Any) -> Any:
    try:
        return function(model, str(model.entry.path.resolve()), model.entry.fingerprint(), *arguments)
    except UserError as error:
        show_error(error)
        return None


@st.cache_data(max_entries=256, show_spinner=False)
def _next_tokens(_model: ServedModel, path: str, fingerprint: str, text: str) -> list[tuple[str, float]]:
    known = _model.ask("start", text=[text])
    names = [decode_text(token) for token in known["candidates"][0]]
    return list(zip(names, known["candidate_probabilities"][0].tolist(), strict=True))


@st.cache_data(max_entries=64, show_spinner="Reading …")
def _surprise(_model: ServedModel, path: str, fingerprint: str, text: str) -> Reading:
    found = _model.ask("score", text=[text])
    tokens, expected = ([decode_text(token) for token in found[name][0]] for name in ("tokens", "expected"))
    return Reading(tokens, found["log_probabilities"][0].tolist(), expected)


@st.cache_data(max_entries=8, show_spinner="Reading …")
def _activations(_model: ServedModel, path: str, fingerprint: str, text: str) -> tuple[list[str], np.ndarray]:
    found = _model.ask("activations", text=[text])
    return [decode_text(token) for token in found["tokens"][0]], found["activations"][0].astype(np.float32)


@st.cache_data(max_entries=64, show_spinner="Reading …")
def _cell_answers(_model: ServedModel, path: str, fingerprint: str, text: str) -> tuple[list[str], np.ndarray]:
    found = _model.ask("serving_default", text=[text])
    return [decode_text(character) for character in found["characters"][0]], found["known"][0]


@st.cache_data(max_entries=64, show_spinner="Looking inside …")
def _cell_inside(_model: ServedModel, path: str, fingerprint: str, cell: str, text: str) -> dict[str, np.ndarray]:
    found = _model.ask(cell, text=[text])
    return {name: values[0] for name, values in found.items() if name != "characters"}


@st.cache_data(max_entries=64, show_spinner="Following the gradient …")
def _cell_gradients(_model: ServedModel, path: str, fingerprint: str, length: int) -> dict[str, np.ndarray]:
    return _model.ask("gradient", length=length)


@st.cache_data(max_entries=256, show_spinner="Translating …")
def _translated(
    _model: ServedModel, path: str, fingerprint: str, text: str, beam_width: int, length_penalty: float, n_best: int
) -> Translation:
    return translate(_model, text, beam_width, length_penalty, n_best)

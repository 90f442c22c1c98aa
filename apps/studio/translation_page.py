"""The translation page: a translation and where it looked, the search as a tree, two models, or a whole file."""

import streamlit as st

from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel
from apps.studio import catalog, deep_link, translation_csv, translation_view
from apps.studio.settings import MAX_SENTENCE_CHARACTERS
from apps.studio.translation import Translation, languages

LEAD = """
<div class="studio"><p class="lead">Write a sentence: the model translates it word by word, and shows where it looked
for each word, and what else it tried.</p></div>
"""
WIDEST, LONGEST_PENALTY = 10, 3.0  # what can be asked for
ONE, TWO, FILE = "Translate", "Two models", "A CSV file"
EXAMPLES = {
    "en": (
        "A man in an orange hat is looking at something.",
        "Two children are playing football in the park.",
        "A brown dog jumps over a small river.",
    ),
    "de": ("Ein Mann mit einem Hut steht auf der Straße.", "Zwei Kinder spielen im Park."),
    "zh": ("我爱中国。", "你叫什么名字？", "他每天早上喝咖啡。"),  # noqa: RUF001
}


def show() -> None:
    """Draws the page."""
    st.title("Translation", anchor=False)
    st.html(LEAD)
    entries = catalog.models("translation")
    if not entries:
        catalog.show_missing("translation")
        return
    st.session_state.setdefault("translation_mode", ONE)
    deep_link.read({"model": "translation_model", "text": "sentence"})
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        mode = st.segmented_control("What to do", [ONE, TWO, FILE], key="translation_mode") or ONE
    with right:
        entry = catalog.choose(entries, "translation_model")
    model = catalog.load(entry)
    if model is None:
        return
    if mode == ONE:
        _show_one(model)
    elif mode == TWO:
        _show_two(entries, model)
    else:
        translation_csv.show(model)
    deep_link.write({"model": entry.key, "text": st.session_state.get("sentence", "") if mode != FILE else ""})


def examples_for(entry: ModelEntry) -> tuple[str, ...]:
    """Sentences in the language that a model translates from."""
    source = languages(entry)[0]
    return EXAMPLES.get({"cmn": "zh"}.get(source, source), EXAMPLES["en"])  # cmn: Mandarin


def _ask_for_text(model: ServedModel) -> str | None:
    """The examples and the box; None after saying what is wrong with the text."""
    examples = examples_for(model.entry)
    if st.session_state.get("translation_of") != model.entry.key:
        # A sentence in the language of the model that was chosen just now.
        st.session_state["translation_of"] = model.entry.key
        if st.session_state.get("sentence", "") in ("", *(text for texts in EXAMPLES.values() for text in texts)):
            st.session_state["sentence"] = examples[0]
    with st.container(horizontal=True, gap="small"):
        for number, example in enumerate(examples):
            st.button(example, key=f"sentence-{number}", on_click=_use, args=(example,))
    text = st.text_area("Your sentence", key="sentence", height=90)
    if not text.strip():
        st.info("Write a sentence first.", icon=":material/edit:")
        return None
    if len(text) > MAX_SENTENCE_CHARACTERS:
        st.warning(
            f"This text has {len(text):,} characters; at most {MAX_SENTENCE_CHARACTERS:,} are translated at a time.",
            icon=":material/content_cut:",
        )
        return None
    return " ".join(text.split())


def _use(example: str) -> None:
    st.session_state["sentence"] = example


def _settings(entry: ModelEntry) -> tuple[int, float, int]:
    """Beam width, length penalty and how many translations; at first those of the model that was chosen."""
    if st.session_state.get("searched_by") != entry.key:
        st.session_state["searched_by"] = entry.key
        own = entry.metadata.get("config", {}).get("decoding", {})
        st.session_state["beam_width"] = min(max(int(own.get("beam_width", 5)), 1), WIDEST)
        st.session_state["length_penalty"] = min(max(float(own.get("length_penalty", 0.6)), 0.0), LONGEST_PENALTY)
    for name, value in (("beam_width", 5), ("length_penalty", 0.6), ("n_best", 3)):
        st.session_state.setdefault(name, value)
    with st.container(horizontal=True):
        width = st.number_input("Beam width", 1, WIDEST, key="beam_width", width=150, help="1 is greedy.")
        penalty = st.number_input("Length penalty", 0.0, LONGEST_PENALTY, step=0.1, key="length_penalty", width=150)
        n_best = st.number_input("Translations", 1, WIDEST, key="n_best", width=150)
    return int(width), float(penalty), int(n_best)


def _show_one(model: ServedModel) -> None:
    """One sentence."""
    text = _ask_for_text(model)
    settings = _settings(model.entry)
    if text is None:
        return
    translation = catalog.translated(model, text, *settings)
    if translation is None:
        return
    st.html(translation_view.answer(translation))
    _show_alignment(translation)
    if len(translation.texts) > 1:
        st.subheader("What else it found", anchor=False)
        st.html(translation_view.others(translation))
    tree = translation_view.beam_chart(translation.beams)
    if tree is not None:
        st.subheader("The search", anchor=False)
        st.caption("Each column is a step; each node a sequence that was kept, the best on top.")
        st.altair_chart(tree, width="content")


def _show_alignment(translation: Translation) -> None:
    """Where it looked, as lines and as a map."""
    lines, heat = translation_view.links_chart(translation), translation_view.heat_map(translation)
    if lines is None or heat is None:
        st.caption("This model has no attention: it knows the sentence as one vector.")
        return
    st.subheader("Where it looked", anchor=False)
    views = st.tabs(["Words", "Map"])
    with views[0]:
        st.altair_chart(lines, width="stretch")
        st.caption("Above the text, below its translation. Point at a word of the translation to see its sources.")
    with views[1]:
        st.altair_chart(heat, width="content")


def _show_two(entries: list[ModelEntry], model: ServedModel) -> None:
    """The same sentence by two models."""
    text = _ask_for_text(model)
    settings = _settings(model.entry)
    columns = st.columns(2, gap="medium")
    with columns[1]:
        other = catalog.choose(entries[::-1], "translation_second")
    second = catalog.load(other)
    with columns[0]:
        st.text_input("Model", model.entry.key, disabled=True, key="translation_first")
    if text is None or second is None:
        return
    for column, one in zip(columns, (model, second), strict=True):
        with column:
            translation = catalog.translated(one, text, *settings)
            if translation is not None:
                st.html(translation_view.answer(translation))
                heat = translation_view.heat_map(translation)
                if heat is not None:
                    st.altair_chart(heat, width="content")

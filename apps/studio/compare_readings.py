"""A CSV file of texts through two language models: how many nats a character of each costs them."""

import math
from collections.abc import Sequence

import streamlit as st

from apps.serving.served import ServedModel
from apps.studio import download, kept, metric_view, text_agreement, text_batches
from apps.studio.settings import MAX_READ_CHARACTERS, MAX_READ_ROWS
from apps.studio.upload import ask

SAMPLE = "text\nTo be or not to be.\nThe wifi is down again.\n"


def show(first: ServedModel, second: ServedModel) -> None:
    """Draws the panel."""
    upload = ask(
        "A CSV file with a column of texts",
        "read",
        ("texts.csv", SAMPLE),
        ("compare_texts", "compare_texts_encoding", "compare_texts_header"),
    )
    if upload is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("Column with the texts", upload.columns, key="compare_texts_column", width=260)
        start = st.button("Compare", type="primary", icon=":material/compare_arrows:", key="compare_start_texts")
    table = upload.table.head(MAX_READ_ROWS)
    if len(upload.table) > len(table):
        st.caption(f"The file has {len(upload.table):,} rows; the first {len(table):,} are read.")
    models = (first, second)
    names = [model.entry.key for model in models]
    job = (*upload.identity, column, *names, *(model.entry.fingerprint() for model in models))
    texts = table[column].fillna("").astype(str).tolist()
    cut = [text[:MAX_READ_CHARACTERS] for text in texts]
    read = kept.result("compared_texts", job, start, lambda: [nats(model, cut) for model in models])
    if read is None:
        st.dataframe(table.head(5), hide_index=True)
        return
    lengths = [len(text) for text in cut]
    _show_figures(names, read, lengths)
    st.subheader("Where they differ most", anchor=False)
    each = [[_each(value, length) for value, length in zip(values, lengths, strict=True)] for values in read]
    joined = text_agreement.surprises_first(table, names, (each[0], each[1]), [_problem(text) for text in texts])
    st.dataframe(joined, hide_index=True)
    st.caption(
        "Fewer nats: less surprised. All characters that a model has never met are the same to it, so models with "
        "other vocabularies compare only on texts that both can spell."
    )
    download.offer("Download the comparison", joined, f"{upload.stem}-compared.csv")


def nats(model: ServedModel, texts: Sequence[str]) -> list[float]:
    """What each text costs a model; nothing for an empty one."""

    def ask(some: list[str]) -> list[float]:
        return [-float(scores.sum(dtype="float64")) for scores in model.ask("score", text=some)["log_probabilities"]]

    return text_batches.answers(texts, ask, 0.0, "Reading …")


def _each(cost: float, length: int) -> float:
    return cost / length if length else math.nan


def _problem(text: str) -> str:
    """What is to be said of a text."""
    if not text:
        return "empty"
    return f"only its first {MAX_READ_CHARACTERS:,} characters" if len(text) > MAX_READ_CHARACTERS else ""


def _show_figures(names: Sequence[str], read: Sequence[Sequence[float]], lengths: Sequence[int]) -> None:
    """All texts as one, and on how many each model is the less surprised."""
    characters = sum(lengths)
    facts = []
    for name, values in zip(names, read, strict=True):
        facts.append((f"{sum(values) / characters:.4f}" if characters else "none", f"nats per character, {name}"))
    wins = [sum(one < other for one, other in zip(*pair, strict=True)) for pair in (read, read[::-1])]
    facts += [(f"{count:,}", f"texts that surprise {name} less") for count, name in zip(wins, names, strict=True)]
    st.html(f'<div class="studio" role="status">{metric_view.facts(facts)}</div>')

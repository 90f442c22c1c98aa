"""A CSV file up, its texts translated, and the file down again."""

import pandas as pd
import streamlit as st

from apps.serving.served import ServedModel, decode_text
from apps.studio import download, kept, text_batches
from apps.studio.settings import MAX_SENTENCE_CHARACTERS, MAX_TRANSLATED_ROWS
from apps.studio.upload import ask

SAMPLE = "text\nA dog runs on the beach.\nTwo women are talking.\n"


def show(model: ServedModel) -> None:
    """Draws the panel."""
    upload = ask(
        "A CSV file with a column of sentences",
        "translated",
        ("sentences.csv", SAMPLE),
        ("pairs", "pairs_encoding", "pairs_header"),
    )
    if upload is None:
        return
    table, columns = upload.table, upload.columns
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("Column with the sentences", columns, key="pairs_column", width=320)
        start = st.button("Translate all", type="primary", icon=":material/translate:")
    chosen = table.head(MAX_TRANSLATED_ROWS)
    show_cuts(table, chosen, column)
    job = (*upload.identity, model.entry.key, model.entry.fingerprint(), column)
    result = kept.result("translated", job, start, lambda: _translate(model, chosen, column))
    if result is None:
        st.dataframe(chosen.head(5), hide_index=True)
        return
    st.dataframe(result, hide_index=True)
    download.offer("Download with translations", result, f"{upload.stem}-translations.csv")


def show_cuts(table: pd.DataFrame, chosen: pd.DataFrame, column: str) -> None:
    """Says which rows are left out, and how many texts are cut."""
    if len(table) > len(chosen):
        st.caption(f"The file has {len(table):,} rows; the first {len(chosen):,} are translated.")
    cut = int((chosen[column].fillna("").astype(str).str.len() > MAX_SENTENCE_CHARACTERS).sum())
    if cut:
        st.caption(f"Texts longer than {MAX_SENTENCE_CHARACTERS:,} characters, of which the rest is left out: {cut:,}.")


def _translate(model: ServedModel, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a column of translations."""
    name = "translation"
    while name in table.columns:
        name += "_"
    return table.assign(**{name: translations(model, table[column])})


def translations(model: ServedModel, column: pd.Series) -> list[str]:
    """The translations of a column; of an empty text, an empty one."""

    def ask(some: list[str]) -> list[str]:
        return [decode_text(found) for found in model.ask("serving_default", text=some)["translation"]]

    texts = [text[:MAX_SENTENCE_CHARACTERS].strip() for text in column.fillna("").astype(str)]
    return text_batches.answers(texts, ask, "", "Translating …")

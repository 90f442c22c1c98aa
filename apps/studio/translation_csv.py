"""A CSV file up, its texts translated, and the file down again."""

import pandas as pd
import streamlit as st

from apps.errors import UserError
from apps.serving.served import ServedModel, decode_text
from apps.studio import tables
from apps.studio.settings import MAX_SENTENCE_CHARACTERS, MAX_TRANSLATED_ROWS
from apps.studio.upload import ask

SAMPLE = "text\nA dog runs on the beach.\nTwo women are talking.\n"
BATCH = 16


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
    if len(table) > len(chosen):
        st.caption(f"The file has {len(table):,} rows; the first {len(chosen):,} are translated.")
    job = (*upload.identity, model.entry.key, model.entry.fingerprint(), column)
    if start:
        try:
            st.session_state["translated"] = (job, _translate(model, chosen, column))
        except UserError as error:
            st.error(str(error), icon=":material/error:")
            return
    done, result = st.session_state.get("translated", (None, None))
    if done != job:
        st.dataframe(chosen.head(5), hide_index=True)
        return
    st.dataframe(result, hide_index=True)
    st.download_button(
        "Download with translations",
        # The byte order mark tells spreadsheets that it is UTF-8.
        tables.without_formulas(result).to_csv(index=False).encode("utf-8-sig"),
        f"{upload.stem}-translations.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _translate(model: ServedModel, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a column of translations, made with a progress bar."""
    texts = ["" if pd.isna(text) else str(text)[:MAX_SENTENCE_CHARACTERS] for text in table[column]]
    bar = st.progress(0.0, text="Translating …")
    # Texts of like length share a batch, so that little is padding.
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    answers = [""] * len(texts)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        found = model.ask("serving_default", text=[texts[row] for row in rows])["translation"]
        for row, text in zip(rows, found, strict=True):
            answers[row] = decode_text(text)
        done = start + len(rows)
        bar.progress(done / len(texts), text=f"{done:,} of {len(texts):,} rows")
    bar.empty()
    name = "translation"
    while name in table.columns:
        name += "_"
    return table.assign(**{name: answers})

"""A CSV file up, a table of predictions, and the file down again."""

import pandas as pd
import streamlit as st

from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel
from apps.studio import download, kept, tables
from apps.studio.plain import plain
from apps.studio.settings import DEFAULT_ROWS, MAX_ROWS
from apps.studio.upload import ask

SAMPLE = "text\nA lovely little film.\nI want my money back.\n"


def show(model: ServedModel) -> None:
    """Draws the panel."""
    upload = ask(
        "A CSV file with a column of texts", "classified", ("reviews.csv", SAMPLE), ("upload", "encoding", "header")
    )
    if upload is None:
        return
    table, columns = upload.table, upload.columns
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("Column with the texts", columns, key="column", width=320)
        limit = st.number_input("Rows at most", 1, MAX_ROWS, min(DEFAULT_ROWS, MAX_ROWS), key="limit", width=160)
        start = st.button("Classify", type="primary", icon=":material/table_rows:", key="classify")
    chosen = table.head(int(limit))
    if len(table) > len(chosen):
        st.caption(f"The file has {len(table):,} rows; the first {len(chosen):,} are classified.")
    show_reach(model.entry)
    job = (*upload.identity, model.entry.key, model.entry.fingerprint(), column, int(limit))
    result = kept.result("predictions", job, start, lambda: classify(model, chosen, column))
    if result is None:
        st.dataframe(chosen.head(5), hide_index=True)
    else:
        _show_result(result, table.shape[1], upload.name)


def show_reach(*entries: ModelEntry) -> None:
    """How much of a long text models read."""
    for entry in entries:
        config = entry.metadata.get("config")
        text = config.get("text") if isinstance(config, dict) else None
        length = text.get("max_length") if isinstance(text, dict) else None
        if isinstance(length, int):
            st.caption(f"Of a text of more than {length:,} tokens, {plain(entry.key)} reads {length:,}.")


def classify(model: ServedModel, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a verdict on each text, made with a progress bar."""
    bar = st.progress(0.0, text="Reading …")
    result = table
    for step in tables.classify(model, table, column):
        if isinstance(step, tables.Progress):
            bar.progress(step.done / step.total, text=f"{step.done:,} of {step.total:,} rows")
        else:
            result = step
    bar.empty()
    return result


def _show_result(result: pd.DataFrame, width: int, name: str) -> None:
    """How often each label was given, the table, and the download."""
    labels = result.iloc[:, width]
    counts = labels.dropna().value_counts()
    parts = [f"**{count:,}** {plain(label)}" for label, count in counts.items()]
    skipped = int(labels.isna().sum())
    if skipped:
        parts.append(f"{skipped:,} without a verdict (see the column `problem`)")
    st.markdown(f"{len(result):,} rows: " + ", ".join(parts) + ".")
    probability = result.columns[width + 1]
    bars = {probability: st.column_config.ProgressColumn(probability, min_value=0.0, max_value=1.0, format="percent")}
    st.dataframe(result, hide_index=True, column_config=bars)
    download.offer("Download with predictions", result, f"{name.rsplit('.', 1)[0]}-predictions.csv")

"""A CSV file, if need be with labels, through two classifiers: who is right, and where they disagree."""

from html import escape

import pandas as pd
import streamlit as st

from apps.serving.served import ServedModel
from apps.studio import agreement, download, kept, metric_view
from apps.studio.agreement import Agreement
from apps.studio.csv_panel import classify, show_reach
from apps.studio.settings import DEFAULT_ROWS, MAX_ROWS
from apps.studio.upload import ask

SAMPLE = "text,label\nA lovely little film.,positive\nI want my money back.,negative\n"
NO_LABELS = "(no labels)"


def show(first: ServedModel, second: ServedModel) -> None:
    """Draws the panel."""
    upload = ask(
        "A CSV file with texts and labels",
        "classified",
        ("labelled.csv", SAMPLE),
        ("compare_file", "compare_encoding", "compare_header"),
    )
    if upload is None:
        return
    table, columns = upload.table, upload.columns
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("Column with the texts", columns, key="compare_column", width=260)
        choices = [NO_LABELS, *(name for name in table.columns if name != column)]
        likely = agreement.likely_label_column(choices[1:])
        place = choices.index(likely) if likely else 0
        labels = st.selectbox("Column with the labels", choices, place, key="compare_labels", width=260)
        limit = st.number_input(
            "Rows at most", 1, MAX_ROWS, min(DEFAULT_ROWS, MAX_ROWS), key="compare_limit", width=150
        )
        start = st.button("Compare", type="primary", icon=":material/compare_arrows:", key="compare_start")
    chosen = table.head(int(limit))
    if len(table) > len(chosen):
        st.caption(f"The file has {len(table):,} rows; the first {len(chosen):,} are classified.")
    show_reach(first.entry, second.entry)
    models = (first, second)
    job = (
        *upload.identity,
        column,
        int(limit),
        *(part for model in models for part in (model.entry.key, model.entry.fingerprint())),
    )
    results = kept.result("compared", job, start, lambda: [classify(model, chosen, column) for model in models])
    if results is None:
        st.dataframe(chosen.head(5), hide_index=True)
        return
    _show_result(chosen, models, results, None if labels == NO_LABELS else labels, upload.name)


def _show_result(
    table: pd.DataFrame,
    models: tuple[ServedModel, ServedModel],
    results: list[pd.DataFrame],
    truth: str | None,
    name: str,
) -> None:
    """The figures, the confusion, the table and the download."""
    width = table.shape[1]
    verdicts = [[None if pd.isna(label) else str(label) for label in result.iloc[:, width]] for result in results]
    known = [label for model in models for label in model.entry.labels]
    found = agreement.measure(
        verdicts[0], verdicts[1], known, None if truth is None else table[truth].astype(str).tolist()
    )
    names = [model.entry.key for model in models]
    if not found.texts:
        st.warning("No text of this file has a verdict: all are empty or too long.", icon=":material/table:")
        return
    st.html(f'<div class="studio" role="status">{metric_view.facts(_facts(found, names))}</div>')
    _show_labels(found, truth, known)
    st.subheader("One against the other", anchor=False)
    corner = "first ↓ \N{NO-BREAK SPACE} second →"
    st.html(metric_view.confusion_matrix(found.counts, found.labels, corner))
    st.caption(
        "Rows are the verdicts of the first model, columns those of the second: what differs is off the diagonal."
    )
    st.subheader("Disagreements first", anchor=False)
    joined = agreement.side_by_side(table, names, results, truth, known)
    st.dataframe(joined, hide_index=True)
    download.offer("Download the comparison", joined, f"{name.rsplit('.', 1)[0]}-compared.csv")


def _facts(found: Agreement, names: list[str]) -> list[tuple[str, str]]:
    """The figures above the table."""
    pairs = []
    if found.accuracies is not None:
        for name, value, side in zip(names, found.accuracies, ("first", "second"), strict=True):
            pairs.append((metric_view.shown(value, "accuracy"), f"accuracy, {name} ({side})"))
    pairs.append(
        (metric_view.shown(found.same / found.texts, "accuracy"), f"the same verdict, of {found.texts:,} texts")
    )
    if found.accuracies is not None:
        pairs.append((f"{found.only_first:,}", "only the first is right"))
        pairs.append((f"{found.only_second:,}", "only the second is right"))
    return pairs


def _show_labels(found: Agreement, truth: str | None, known: list[str]) -> None:
    """What the labels can tell, or why they cannot."""
    if truth is None:
        st.caption("With a column of labels there would be accuracies.")
        return
    if not found.labelled:
        names = ", ".join(dict.fromkeys(known))
        st.html(f'<div class="studio"><p class="muted">No label of that column is one of: {escape(names)}.</p></div>')
        return
    left_out = found.texts - found.labelled
    if left_out:
        st.caption(f"Texts with a label that neither model knows: {left_out:,}. They do not count for the accuracies.")
    uneven = found.only_first + found.only_second
    if uneven:
        verdict = "that is hardly chance" if found.p_value < 0.05 else "that may well be chance"
        st.caption(
            f"Texts on which just one is right: {uneven:,}. A fair coin would divide them as unevenly with a "
            f"probability of {found.p_value:.2g} (McNemar's test): {verdict}."
        )

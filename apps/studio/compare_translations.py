"""A CSV file, if need be with references, through two translators: what each writes, and which is nearer to people."""

import pandas as pd
import streamlit as st

from apps.serving.registry import ModelEntry
from apps.serving.served import ServedModel
from apps.studio import download, kept, metric_view, text_agreement, translation_csv
from apps.studio.settings import MAX_TRANSLATED_ROWS
from apps.studio.text_agreement import Quality
from apps.studio.translation import languages
from apps.studio.upload import ask

SAMPLE = (
    "text,reference\nA dog runs on the beach.,Ein Hund läuft am Strand.\nTwo women are talking.,Zwei Frauen reden.\n"
)
NO_REFERENCES = "(no references)"


def show(first: ServedModel, second: ServedModel) -> None:
    """Draws the panel."""
    upload = ask(
        "A CSV file with sentences, and if you have them with translations",
        "translated",
        ("pairs.csv", SAMPLE),
        ("compare_pairs", "compare_pairs_encoding", "compare_pairs_header"),
    )
    if upload is None:
        return
    table = upload.table.head(MAX_TRANSLATED_ROWS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("Column with the sentences", upload.columns, key="compare_sentences", width=260)
        choices = [NO_REFERENCES, *(name for name in table.columns if name != column)]
        likely = text_agreement.likely_reference_column(choices[1:])
        place = choices.index(likely) if likely else 0
        references = st.selectbox("Column with references", choices, place, key="compare_references", width=260)
        start = st.button("Compare", type="primary", icon=":material/compare_arrows:", key="compare_start_pairs")
    translation_csv.show_cuts(upload.table, table, column)
    models = (first, second)
    entries = [model.entry for model in models]
    job = (*upload.identity, column, *(part for entry in entries for part in (entry.key, entry.fingerprint())))
    outputs = kept.result(
        "compared_pairs",
        job,
        start,
        lambda: [translation_csv.translations(model, table[column]) for model in models],
    )
    if outputs is None:
        st.dataframe(table.head(5), hide_index=True)
        return
    qualities = _show_figures(
        table, entries, (outputs[0], outputs[1]), None if references == NO_REFERENCES else references
    )
    st.subheader("Disagreements first", anchor=False)
    names = [entry.key for entry in entries]
    joined = text_agreement.differing_first(table, names, (outputs[0], outputs[1]), qualities)
    st.dataframe(joined, hide_index=True)
    download.offer("Download the comparison", joined, f"{upload.stem}-compared.csv")


def _show_figures(
    table: pd.DataFrame, entries: list[ModelEntry], outputs: tuple[list[str], list[str]], column: str | None
) -> list[Quality]:
    """How often both write the same, and how near to the references each is; that of each text too."""
    same = sum(one == other for one, other in zip(*outputs, strict=True))
    facts = [(metric_view.shown(same / len(table), "accuracy"), f"the same words, of {len(table):,} texts")]
    qualities: list[Quality] = []
    if column is None:
        st.caption("With a column of references there would be BLEU and chrF.")
    else:
        references = table[column].fillna("").astype(str).tolist()
        rows = [row for row, text in enumerate(references) if text.strip()]
        if len(rows) < len(references):
            st.caption(f"Texts without a reference, which count for neither figure: {len(references) - len(rows):,}.")
        if rows:
            for entry, output in zip(entries, outputs, strict=True):
                chosen = [[texts[row] for row in rows] for texts in (output, references)]
                measured = text_agreement.quality(chosen[0], chosen[1], languages(entry)[1])
                facts += [
                    (f"{measured.bleu:.2f}", f"BLEU, {entry.key}"),
                    (f"{measured.chrf:.2f}", f"chrF, {entry.key}"),
                ]
                each = [float("nan")] * len(references)
                for row, score in zip(rows, measured.each, strict=True):
                    each[row] = score
                qualities.append(Quality(measured.bleu, measured.chrf, each))
    st.html(f'<div class="studio" role="status">{metric_view.facts(facts)}</div>')
    return qualities

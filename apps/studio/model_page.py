"""The model page: card, metrics, files, signatures and how to call it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from apps.serving import model_card, registry
from apps.serving.registry import ModelEntry
from apps.studio import catalog, deep_link, frame, metric_view
from apps.studio.plain import plain, show_error, without_pictures


def show() -> None:
    """Draws the page."""
    st.title("Models", anchor=False)
    entries = catalog.models()
    if not entries:
        catalog.show_missing()
        return
    deep_link.read({"model": "model"})
    entry = catalog.choose(entries, "model")
    deep_link.write({"model": entry.key})
    if not _is_as_exported(entry):
        _show_files(entry)
        return
    metrics, card, files, calling, config = st.tabs(["Metrics", "Card", "Files", "How to call it", "Configuration"])
    with metrics:
        _show_metrics(entry)
    with card:
        text = registry.model_card(entry)
        if text:
            st.markdown(without_pictures(text.partition("\n")[2] if text.startswith("# ") else text))
        else:
            st.info("This model has no card.")
    with files:
        _show_files(entry)
    with calling:
        _show_calling(entry)
    with config:
        st.json(entry.metadata.get("config") or {}, expanded=2)
    catalog.show_unreadable()


def _differences(entry: ModelEntry) -> list[str]:
    """What differs from the recorded sha256."""
    return catalog.differences(entry, str(entry.path.resolve()), entry.fingerprint())


def _is_as_exported(entry: ModelEntry) -> bool:
    """Says whether the files are as they were exported; what a changed model claims is not worth showing."""
    found = _differences(entry)
    if found:
        show_error(
            f"{entry.key} is not as it was exported, so it is not used ({', '.join(found)}). "
            "Restore the file or export the model again.",
            ":material/gpp_bad:",
        )
        return False
    created = plain(str(entry.metadata["created"])[:10])
    count = len(entry.metadata["files"])
    st.caption(f"Exported on {created} · {entry.size / 1e6:.1f} MB · all {count} files as exported (sha256)")
    return True


def _show_metrics(entry: ModelEntry) -> None:
    """Numbers, confusion matrix and calibration of one split."""
    metrics = entry.metadata.get("metrics") or {}
    found = metric_view.splits(metrics)
    if not found:
        st.info("No metrics were recorded at export. `keras-seq evaluate` measures a model.")
        return
    split = found[0]
    if len(found) > 1:
        key = f"split-{entry.key}"
        split = st.segmented_control("Measured on", found, default=found[0], key=key, format_func=plain) or found[0]
    elif split:
        st.caption(f"Measured on the split {plain(split)}.")
    numbers = metric_view.single_numbers(metrics, split)
    facts = [(metric_view.shown(value, name), metric_view.metric_name(name)) for name, value in numbers]
    st.html(f'<div class="studio">{metric_view.facts(facts)}</div>')
    _show_charts(metric_view.of_split(metrics, split), entry.labels)


def _show_charts(metrics: Mapping[str, Any], labels: list[str]) -> None:
    """Confusion matrix and calibration, as far as they were recorded."""
    matrix = metrics.get("confusion")
    bins = metric_view.calibration_bins(metrics)
    left, right = st.columns(2, gap="large")
    if matrix and len(matrix) == len(labels):
        with left:
            st.subheader("Confusion matrix", anchor=False)
            st.html(metric_view.confusion_matrix(matrix, labels))
            st.caption("Rows are the true classes; the percentage is the share of its row.")
    if bins:
        with right:
            st.subheader("Calibration", anchor=False)
            st.altair_chart(metric_view.calibration_chart(bins))
            st.caption(
                "On the dashed line, the model is right as often as it says. A larger dot stands for more texts."
            )
    classes = metric_view.class_table(metrics)
    if classes is not None:
        st.subheader("Classes", anchor=False)
        shares = {name: st.column_config.NumberColumn(format="%.3f") for name in ("precision", "recall", "F1")}
        st.dataframe(classes, hide_index=True, column_config=shares)


def _show_files(entry: ModelEntry) -> None:
    """The files with their state, size and digest."""
    state = dict(line.split(": ", 1)[::-1] for line in _differences(entry))
    names = sorted({*entry.metadata["files"], *(name for name in state if name != "metadata.json")})
    rows = []
    for name in names:
        path = entry.path / name
        size = path.stat().st_size if path.is_file() else None
        digest = entry.metadata["files"].get(name, "")
        rows.append({"file": name, "state": state.get(name, "as exported"), "bytes": size, "sha256": digest})
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(f"In {plain(entry.path)}. The same check on the command line:")
    st.code(f"keras-seq models verify {entry.key}", language="sh")


def _show_calling(entry: ModelEntry) -> None:
    """The signatures, and code that calls them."""
    rows = [
        {
            "signature": name,
            "direction": direction,
            "tensor": tensor,
            "type": spec["dtype"],
            "shape": model_card.shape_text(spec["shape"]),
        }
        for name, signature in entry.metadata["signatures"].items()
        for direction, key in (("in", "inputs"), ("out", "outputs"))
        for tensor, spec in signature[key].items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    examples = ("A lovely little film.", "I want my money back.")
    st.subheader("Plain TensorFlow", anchor=False)
    st.code(model_card.python_example(entry.metadata, str(entry.path), examples), language="python")
    st.subheader("TF Serving", anchor=False)
    st.code(model_card.serving_example(entry.metadata, examples), language="sh")
    if entry.task not in frame.PREDICTED:
        return
    st.subheader("The command line", anchor=False)
    st.code(f'keras-seq predict {entry.task} "A lovely little film." --model {entry.key}', language="sh")

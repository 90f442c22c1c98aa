"""A CSV file that a person uploads, read."""

import hashlib
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from apps.errors import UserError
from apps.studio import tables
from apps.studio.plain import show_error


@dataclass(frozen=True)
class Upload:
    """A file that has been read.

    Attributes:
        name: Its name.
        identity: What tells it, read in this way, from others.
        table: Its rows.
        columns: The columns that hold texts, the likeliest first.
    """

    name: str
    identity: tuple[str, str, bool]
    table: pd.DataFrame
    columns: list[str]

    @property
    def stem(self) -> str:
        """Its name without the ending."""
        return self.name.rsplit(".", 1)[0]


def ask(label: str, done: str, sample: tuple[str, str], keys: tuple[str, str, str]) -> Upload | None:
    """Ask for a file, and read it; None while there is none, or after saying what is wrong with it.

    Args:
        label: What to upload.
        done: What is done with it, such as "classified".
        sample: Name and content of a small file to try.
        keys: The widgets of the file, its encoding and its first line.
    """
    left, right = st.columns([3, 1], gap="medium")
    with left:
        upload = st.file_uploader(label, type=["csv", "tsv", "txt"], key=keys[0])
    with right:
        encoding = st.selectbox("Encoding", list(tables.ENCODINGS), key=keys[1])
        header = st.toggle("First line names the columns", value=True, key=keys[2])
    if upload is None:
        st.caption(f"Nothing is kept: the file is read, {done} and forgotten. No file at hand?")
        name, content = sample
        st.download_button("Download a small one", content, name, "text/csv", on_click="ignore")
        return None
    raw = upload.getvalue()
    try:
        table = tables.read_table(raw, encoding, header)
        columns = tables.text_columns(table)
    except UserError as error:
        show_error(error, ":material/table:")
        return None
    return Upload(upload.name, (hashlib.sha256(raw).hexdigest(), encoding, header), table, columns)

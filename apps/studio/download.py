"""Tables as files to take home."""

import pandas as pd
import streamlit as st

from apps.studio import tables


def offer(label: str, table: pd.DataFrame, name: str) -> None:
    """A button that saves a table as CSV, with nothing in it that a spreadsheet would run.

    Args:
        label: What stands on the button.
        table: What is saved.
        name: The file's name.
    """
    # The byte order mark tells spreadsheets that it is UTF-8.
    content = tables.without_formulas(table).to_csv(index=False).encode("utf-8-sig")
    st.download_button(label, content, name, "text/csv", icon=":material/download:", on_click="ignore")

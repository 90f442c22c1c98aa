"""CSV files in and out: reading what people upload, and classifying its rows."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from apps.errors import UserError
from apps.serving.served import ServedModel
from apps.studio.settings import BATCH_SIZE, MAX_CHARACTERS

ENCODINGS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "Windows-1252 (Western)": "cp1252",
    "GB18030 (Chinese)": "gb18030",
    "Shift JIS (Japanese)": "shift_jis",
}
# The last four are the wide forms of the first, which East Asian keyboards write.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", *(chr(ord(sign) + 0xFEE0) for sign in "=+-@"))
LIKELY_COLUMNS = ("text", "review", "sentence", "comment", "content", "message", "body")


def read_table(content: bytes, encoding: str = "UTF-8", header: bool = True) -> pd.DataFrame:
    """The rows of a CSV file, every cell a string.

    Commas, semicolons and tabs are recognised as separators.

    Args:
        content: The file.
        encoding: A key of `ENCODINGS`.
        header: Whether the first line names the columns; otherwise they are called `column 1` and so on.

    Raises:
        UserError: when the file is empty, is not in this encoding or is no CSV; the line says where.
    """
    try:
        text = content.decode(ENCODINGS[encoding])
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"Line {line} is not {encoding} text. Choose the file's encoding, or save it as UTF-8."
        ) from None
    if "\0" in text:
        raise UserError("This is no text file. Upload a CSV file; a spreadsheet can be saved as one.")
    if not text.strip():
        raise UserError("The file is empty. Upload a CSV file with a column of texts.")
    rows = list(_rows(text))
    names = _column_names(rows.pop(0)) if header else [f"column {i + 1}" for i in range(len(rows[0]))]
    if not rows:
        raise UserError("The file has a header and no rows. Upload a file with at least one text.")
    return pd.DataFrame([row + [""] * (len(names) - len(row)) for row in rows], columns=names, dtype=object)


def _rows(text: str) -> Iterator[list[str]]:
    """The rows of a CSV text that are not blank, none longer than the first."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    width = 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            while width and len(row) > width and not row[-1]:  # some programs end each row with a separator
                row.pop()
            width = width or len(row)
            if len(row) > width:
                raise UserError(
                    f"The row that ends in line {reader.line_num} has {len(row)} cells and the first row has {width}. "
                    "Put texts that hold separators in quotes."
                )
            yield row
    except csv.Error as error:
        raise UserError(
            f"The file is no regular CSV: {error} (line {reader.line_num}). Check the quotes there."
        ) from None


def _column_names(cells: Sequence[str]) -> list[str]:
    """The names of the columns: empty ones numbered, equal ones told apart."""
    names: list[str] = []
    for i, cell in enumerate(cells):
        name = cell.strip() or f"column {i + 1}"
        while name in names:
            name += "'"
        names.append(name)
    return names


def _separator(text: str) -> str:
    """The separator that the first line has most often outside quotes; a comma when it has none."""
    outside = "".join(text.lstrip("\r\n").split("\n", 1)[0].split('"')[::2])
    return max(",;\t", key=outside.count)


def text_columns(table: pd.DataFrame) -> list[str]:
    """The columns that hold words, the likeliest text column first.

    Raises:
        UserError: when none does.
    """
    lengths = {}
    for column in table.columns:
        cells = table[column].head(200).fillna("").astype(str)
        if cells.str.contains(r"[^\W\d_]").any():
            lengths[column] = cells.str.len().mean()
    if not lengths:
        names = ", ".join(table.columns)
        raise UserError(f"No column of this file holds texts; its columns are: {names}. Add one, for example `text`.")
    return sorted(lengths, key=lambda column: (column.strip().lower() not in LIKELY_COLUMNS, -lengths[column]))


@dataclass(frozen=True)
class Progress:
    """How far the classification of a table is."""

    done: int
    total: int


def classify(model: ServedModel, table: pd.DataFrame, column: str) -> Iterator[Progress | pd.DataFrame]:
    """Classifies the texts of a column.

    Yields:
        `Progress` after each batch, and at last the table with the columns `label`, `probability` (that of
        the label) and one of probabilities for each class. A text that is empty or too long gets none; the column
        `problem` says so.
    """
    texts = table[column].fillna("").astype(str).tolist()
    problems = [_problem(text) for text in texts]
    order = [i for i, problem in enumerate(problems) if not problem]
    # Texts of like length go together: a batch is as slow as its longest text.
    order.sort(key=lambda i: len(texts[i]))
    labels: list[str | None] = [None] * len(texts)
    rows: list[Sequence[float]] = [()] * len(texts)
    yield Progress(0, len(texts))
    for start in range(0, len(order), BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        for names, probabilities in model.predict([texts[i] for i in chosen], BATCH_SIZE):
            for i, name, values in zip(chosen, names, probabilities.tolist(), strict=True):
                labels[i], rows[i] = name, values
        yield Progress(min(start + BATCH_SIZE, len(order)), len(texts))
    yield _joined(table, model.entry.labels, labels, rows, problems)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table for a spreadsheet: what it would take for a formula has a quote before it.

    OWASP, "CSV Injection": cells that begin with one of these signs can run commands when a person opens the file.
    """

    def plain(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell

    return table.map(plain).rename(columns=plain)


def _problem(text: str) -> str:
    """Why a text cannot be classified; empty when it can."""
    if not text.strip():
        return "empty"
    return f"longer than {MAX_CHARACTERS:,} characters" if len(text) > MAX_CHARACTERS else ""


def _joined(
    table: pd.DataFrame,
    classes: Sequence[str],
    labels: Sequence[str | None],
    rows: Sequence[Sequence[float]],
    problems: Sequence[str],
) -> pd.DataFrame:
    """The table with the predictions beside it, under names that are still free."""
    width = max((len(row) for row in rows), default=0)
    names = list(classes) if len(classes) == width else [f"class {i}" for i in range(width)]
    columns: dict[str, Sequence] = {
        "label": labels,
        "probability": [round(max(row), 4) if row else None for row in rows],
    }
    for k, name in enumerate(names):
        columns[f"probability_{name}"] = [round(row[k], 4) if row else None for row in rows]
    if any(problems):
        columns["problem"] = problems
    result = table.reset_index(drop=True).copy()
    for name, values in columns.items():
        free = name if name not in result.columns else f"predicted {name}"
        while free in result.columns:
            free += "'"
        result[free] = list(values)
    return result

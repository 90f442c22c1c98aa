"""Tab-separated files, one row a line."""

from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.columns import HEADER_HINT, find_columns
from pipelines.sources.records import BadRow, Rows, make_row
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable


def read_tsv(path: Path, config: DataConfig) -> Rows:
    """The rows of a TSV file, one at a time.

    Quotes are part of the text, as in GLUE's files; only a field that is quoted as a whole, as spreadsheets write it,
    loses them.

    Raises:
        DataError: The file cannot be read, or its header names no text and label columns.
    """
    name = short_name(path)
    with reading(path), open_text(path, config) as file:
        header_line = file.readline()
        if not header_line.strip():
            raise DataError(f"{name} is empty: it needs a first line that names the columns")
        header = [column.strip() for column in _fields(header_line)]
        text_column, label_column = find_columns(header, config, name, HEADER_HINT)
        text_index, label_index = header.index(text_column), header.index(label_column)
        for number, line in enumerate(file, start=2):
            place = f"{name}:{number}"
            decoded = decode_field(line, config)
            if not line.strip("\r\n"):
                continue
            if decoded is None:
                yield BadRow(place, undecodable(config))
                continue
            row = _fields(decoded)
            if len(row) != len(header):
                yield BadRow(place, f"{len(row)} fields instead of {len(header)}")
            else:
                yield make_row(row[text_index], row[label_index], place)


def _fields(line: str) -> list[str]:
    return [_unquoted(field) for field in line.rstrip("\r\n").split("\t")]


def _unquoted(field: str) -> str:
    whole = len(field) >= 2 and field[0] == field[-1] == '"'
    inside = field[1:-1].replace('""', "")
    return field[1:-1].replace('""', '"') if whole and '"' not in inside else field

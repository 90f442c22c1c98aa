"""CSV files (quoted as RFC 4180 says), and the same with semicolons, as some spreadsheets write them."""

import csv
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.columns import HEADER_HINT, find_columns
from pipelines.sources.records import BadRow, Rows, make_row
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable

# A quote that is never closed makes one field of the rest of the file; this is where we stop reading it.
_LONGEST_FIELD = 2**24


def read_csv(path: Path, config: DataConfig) -> Rows:
    """The rows of a CSV file, one at a time.

    Raises:
        DataError: The file cannot be read, or its header names no text and label columns.
    """
    name = short_name(path)
    with reading(path), open_text(path, config) as file:
        header_line = file.readline()
        if not header_line.strip():
            raise DataError(f"{name} is empty: it needs a first line that names the columns")
        delimiter = _delimiter(header_line)
        header = [column.strip() for column in next(csv.reader([header_line], delimiter=delimiter))]
        text_column, label_column = find_columns(header, config, name, HEADER_HINT)
        text_index, label_index = header.index(text_column), header.index(label_column)
        csv.field_size_limit(_LONGEST_FIELD)
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            place = f"{name}:{rows.line_num + 2}"  # the header is line 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(place, f'not valid CSV ({error}): a quote inside a quoted field is written ""')
                continue
            if not row:
                continue
            if len(row) != len(header):
                yield BadRow(place, f"{len(row)} fields instead of {len(header)}")
                continue
            text, label = decode_field(row[text_index], config), decode_field(row[label_index], config)
            if text is None or label is None:
                yield BadRow(place, undecodable(config))
            else:
                yield make_row(text, label, place)


def _delimiter(header: str) -> str:
    """The comma, unless the header has none of it but some of another."""
    return "," if "," in header else max(",;\t|", key=header.count)

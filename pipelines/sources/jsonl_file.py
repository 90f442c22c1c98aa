"""Files of one JSON object a line."""

import json
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.columns import find_columns
from pipelines.sources.records import BadRow, Rows, make_row
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable


def read_jsonl(path: Path, config: DataConfig) -> Rows:
    """The objects of a JSON Lines file, one at a time. The first one decides which keys are text and label.

    Raises:
        DataError: The file cannot be read, or its first object has no text and label keys.
    """
    name = short_name(path)
    columns = None
    with reading(path), open_text(path, config) as file:
        for number, line in enumerate(file, start=1):
            place = f"{name}:{number}"
            if not line.strip():
                continue
            decoded = decode_field(line, config)
            if decoded is None:
                yield BadRow(place, undecodable(config))
                continue
            try:
                row = json.loads(decoded)
            except (ValueError, RecursionError) as error:
                yield BadRow(place, f"not valid JSON: {error}")
                continue
            if not isinstance(row, dict):
                yield BadRow(place, f"not a JSON object but {type(row).__name__}")
                continue
            columns = columns or find_columns(list(row), config, name)
            missing = [repr(column) for column in columns if column not in row]
            if missing:
                yield BadRow(place, f"no key {' and '.join(missing)}")
            else:
                yield make_row(row[columns[0]], row[columns[1]], place)
        if columns is None:
            raise DataError(f"{name} holds no JSON object: it needs one a line, with keys for text and label")

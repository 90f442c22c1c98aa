"""Parquet files, as the Hugging Face hub has them."""

import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.columns import find_columns
from pipelines.sources.records import BadRow, Rows, label_text, make_row
from pipelines.sources.text_files import reading, short_name


def parquet_files(path: str, option: str) -> list[Path]:
    """The file, or the parquet files of the folder in the order of their names."""
    files = sorted(Path(path).glob("*.parquet")) if Path(path).is_dir() else [Path(path)]
    if not files or not all(file.is_file() for file in files):
        raise DataError(f"there is no parquet file {path}: correct {option}")
    return files


def read_parquet(files: list[Path], config: DataConfig) -> Rows:
    """The rows of parquet files, one row group at a time. Class names of the Hugging Face metadata replace class ids.

    Raises:
        DataError: pyarrow is missing, a file cannot be read, or it has no text and label columns.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("parquet files need pyarrow: pip install pyarrow") from error
    for path in files:
        name = short_name(path)
        try:
            with reading(path), pyarrow.parquet.ParquetFile(path) as file:
                text_column, label_column = find_columns(file.schema_arrow.names, config, name)
                classes = _class_names(file.schema_arrow.metadata, label_column)
                yield from _rows(file, text_column, label_column, classes, name)
        except pyarrow.ArrowException as error:
            raise DataError(f"{name} is not a parquet file that can be read: {error}") from error


def _rows(file, text_column: str, label_column: str, classes: list[str] | None, name: str) -> Iterator:
    number = 0
    for batch in file.iter_batches(batch_size=4096, columns=[text_column, label_column]):
        columns = batch.to_pydict()
        for text, label in zip(columns[text_column], columns[label_column], strict=True):
            number += 1
            place = f"{name}:{number}"
            if classes is not None and isinstance(label, int):
                if not 0 <= label < len(classes):
                    yield BadRow(place, f"the label {label} is none of the {len(classes)} classes of the file")
                    continue
                label = classes[label]
            yield make_row(text, label, place)


def _class_names(metadata: dict[bytes, bytes] | None, column: str) -> list[str] | None:
    """Names of a ClassLabel column in the metadata that the `datasets` package writes, if they are there."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return [label_text(name) for name in features[column]["names"]]
    except (KeyError, TypeError, ValueError):
        return None

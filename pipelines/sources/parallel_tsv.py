"""Parallel text as a table: one pair a line, columns apart by tabs, as Tatoeba's collections have it."""

from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.parallel_config import ParallelConfig
from pipelines.sources.pairs import Pairs, make_pair
from pipelines.sources.records import BadRow
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable


def column_numbers(config: ParallelConfig) -> tuple[int, int]:
    """The two columns, from 0.

    Raises:
        DataError: They are no numbers from 1, or the same.
    """
    numbers = []
    for option, default in (("source_column", 1), ("target_column", 2)):
        column = getattr(config, option) or str(default)
        if not column.isdecimal() or int(column) < 1:
            raise DataError(f"data.{option} must be the number of a column, from 1. Received: {column}")
        numbers.append(int(column) - 1)
    if numbers[0] == numbers[1]:
        raise DataError(f"--data.source_column and --data.target_column are both {numbers[0] + 1}: set the other, too")
    return numbers[0], numbers[1]


def read_parallel_tsv(path: Path, config: ParallelConfig) -> Pairs:
    """The pairs of a table, one at a time.

    Raises:
        DataError: The file cannot be read.
    """
    options = DataConfig(encoding=config.encoding, fallback_encoding=config.fallback_encoding)
    source, target = column_numbers(config)
    name = short_name(path)
    with reading(path), open_text(path, options) as file:
        for number, line in enumerate(file, start=1):
            place = f"{name}:{number}"
            text = decode_field(line.rstrip("\r\n"), options)
            if text is None:
                yield BadRow(place, undecodable(options))
                continue
            if not text:
                continue
            columns = text.split("\t")
            if len(columns) <= max(source, target):
                yield BadRow(place, f"{len(columns)} columns where column {max(source, target) + 1} is wanted")
            else:
                yield make_pair(columns[source], columns[target], place)

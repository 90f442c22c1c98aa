"""Parallel text as a table: one pair a line, columns apart by tabs, as Tatoeba's collections have it."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.parallel_config import ParallelConfig
from pipelines.sources.columns import listing
from pipelines.sources.pairs import Pairs, make_pair
from pipelines.sources.records import BadRow
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable


def named_columns(config: ParallelConfig) -> tuple[str, str] | None:
    """The names of the two columns, if they are given by name; the first line of a file then names its columns.

    Raises:
        DataError: One is a name, and the other a number or left out.
    """
    given = config.source_column, config.target_column
    numbers = [column is None or column.isdecimal() for column in given]
    if all(numbers):
        return None
    if any(numbers):
        option = ("source_column", "target_column")[numbers.index(True)]
        received = given[numbers.index(True)]
        raise DataError(f"data.{option} must be the name of a column as the other is. Received: {received or 'none'}")
    return str(given[0]), str(given[1])


def column_numbers(config: ParallelConfig, names: Sequence[str] = (), file: str = "") -> tuple[int, int]:
    """The two columns, from 0.

    Args:
        config: The options.
        names: What the first line of the file calls its columns, if it does.
        file: For the message.

    Raises:
        DataError: They are no numbers from 1, not among the names, or the same.
    """
    wanted = named_columns(config)
    if wanted is not None:
        for option, column in zip(("source_column", "target_column"), wanted, strict=True):
            if column not in names:
                raise DataError(
                    f"{file} has no column {column!r}: set --data.{option} to one of those its first line names, "
                    f"{listing(names)}, or to the number of a column if its first line names none"
                )
        return names.index(wanted[0]), names.index(wanted[1])
    numbers = []
    for option, default in (("source_column", 1), ("target_column", 2)):
        column = getattr(config, option) or str(default)
        if int(column) < 1:
            raise DataError(f"data.{option} must be a name, or the number of a column, from 1. Received: {column}")
        numbers.append(int(column) - 1)
    if numbers[0] == numbers[1]:
        raise DataError(f"--data.source_column and --data.target_column are both {numbers[0] + 1}: set the other, too")
    return numbers[0], numbers[1]


def columns_of(path: Path, config: ParallelConfig) -> tuple[int, int]:
    """The two columns of a table, from 0; of its lines, only one that names the columns is read.

    Raises:
        DataError: The file cannot be read, or has no such columns.
    """
    if named_columns(config) is None:
        return column_numbers(config)
    with reading(path), open_text(path, _text_options(config)) as file:
        return column_numbers(config, _names(file.readline()), short_name(path))


def read_parallel_tsv(path: Path, config: ParallelConfig) -> Pairs:
    """The pairs of a table, one at a time.

    Raises:
        DataError: The file cannot be read, or has no such columns.
    """
    options = _text_options(config)
    source, target = columns_of(path, config)
    name, first = short_name(path), 1
    with reading(path), open_text(path, options) as file:
        if named_columns(config) is not None:
            file.readline()
            first = 2
        for number, line in enumerate(file, start=first):
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


def _text_options(config: ParallelConfig) -> DataConfig:
    return DataConfig(encoding=config.encoding, fallback_encoding=config.fallback_encoding)


def _names(line: str) -> list[str]:
    return [name.strip() for name in line.rstrip("\r\n").split("\t")]

"""Parallel text as two files: line n of one is the translation of line n of the other."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.parallel_config import ParallelConfig
from pipelines.sources.pairs import Pairs, make_pair
from pipelines.sources.records import BadRow
from pipelines.sources.text_files import decode_field, open_text, reading, short_name, undecodable


def read_parallel_files(source: Path, target: Path, config: ParallelConfig) -> Pairs:
    """The pairs of two files, one at a time.

    A line ends with a line feed and with nothing else, so that a stray carriage return or a separator of Unicode in
    one language does not move all the lines after it.

    Raises:
        DataError: A file cannot be read, or one has more lines than the other.
    """
    options = DataConfig(encoding=config.encoding, fallback_encoding=config.fallback_encoding)
    names = short_name(source), short_name(target)
    lines = zip_longest(_lines(source, options), _lines(target, options))
    for number, (source_line, target_line) in enumerate(lines, start=1):
        if source_line is None or target_line is None:
            shorter, longer = (1, 0) if target_line is None else (0, 1)
            raise DataError(
                f"{names[longer]}:{number} has no counterpart: {names[shorter]} ends after {number - 1} lines; line n "
                "of one file must be the translation of line n of the other"
            )
        decoded = decode_field(source_line, options), decode_field(target_line, options)
        if decoded[0] is None or decoded[1] is None:
            yield BadRow(f"{names[0 if decoded[0] is None else 1]}:{number}", undecodable(options))
        else:
            yield make_pair(decoded[0], decoded[1], f"{names[0]}:{number}")


def _lines(path: Path, options: DataConfig) -> Iterator[str]:
    with reading(path), open_text(path, options) as file:
        file.reconfigure(newline="\n")  # type: ignore[attr-defined]
        yield from file

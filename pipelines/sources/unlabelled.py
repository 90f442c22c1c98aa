"""Texts without labels: those that come with a data set, and those of a file."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.records import Source
from pipelines.sources.text_files import existing_file, full_lines, short_name


def unlabelled_texts(source: Source, config: DataConfig) -> Callable[[], Iterator[str]] | None:
    """Opens the texts that the options ask for, at most `limit` of them; None if they ask for none.

    Raises:
        DataError: There are none, or no such file.
    """
    openers: list[Callable[[], Iterator[str]]] = []
    if config.unlabelled:
        if source.unlabelled is None:
            raise DataError(f"{source.name} has no texts without labels: leave out --data.unlabelled")
        openers.append(source.unlabelled)
    if config.unlabelled_file is not None:
        path = existing_file(config.unlabelled_file, "--data.unlabelled_file")
        openers.append(lambda: _read_lines(path, config))
    if not openers:
        return None
    return lambda: islice(chain.from_iterable(opener() for opener in openers), config.limit)


def _read_lines(path: Path, config: DataConfig) -> Iterator[str]:
    any_text = False
    for _, text in full_lines(path, config):
        any_text = True
        yield text
    if not any_text:
        raise DataError(f"{short_name(path)} holds no texts: it needs one a line")

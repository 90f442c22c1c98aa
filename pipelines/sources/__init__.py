"""Where records come from. Every source is a stream of `Record` and `BadRow`; `open_source` picks one."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pipelines.config import DataConfig
from pipelines.sources.csv_file import read_csv
from pipelines.sources.folder import read_folder, split_folders
from pipelines.sources.jsonl_file import read_jsonl
from pipelines.sources.parquet_file import parquet_files, read_parquet
from pipelines.sources.records import BadRow, Record, Rows, Source
from pipelines.sources.samples import samples_folder
from pipelines.sources.text_files import existing_file, short_name
from pipelines.sources.tfds import open_tfds
from pipelines.sources.tsv_file import read_tsv

__all__ = ["BadRow", "Record", "Rows", "Source", "open_source"]

_LINE_READERS: dict[str, Callable[[Path, DataConfig], Rows]] = {"csv": read_csv, "tsv": read_tsv, "jsonl": read_jsonl}


def open_source(config: DataConfig) -> Source:
    """The source that the options name. Reading starts with `train()` or `test()`, not here.

    Raises:
        DataError: There is nothing to read at the path that is given.
    """
    kind = config.resolved_source
    if kind == "tfds":
        return open_tfds(config)
    if kind == "samples":
        folder = samples_folder()
        return Source(
            name="samples/sentiment.csv",
            train=partial(read_csv, folder / "sentiment.csv", config),
            test=partial(read_csv, folder / "sentiment_test.csv", config),
            licence="Apache-2.0",
        )
    path, test_path = getattr(config, kind), config.test_file
    if kind == "folder":
        train_folder, test_folder = split_folders(path, "--data.folder")
        if test_path is not None:
            test_folder = split_folders(test_path, "--data.test_file")[0]
        return Source(
            name=short_name(path),
            train=partial(read_folder, train_folder, config),
            test=None if test_folder is None else partial(read_folder, test_folder, config),
        )
    if kind == "parquet":
        train_files = parquet_files(path, "--data.parquet")
        test_files = None if test_path is None else parquet_files(test_path, "--data.test_file")
        return Source(
            name=short_name(path),
            train=partial(read_parquet, train_files, config),
            test=None if test_files is None else partial(read_parquet, test_files, config),
        )
    reader = _LINE_READERS[kind]
    file = existing_file(path, f"--data.{kind}")
    test_file = None if test_path is None else existing_file(test_path, "--data.test_file")
    return Source(
        name=short_name(path),
        train=partial(reader, file, config),
        test=None if test_file is None else partial(reader, test_file, config),
    )

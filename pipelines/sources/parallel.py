"""Opening parallel text by its options."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines.parallel_config import ParallelConfig
from pipelines.sources.pairs import ParallelSource
from pipelines.sources.parallel_files import read_parallel_files
from pipelines.sources.parallel_tsv import columns_of, named_columns, read_parallel_tsv
from pipelines.sources.samples import samples_folder
from pipelines.sources.text_files import existing_file, short_name
from pipelines.sources.tfds_pairs import open_tfds_pairs

SAMPLE, SAMPLE_LANGUAGES = "translation.tsv", ("en", "de")
_COMPRESSED = ".gz"


def open_parallel(config: ParallelConfig) -> ParallelSource:
    """The parallel text that the options name. Reading starts with `train()`, not here.

    Raises:
        DataError: There is nothing to read at a path that is given.
    """
    source = _open(config)
    return replace(source, name=config.title or source.name, licence=config.licence or source.licence)


def _open(config: ParallelConfig) -> ParallelSource:
    kind = config.resolved_source
    if kind == "tfds":
        return open_tfds_pairs(config)
    if kind == "files":
        return _open_files(config)
    sample = samples_folder() / SAMPLE
    columns = columns_of(sample if kind == "samples" else existing_file(str(config.tsv), "--data.tsv"), config)
    first_column = "source" if columns[0] < columns[1] else "target"
    if kind == "samples":
        return ParallelSource(
            name=f"samples/{SAMPLE}",
            train=partial(read_parallel_tsv, sample, config),
            languages=_named(config, tuple(SAMPLE_LANGUAGES[column] if column < 2 else "" for column in columns)),
            first_column=first_column,
            licence="Apache-2.0",
        )

    def table(option: str):
        path = getattr(config, option)
        return None if path is None else partial(read_parallel_tsv, existing_file(path, f"--data.{option}"), config)

    train = table("tsv")
    assert train is not None
    return ParallelSource(
        name=short_name(str(config.tsv)),
        train=train,
        validation=table("validation_tsv"),
        test=table("test_tsv"),
        languages=_named(config, named_columns(config) or ("", "")),
        first_column=first_column,
    )


def _open_files(config: ParallelConfig) -> ParallelSource:
    def files(prefix: str):
        options = f"{prefix}source_file", f"{prefix}target_file"
        if getattr(config, options[0]) is None:
            return None
        source, target = (existing_file(getattr(config, option), f"--data.{option}") for option in options)
        return partial(read_parallel_files, source, target, config)

    train = files("")
    assert train is not None
    paths = str(config.source_file), str(config.target_file)
    endings = tuple(Path(path.removesuffix(_COMPRESSED)).suffix.removeprefix(".") for path in paths)
    return ParallelSource(
        name=" and ".join(short_name(path) for path in paths),
        train=train,
        validation=files("validation_"),
        test=files("test_"),
        languages=_named(config, endings if endings[0] != endings[1] else ("", "")),
    )


def _named(config: ParallelConfig, found: tuple[str, ...]) -> tuple[str, str]:
    return config.source_language or found[0], config.target_language or found[1]

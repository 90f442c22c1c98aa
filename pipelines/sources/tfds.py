"""TensorFlow Datasets by name. Prepared data are opened from their folder, so that no network is asked."""

import contextlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.sources.columns import find_columns
from pipelines.sources.records import BadRow, Rows, Source, make_row

# Asked before a download: TensorFlow Datasets itself waits for minutes where there is no network.
_REACHABLE = "https://storage.googleapis.com/tfds-data"
_PATIENCE_SECONDS = 5
# What data sets call the split of texts that have no labels.
_UNLABELLED = "unsupervised"
_LICENCES = {
    "imdb_reviews": "Large Movie Review Dataset (Maas et al., 2011); for research, to be cited",
    "tiny_shakespeare": "public domain (William Shakespeare; selected by Andrej Karpathy, 2015)",
}


def open_tfds(config: DataConfig) -> Source:
    """A data set of TensorFlow Datasets with a `train` split; its test rows are `test`, else `validation`.

    Raises:
        DataError: It is not prepared on this machine and cannot be downloaded, or has no text and label features.
    """
    builder = open_builder(config)
    features = builder.info.features
    if not hasattr(features, "keys"):
        raise DataError(f"{config.name} has no text and label features: choose another --data.name")
    text, label = find_columns(list(features.keys()), config, f"the data set {config.name}")
    splits = builder.info.splits
    if "train" not in splits:
        raise DataError(
            f"{config.name} has no train split but {', '.join(splits) or 'none'}: choose another --data.name"
        )
    names = getattr(features[label], "names", None)
    test = next(
        (split for split in ("test", "validation") if split in splits and _labelled(builder, split, label)), None
    )
    return Source(
        name=config.name,
        train=partial(_read, builder, "train", text, label, names),
        test=None if test is None else partial(_read, builder, test, text, label, names),
        unlabelled=partial(_read_texts, builder, _UNLABELLED, text) if _UNLABELLED in splits else None,
        labels=tuple(names) if names else None,
        licence=licence_of(builder),
        details={"version": str(builder.version), "config": getattr(builder.builder_config, "name", "") or ""},
    )


def data_folder(config: DataConfig) -> Path:
    """The folder of prepared data sets: the option, else TFDS_DATA_DIR, else TFDS' default."""
    return Path(config.dir or os.environ.get("TFDS_DATA_DIR") or Path("~") / "tensorflow_datasets").expanduser()


def find_prepared(root: Path, name: str) -> Path | None:
    """The folder of a prepared data set, of its newest version.

    Args:
        root: The folder of prepared data sets, or of this one data set, or of one version of it.
        name: "name", "name/config" or either of them with ":version".
    """
    name, _, version = name.partition(":")
    dataset, _, config = name.partition("/")
    if not root.is_dir():
        return None
    found = []
    candidates = [root / dataset] if (root / dataset).is_dir() else [root] if dataset in root.resolve().parts else []
    for candidate in candidates:
        for depth in ("", "*/", "*/*/"):
            found += [info.parent for info in candidate.glob(depth + "dataset_info.json")]
    found = [
        folder
        for folder in found
        if (not version or folder.name == version) and (not config or config in folder.resolve().parts[-2:])
    ]
    return max(found, key=lambda folder: (_version_key(folder.name), folder.parent.name), default=None)


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))


def licence_of(builder: Any) -> str | None:
    """What is known of the terms of use."""
    return _LICENCES.get(builder.name)


def open_builder(config: DataConfig) -> Any:
    """The builder of a data set that is prepared; it is downloaded and prepared if it is not yet.

    Raises:
        DataError: It is not prepared on this machine and cannot be downloaded.
    """
    root = data_folder(config)
    prepared = find_prepared(root, config.name)
    if prepared is None and config.dir and not root.is_dir():
        raise DataError(f"there is no folder {root}: correct --data.dir, or use --data.source samples")
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"--data.source tfds needs tensorflow-datasets ({error}): pip install tensorflow-datasets"
        ) from error
    if prepared is not None:
        try:
            return tfds.builder_from_directory(prepared)
        except Exception as error:
            raise DataError(f"{prepared} is not a data set that can be read: prepare it again ({error})") from error
    _check_network(config, root)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # TFDS prints its progress; stdout is for results
            builder = tfds.builder(config.name, data_dir=root)
            builder.download_and_prepare()
    except Exception as error:  # TFDS raises whatever its many download paths raise
        if type(error).__name__ == "DatasetNotFoundError":
            raise DataError(f"TensorFlow Datasets has no {config.name!r}: correct --data.name") from error
        raise DataError(f"{config.name} could not be prepared in {root} ({error}); {_ways_out()}") from error
    return builder


def _check_network(config: DataConfig, root: Path) -> None:
    try:
        urllib.request.urlopen(_REACHABLE, timeout=_PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        return  # an answer, whatever it says
    except (OSError, ValueError) as error:
        raise DataError(
            f"{config.name} is not in {root} and there is no network to download it; {_ways_out()}"
        ) from error


def _ways_out() -> str:
    return (
        "give the folder that holds it with --data.dir or TFDS_DATA_DIR, or train on the small data of this project: "
        "--data.source samples"
    )


def read_batches(builder: Any, split: str, batch_size: int = 1024) -> Any:
    """The records of a split as dicts of arrays, always in the same order."""
    import tensorflow_datasets as tfds

    # One file at a time: the same order on every machine.
    reading = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
    try:
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=reading)
        yield from dataset.batch(batch_size).as_numpy_iterator()
    except Exception as error:
        raise DataError(
            f"the {split} data in {builder.data_dir} cannot be read: prepare them again ({error})"
        ) from error


def _labelled(builder: Any, split: str, label: str) -> bool:
    """Whether the split has labels: some public test sets have -1 in their place."""
    first = next(read_batches(builder, split, batch_size=8), None)
    return first is not None and not (first[label].dtype.kind in "iu" and (first[label] < 0).all())


def _read(builder: Any, split: str, text: str, label: str, names: list[str] | None) -> Rows:
    number = 0
    for batch in read_batches(builder, split):
        for one_text, one_label in zip(batch[text].tolist(), batch[label].tolist(), strict=True):
            number += 1
            place = f"{builder.name}/{split}:{number}"
            if isinstance(one_label, bytes):
                one_label = one_label.decode("utf-8", "replace")
            elif names is not None:
                if not 0 <= one_label < len(names):
                    yield BadRow(place, f"the label {one_label} is none of the {len(names)} classes")
                    continue
                one_label = names[one_label]
            yield make_row(one_text.decode("utf-8", "replace"), one_label, place)


def _read_texts(builder: Any, split: str, text: str) -> Iterator[str]:
    for batch in read_batches(builder, split):
        for one_text in batch[text].tolist():
            yield one_text.decode("utf-8", "replace")

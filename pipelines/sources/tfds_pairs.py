"""Translation sets of TensorFlow Datasets: any with two text features."""

from functools import partial
from typing import Any

from pipelines.config import DataConfig
from pipelines.errors import DataError
from pipelines.parallel_config import ParallelConfig
from pipelines.sources.pairs import Pairs, ParallelSource, make_pair
from pipelines.sources.tfds import licence_of, open_builder, read_batches


def open_tfds_pairs(config: ParallelConfig) -> ParallelSource:
    """A data set of TensorFlow Datasets with a `train` split and two features that are texts.

    Raises:
        DataError: It is not prepared on this machine and cannot be downloaded, or has no such features or split.
    """
    builder = open_builder(DataConfig(name=config.name, dir=config.dir))
    features = builder.info.features
    names = [name for name in features if _is_text(features[name])] if hasattr(features, "keys") else []
    source, target = _choose(names, config)
    splits = builder.info.splits
    if "train" not in splits:
        raise DataError(
            f"{config.name} has no train split but {', '.join(splits) or 'none'}: choose another --data.name"
        )

    def published(split: str):
        return partial(_read, builder, split, source, target) if split in splits else None

    return ParallelSource(
        name=config.name,
        train=partial(_read, builder, "train", source, target),
        validation=published("validation"),
        test=published("test"),
        languages=(source, target),
        first_column="source" if names.index(source) < names.index(target) else "target",
        licence=licence_of(builder),
        details={"version": str(builder.version), "config": getattr(builder.builder_config, "name", "") or ""},
    )


def _is_text(feature: Any) -> bool:
    return getattr(getattr(feature, "tf_dtype", None), "name", "") == "string" and feature.shape == ()


def _choose(names: list[str], config: ParallelConfig) -> tuple[str, str]:
    """The features of the two sides."""
    if len(names) < 2:
        raise DataError(
            f"{config.name} has {len(names)} text features where two are wanted: choose another --data.name"
        )
    for option in ("source_column", "target_column"):
        wanted = getattr(config, option)
        if wanted is not None and wanted not in names:
            raise DataError(
                f"{config.name} has no text feature {wanted!r}: set --data.{option} to one of: {', '.join(names)}"
            )
    source = config.source_column or next(name for name in names if name != config.target_column)
    target = config.target_column or next(name for name in names if name != source)
    return source, target


def _read(builder: Any, split: str, source: str, target: str) -> Pairs:
    number = 0
    for batch in read_batches(builder, split):
        for one_source, one_target in zip(batch[source].tolist(), batch[target].tolist(), strict=True):
            number += 1
            sentences = one_source.decode("utf-8", "replace"), one_target.decode("utf-8", "replace")
            yield make_pair(*sentences, f"{builder.name}/{split}:{number}")

"""TensorFlow Datasets as running text: each record is a document."""

from functools import partial
from typing import Any

from pipelines.config import DataConfig
from pipelines.corpus_config import CorpusConfig
from pipelines.errors import DataError
from pipelines.sources.columns import find_text_column
from pipelines.sources.text_pieces import Corpus, Pieces, cut_document
from pipelines.sources.tfds import licence_of, open_builder, read_batches

_PUBLISHED = ("train", "validation", "test")
# Their records, and their splits in the order above, are one text that was cut.
_ONE_DOCUMENT = {"tiny_shakespeare"}


def open_tfds_text(config: CorpusConfig) -> Corpus:
    """The texts of a data set of TensorFlow Datasets. Prepared data are opened without a network.

    tiny_shakespeare's three splits, one after the other, are the text from its beginning to its end.

    Raises:
        DataError: It is not prepared on this machine and cannot be downloaded, or has no text feature or split.
    """
    options = DataConfig(name=config.name, dir=config.dir, text_column=config.text_column)
    builder = open_builder(options)
    features = builder.info.features
    if not hasattr(features, "keys"):
        raise DataError(f"{config.name} has no text feature: choose another --data.name")
    text = find_text_column(list(features.keys()), options, f"the data set {config.name}")
    if getattr(features[text].tf_dtype, "name", "") != "string" or features[text].shape != ():
        raise DataError(f"the feature {text!r} of {config.name} is no text: set --data.text_column")
    there = list(builder.info.splits)
    splits = config.split.split("+") if config.split else [split for split in _PUBLISHED if split in there] or there
    for split in splits:
        if split.split("[")[0] not in there:
            raise DataError(f"{config.name} has no split {split!r} but {', '.join(there)}: correct --data.split")
    return Corpus(
        name=config.name,
        pieces=partial(_read, builder, splits, text),
        licence=licence_of(builder),
        details={
            "version": str(builder.version),
            "config": getattr(builder.builder_config, "name", "") or "",
            "split": "+".join(splits),
        },
    )


def _read(builder: Any, splits: list[str], text: str) -> Pieces:
    first = True
    for split in splits:
        number = 0
        for batch in read_batches(builder, split):
            for one_text in batch[text].tolist():
                number += 1
                for piece in cut_document(one_text.decode("utf-8", "replace"), f"{builder.name}/{split}:{number}"):
                    yield piece if first or builder.name not in _ONE_DOCUMENT else piece._replace(begins=False)
                    first = False

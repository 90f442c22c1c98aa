"""The tokenizers of both sides of a translation, saved and loaded as one."""

import os
from pathlib import Path

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.exact import ExactTokenizer
from pipelines.text.sentence import SentenceTokenizer
from pipelines.text.storage import load_tokenizer

_SIDES = ("source", "target")
_JOINT = "joint"


class LanguagePair(tf.Module):
    """Sentences of two languages as ids.

    Args:
        source: Of the sentences to translate.
        target: Of the translations; `source` itself for one vocabulary.
    """

    def __init__(self, source: SentenceTokenizer, target: SentenceTokenizer):
        super().__init__(name="language_pair")
        self.source = source
        self.target = target

    @property
    def joint(self) -> bool:
        """Whether there is one vocabulary."""
        return self.source is self.target

    def save(self, directory: str | os.PathLike) -> None:
        """Writes the vocabularies into folders of `directory`: `joint`, or `source` and `target`.

        Raises:
            DataError: They cannot be written.
        """
        if self.joint:
            self.source.tokenizer.save(Path(directory) / _JOINT)
        else:
            for side in _SIDES:
                getattr(self, side).tokenizer.save(Path(directory) / side)


def load_language_pair(directory: str | os.PathLike) -> LanguagePair:
    """What `LanguagePair.save` wrote into `directory`.

    Raises:
        DataError: A file is missing or damaged, or is no vocabulary of a translation.
    """
    if (Path(directory) / _JOINT).is_dir():
        joint = _load(Path(directory) / _JOINT)
        return LanguagePair(joint, joint)
    if not (Path(directory) / _SIDES[0]).is_dir() and Path(directory).is_dir():
        raise DataError(f"{directory} holds no vocabulary of a translation: give the folder of a translation run")
    source, target = (_load(Path(directory) / side) for side in _SIDES)
    return LanguagePair(source, target)


def _load(directory: Path) -> SentenceTokenizer:
    tokenizer = load_tokenizer(directory)
    if not isinstance(tokenizer, ExactTokenizer):
        raise DataError(f"{directory} holds a vocabulary of {tokenizer.kind}s that cannot be written back as text")
    return SentenceTokenizer(tokenizer)

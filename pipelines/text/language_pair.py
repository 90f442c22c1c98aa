"""The tokenizers of both sides of a translation, saved and loaded as one."""

import os
from pathlib import Path

import tensorflow as tf

from pipelines.errors import DataError
from pipelines.text.exact import ExactTokenizer
from pipelines.text.sentence import SentenceTokenizer
from pipelines.text.storage import SETTINGS_FILE, load_tokenizer, save_tokenizer

_SIDES = ("source", "target")


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
        """Writes the vocabularies into `directory`: one, or two whose files begin with `source_` and `target_`.

        Raises:
            DataError: They cannot be written.
        """
        if self.joint:
            save_tokenizer(self.source.tokenizer, directory)
        else:
            for side in _SIDES:
                save_tokenizer(getattr(self, side).tokenizer, directory, f"{side}_")


def load_language_pair(directory: str | os.PathLike) -> LanguagePair:
    """What `LanguagePair.save` wrote into `directory`.

    Raises:
        DataError: A file is missing or damaged, or is no vocabulary of a translation.
    """
    if (Path(directory) / SETTINGS_FILE).is_file():
        joint = _load(directory, "")
        return LanguagePair(joint, joint)
    source, target = (_load(directory, f"{side}_") for side in _SIDES)
    return LanguagePair(source, target)


def _load(directory: str | os.PathLike, prefix: str) -> SentenceTokenizer:
    tokenizer = load_tokenizer(directory, prefix)
    if not isinstance(tokenizer, ExactTokenizer):
        raise DataError(
            f"{directory} holds no vocabulary of a translation but one of kind {tokenizer.kind!r}: give the folder of "
            "a translation run"
        )
    return SentenceTokenizer(tokenizer)

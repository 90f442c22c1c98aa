"""The reviews of IMDB as the baselines of `benchmarks/imdb.py` read them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.batching import EncodedTexts
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.sentiment import SentimentData, load_sentiment

# Punctuation marks are taken out of a vocabulary that has room for this many of them.
MARKS = 200


@dataclass(frozen=True)
class Job:
    """What to measure: the row, where its data are, and epochs other than its own."""

    row: str
    data: DataConfig
    seed: int
    epochs: int | None = None


class Reviews:
    """The three splits of IMDB as ids; the test reviews are read when they are asked for.

    Args:
        job: The data and the seed of the split.
        text: Vocabulary and lengths.
        words_only: Leave out punctuation marks, in the texts and in the vocabulary.
    """

    def __init__(self, job: Job, text: TextConfig, words_only: bool = False):
        self._job = job
        self._size = text.vocabulary_size if words_only else None
        self._text = TextConfig(**{**vars(text), "vocabulary_size": text.vocabulary_size + MARKS * words_only})
        say("reading and encoding the training reviews")
        data = self._load("train", "validation")
        self._tokenizer, self._labels = data.tokenizer, data.labels
        self.train, self.validation = self._texts(data, "train"), self._texts(data, "validation")
        self.vocabulary_size = self._size or len(self._tokenizer.vocabulary)
        self.facts = {"digests": data.report["digests"], "rows": data.report["splits"]}

    def test(self) -> EncodedTexts:
        say("reading and encoding the test reviews")
        data = self._load("test", tokenizer=self._tokenizer, labels=self._labels)
        for name, part in (("digests", "digests"), ("rows", "splits")):
            self.facts[name] = {**self.facts[name], **data.report[part]}
        return self._texts(data, "test")

    def _load(self, *splits: str, **known: Any) -> SentimentData:
        return load_sentiment(self._job.data, self._text, BatchConfig(), self._job.seed, splits=splits, **known)

    def _texts(self, data: SentimentData, split: str) -> EncodedTexts:
        texts = data.texts(split)
        return texts if self._size is None else keep_words(texts, data.tokenizer.vocabulary, self._size)


def keep_words(texts: EncodedTexts, vocabulary: list[str], size: int) -> EncodedTexts:
    """The texts without punctuation marks, in a vocabulary of `size` words (padding and unknown included)."""
    is_word = np.array([any(character.isalnum() for character in token) for token in vocabulary])
    new_ids = np.where(is_word, np.cumsum(is_word) + 1, -1)
    new_ids[new_ids >= size] = 1
    new_ids[:2] = 0, 1
    ids = new_ids[texts.ids]
    kept_before = np.concatenate([[0], np.cumsum(ids >= 0)])
    return EncodedTexts(ids[ids >= 0].astype(np.int32), kept_before[texts.offsets], texts.labels)


def say(line: str) -> None:
    print(f"  {line}", flush=True)

"""Two small parallel texts, and what tests ask of their batches."""

import numpy as np

from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.translation import load_translation

ENGLISH = ["A dog runs.", "Two dogs run.", "The cat sleeps.", "She reads a book.", "Who is there?", "It's (not) 12:30!"]
GERMAN = ["Ein Hund läuft.", "Zwei Hunde laufen.", "Die Katze schläft.", "Sie liest ein Buch.", "Wer ist da?", "Nein…"]
TEXT = PairTextConfig(vocabulary_size=300, min_count=1)
NO_SPLITS = {"validation_fraction": 0.0, "test_fraction": 0.0}


def load(text=TEXT, batch=None, seed=1, tokenizer=None, splits=("train", "validation", "test"), **data):
    return load_translation(ParallelConfig(**data), text, batch or PairBatchConfig(tokens=128), seed, tokenizer, splits)


def texts(data, split):
    return [(pair.source, pair.target) for pair in data.records(split)]


def rows(dataset):
    """(source, target inputs, targets) without padding, of each pair in the order of the batches."""
    found = []
    for (source, inputs), targets, weights in dataset.as_numpy_iterator():
        assert source.dtype == inputs.dtype == targets.dtype == np.int32
        assert weights.dtype == np.float32
        assert (weights == (targets != 0)).all()
        assert ((inputs != 0) == (targets != 0)).all()
        for one, two, three in zip(source, inputs, targets, strict=True):
            found.append(tuple(tuple(row[row != 0].tolist()) for row in (one, two, three)))
    return found

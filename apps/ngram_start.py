"""Fitting the n-grams of a classifier, which no gradient trains."""

from typing import Any

import numpy as np

TEXTS_TOGETHER = 4096


def start_ngrams(layer: Any, texts: Any, classes: int) -> None:
    """Give a `keras_seq.NgramScores` the weights of a linear model of labelled texts.

    Args:
        layer: The layer, built.
        texts: The training texts, `pipelines.batching.EncodedTexts`, labels as numbers.
        classes: How many labels there are.
    """
    from pipelines.text.ngram_weights import ngram_weights

    rows, keys = [], []
    for first in range(0, len(texts), TEXTS_TOGETHER):
        offsets = texts.offsets[first : first + TEXTS_TOGETHER + 1]
        # One long row, with padding between texts, so that no n-gram reaches from one into the next.
        text = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        place = np.arange(offsets[-1] - offsets[0]) + text * (layer.order - 1)
        ids = np.zeros([1, len(place) + len(offsets) * layer.order], np.int32)
        ids[0, place] = texts.ids[offsets[0] : offsets[-1]]
        found, there = (np.asarray(array)[0][:, place] for array in layer.keys(ids))
        keys.append(found[there])
        rows.append(np.broadcast_to(text + first, there.shape)[there])
    layer.set_ngrams(*ngram_weights(np.concatenate(rows), np.concatenate(keys), texts.labels, classes, layer.size))

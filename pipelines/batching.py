"""From encoded texts to batches: length buckets or a token budget, in an order fixed by seed and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipelines.config import BatchConfig
from pipelines.reading_ahead import read_ahead

# Boundaries are looked for among at most this many lengths.
_BOUNDARY_CANDIDATES = 512


@dataclass(frozen=True)
class EncodedTexts:
    """Texts of one split, encoded, in memory.

    Attributes:
        ids: int32 [all tokens], the texts one after the other.
        offsets: int64 [texts + 1]; text n is ids[offsets[n]:offsets[n + 1]].
        labels: int32 [texts], or the probabilities of all labels, float32 [texts, labels].
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [texts]."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Batch:
    """Which texts make a batch, and how many columns it has."""

    rows: np.ndarray
    width: int


def find_boundaries(lengths: np.ndarray, count: int) -> tuple[int, ...]:
    """The `count` (or fewer) bucket boundaries that need the least padding to the boundary of the bucket.

    The last one is the greatest length. Lengths are rounded up to multiples of a step, so that boundaries are round.
    """
    greatest = max(int(lengths.max(initial=1)), 1)
    step = max(1 if greatest <= 64 else 8, -(-greatest // _BOUNDARY_CANDIDATES))
    edges = np.append(np.arange(step, greatest, step), greatest)
    below = np.concatenate([[0], np.searchsorted(np.sort(lengths), edges, side="right")])
    edges = np.concatenate([[0], edges])
    # cost[j]: padded tokens of all texts up to edge j, divided into the buckets so far; one more bucket each round.
    cost = (edges * below).astype(np.float64)
    choices: list[np.ndarray] = []
    for _ in range(min(count, len(edges) - 1) - 1):
        options = cost[:, None] + edges * (below - below[:, None])  # [last boundary but one, last boundary]
        options[np.tril_indices(len(edges), -1)] = np.inf
        choices.append(options.argmin(axis=0))
        cost = options.min(axis=0)
    boundaries = [len(edges) - 1]
    for choice in reversed(choices):
        boundaries.append(int(choice[boundaries[-1]]))
    return tuple(sorted({int(edges[index]) for index in boundaries if edges[index] > 0}))


def plan_epoch(
    lengths: np.ndarray, boundaries: Sequence[int], config: BatchConfig, seed: int, epoch: int
) -> list[Batch]:
    """Divides texts into batches of like length, each text into exactly one (without `drop_remainder`).

    What does not fill a batch of its bucket goes into the next longer bucket, so that only one batch is not full.

    Args:
        lengths: Of the texts, in tokens.
        boundaries: Rising; a text goes into the first bucket whose boundary it does not exceed.
        config: How large batches are, and whether to shuffle.
        seed: With `epoch`, decides the order: which texts meet in a batch, and which batch comes first.
        epoch: From 0.
    """
    random = np.random.default_rng([seed % 2**63, epoch])
    greatest = max(int(lengths.max(initial=1)), 1)
    edges = [boundary for boundary in boundaries if boundary < greatest]
    order = random.permutation(len(lengths)) if config.shuffle else np.arange(len(lengths))
    bucket_of_row = np.searchsorted(edges, lengths[order])
    batches: list[Batch] = []
    left = order[:0]
    widths = [*edges, next((boundary for boundary in boundaries if boundary >= greatest), greatest)]
    for bucket, width in enumerate(widths):
        rows = np.concatenate([left, order[bucket_of_row == bucket]])
        size = config.batch_size if config.tokens is None else max(1, config.tokens // width)
        full = len(rows) - len(rows) % size
        batches += [Batch(part, width) for part in rows[:full].reshape(-1, size)]
        left = rows[full:]
    if len(left) and not config.drop_remainder:
        batches.append(Batch(left, widths[-1]))
    if config.shuffle:
        batches = [batches[index] for index in random.permutation(len(batches))]
    return batches if config.static_shapes else [_tight(batch, lengths) for batch in batches]


def plan_in_order(lengths: np.ndarray, boundaries: Sequence[int], config: BatchConfig) -> list[Batch]:
    """Divides texts into batches in file order, for evaluation."""
    batches = []
    for start in range(0, len(lengths), config.evaluation_batch_size):
        rows = np.arange(start, min(start + config.evaluation_batch_size, len(lengths)))
        batch = _tight(Batch(rows, 0), lengths)
        if config.static_shapes:
            fitting = (boundary for boundary in boundaries if boundary >= batch.width)
            batch = Batch(rows, next(fitting, batch.width))
        batches.append(batch)
    return batches


def _tight(batch: Batch, lengths: np.ndarray) -> Batch:
    return Batch(batch.rows, max(1, int(lengths[batch.rows].max())))


class BatchReader:
    """Makes `tf.data.Dataset`s of batches of one split. The ids are put into a tensor once, not once an epoch."""

    def __init__(self, texts: EncodedTexts):
        with tf.device("CPU"):
            self._ids = tf.constant(texts.ids, tf.int32)
            self._offsets = tf.constant(texts.offsets, tf.int64)
            self._labels = tf.constant(texts.labels, tf.int32 if texts.labels.ndim == 1 else tf.float32)

    def dataset(self, batches: Sequence[Batch]) -> tf.data.Dataset:
        """The batches in their order: (ids int32 [batch, width], labels [batch] or [batch, labels]); 0 is padding."""
        sizes = np.array([len(batch.rows) for batch in batches], np.int64)
        with tf.device("CPU"):
            rows = tf.constant(np.concatenate([np.zeros(0, np.int64), *(batch.rows for batch in batches)]), tf.int64)
            stops = tf.constant(np.cumsum(sizes), tf.int64)
            starts = stops - sizes
            widths = tf.constant([batch.width for batch in batches], tf.int64)
            dataset = tf.data.Dataset.from_tensor_slices((starts, stops, widths))
        static_size = _only({len(batch.rows) for batch in batches})
        static_width = _only({batch.width for batch in batches})

        @tf.autograph.experimental.do_not_convert
        def gather(start, stop, width):
            chosen = rows[start:stop]
            begin, end = tf.gather(self._offsets, chosen), tf.gather(self._offsets, chosen + 1)
            places = tf.ragged.range(begin, end)
            ids = places.with_values(tf.gather(self._ids, places.values)).to_tensor(shape=tf.stack([-1, width]))
            ids.set_shape([static_size, static_width])
            labels = tf.gather(self._labels, chosen)
            labels.set_shape([static_size, *self._labels.shape[1:]])
            return ids, labels

        return read_ahead(dataset, gather)


def _only(values: set[int]) -> int | None:
    """The one value that all batches share, for the static shape; None if they differ."""
    return next(iter(values)) if len(values) == 1 else None


def padding_share(batches: Sequence[Batch], lengths: np.ndarray) -> float:
    """The share of padding among all cells of the batches, from 0 to 1."""
    cells = sum(len(batch.rows) * batch.width for batch in batches)
    return 1 - sum(int(lengths[batch.rows].sum()) for batch in batches) / cells if cells else 0.0

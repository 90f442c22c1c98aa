"""From encoded pairs to batches: buckets of two lengths, a token budget, an order fixed by seed and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipelines.batching import find_boundaries
from pipelines.pair_encoding import EncodedSide
from pipelines.parallel_config import PairBatchConfig
from pipelines.reading_ahead import read_ahead
from pipelines.text.sentence import START_ID

Widths = tuple[int, int]


@dataclass(frozen=True)
class PairBatch:
    """Which pairs make a batch, and how many columns its two sides have."""

    rows: np.ndarray
    widths: Widths


class PairPlanner:
    """Divides pairs into batches of like lengths.

    Each pair of a source bucket and a target bucket is a bucket. What does not fill a batch of its bucket goes into
    the next one, in an order in which neighbours are alike (to and fro over the target buckets), so that only one batch
    is not full. How many batches there are, and of which shapes, is the same in each epoch.

    Args:
        source_lengths: int64 [pairs].
        target_lengths: int64 [pairs].
        config: How large batches are, and whether to shuffle.
        boundaries: Of the buckets of each side. Left out, they are those that need the least padding.
    """

    def __init__(
        self,
        source_lengths: np.ndarray,
        target_lengths: np.ndarray,
        config: PairBatchConfig,
        boundaries: Sequence[tuple[int, ...]] | None = None,
    ):
        self._config = config
        self._lengths = np.stack([source_lengths, target_lengths], axis=1)
        sides = (source_lengths, target_lengths)
        found = boundaries or [find_boundaries(side, config.bucket_count) for side in sides]
        self.boundaries = tuple(_reaching(found[number], int(side.max())) for number, side in enumerate(sides))
        self._buckets = [np.searchsorted(self.boundaries[number], side) for number, side in enumerate(sides)]

    def epoch(self, seed: int, epoch: int) -> list[PairBatch]:
        """The batches of an epoch; each pair is in exactly one (without `drop_remainder`)."""
        random = np.random.default_rng([seed % 2**63, epoch])
        pairs = len(self._lengths)
        order = random.permutation(pairs) if self._config.shuffle else np.arange(pairs)
        batches: list[PairBatch] = []
        left, left_widths = order[:0], (1, 1)
        for widths, rows in self._in_buckets(order):
            carried = len(left)
            rows = np.concatenate([left, rows])
            while True:
                fitting = _greater(widths, left_widths) if carried > 0 else widths
                size = self._size(fitting)
                if len(rows) < size:
                    break
                batches.append(PairBatch(rows[:size], fitting))
                rows, carried = rows[size:], carried - size
            left, left_widths = rows, fitting
        if len(left) and not self._config.drop_remainder:
            batches.append(PairBatch(left, left_widths))
        if self._config.shuffle:
            batches = [batches[index] for index in random.permutation(len(batches))]
        return batches

    def in_order(self) -> list[PairBatch]:
        """Batches in file order, for evaluation."""
        size, pairs = self._config.evaluation_batch_size, len(self._lengths)
        batches = []
        for start in range(0, pairs, size):
            rows = np.arange(start, min(start + size, pairs))
            source, target = (self.boundaries[side][self._buckets[side][rows].max()] for side in range(2))
            batches.append(PairBatch(rows, (source, target)))
        return batches

    def _in_buckets(self, order: np.ndarray):
        """(widths, rows) of each bucket that has rows."""
        source_bucket, target_bucket = (side[order] for side in self._buckets)
        source_edges, target_edges = self.boundaries
        for source, source_width in enumerate(source_edges):
            targets = list(enumerate(target_edges))
            for target, target_width in targets if source % 2 == 0 else reversed(targets):
                rows = order[(source_bucket == source) & (target_bucket == target)]
                if len(rows):
                    yield (source_width, target_width), rows

    def _size(self, widths: Widths) -> int:
        config = self._config
        return config.batch_size if config.tokens is None else max(1, config.tokens // max(widths))


def _reaching(boundaries: tuple[int, ...], greatest: int) -> tuple[int, ...]:
    """The boundaries, with one more if there is a length above them."""
    return boundaries if boundaries[-1] >= greatest else (*boundaries, greatest)


def fit_count(batches: Sequence[PairBatch], count: int) -> list[PairBatch]:
    """The batches as `count` of them: the largest are halved, or the smallest put together, as far as that goes."""
    result = list(batches)
    while len(result) < count:
        largest = max(range(len(result)), key=lambda index: len(result[index].rows))
        rows, widths = result[largest].rows, result[largest].widths
        if len(rows) < 2:
            break
        half = (len(rows) + 1) // 2
        result[largest : largest + 1] = [PairBatch(rows[:half], widths), PairBatch(rows[half:], widths)]
    while len(result) > max(1, count):
        one, other = sorted(range(len(result)), key=lambda index: len(result[index].rows))[:2]
        joined = np.concatenate([result[one].rows, result[other].rows])
        result[one] = PairBatch(joined, _greater(result[one].widths, result[other].widths))
        del result[other]
    return result


def _greater(one: Widths, other: Widths) -> Widths:
    return max(one[0], other[0]), max(one[1], other[1])


class PairReader:
    """Makes `tf.data.Dataset`s of batches of pairs.

    Args:
        source: The sentences to translate.
        target: Their translations.
        static_shapes: Whether to pad to the widths of a batch, not to its longest sentences.
    """

    def __init__(self, source: EncodedSide, target: EncodedSide, static_shapes: bool):
        self._lengths = np.stack([source.lengths, target.lengths], axis=1)
        self._static_shapes = static_shapes
        with tf.device("CPU"):
            self._sides = [(tf.constant(side.ids), tf.constant(side.offsets)) for side in (source, target)]

    def dataset(self, batches: Sequence[PairBatch]) -> tf.data.Dataset:
        """The batches in their order: `((source, target_inputs), targets, weights)`.

        All are `[batch, time]`: ids int32, 0 for padding; weights float32, 1 for tokens and 0 for padding. The target
        inputs are the targets moved on by one step, behind the start mark.
        """
        sizes = np.array([len(batch.rows) for batch in batches], np.int64)
        with tf.device("CPU"):
            rows = tf.constant(np.concatenate([np.zeros(0, np.int64), *(batch.rows for batch in batches)]), tf.int64)
            stops = tf.constant(np.cumsum(sizes), tf.int64)
            widths = tf.constant([self._widths(batch) for batch in batches], tf.int64, shape=[len(batches), 2])
            dataset = tf.data.Dataset.from_tensor_slices((stops - sizes, stops, widths))

        @tf.autograph.experimental.do_not_convert
        def gather(start, stop, widths):
            chosen = rows[start:stop]
            source, targets = (
                _padded(ids, offsets, chosen, widths[side]) for side, (ids, offsets) in enumerate(self._sides)
            )
            starts = tf.fill([tf.shape(targets)[0], 1], START_ID)
            moved = tf.concat([starts, targets[:, :-1]], axis=1)
            valid = tf.not_equal(targets, 0)
            return (source, tf.where(valid, moved, 0)), targets, tf.cast(valid, tf.float32)

        return read_ahead(dataset, gather)

    def _widths(self, batch: PairBatch) -> Widths:
        if self._static_shapes:
            return batch.widths
        source, target = (int(width) for width in self._lengths[batch.rows].max(axis=0))
        return source, target


def _padded(ids: tf.Tensor, offsets: tf.Tensor, rows: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """int32 [rows, width]: the sentences of these numbers."""
    places = tf.ragged.range(tf.gather(offsets, rows), tf.gather(offsets, rows + 1))
    padded = places.with_values(tf.gather(ids, places.values)).to_tensor(shape=tf.stack([-1, width]))
    return tf.ensure_shape(padded, [None, None])


def pair_padding_share(batches: Sequence[PairBatch], source: EncodedSide, target: EncodedSide) -> float:
    """The share of padding among all cells of both sides of the batches, padded to their longest sentences."""
    lengths = np.stack([source.lengths, target.lengths], axis=1)
    cells = sum(len(batch.rows) * int(lengths[batch.rows].max(axis=0).sum()) for batch in batches)
    return 1 - sum(int(lengths[batch.rows].sum()) for batch in batches) / cells if cells else 0.0

"""Cutting a text of ids into batches: contiguous streams for a state that is carried, or windows in random order."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipelines.encoded_corpus import EncodedText
from pipelines.reading_ahead import read_ahead


class Rows(NamedTuple):
    """Which tokens stand in the rows of a batch. The text is a circle: after the last pair comes the first.

    Attributes:
        starts: int64 [batch], the position of the first token of a row; below 0 there is nothing.
        lengths: int64 [batch]; the rest of a row is padding.
        fresh: Whether the rows begin anew, or go on where those of the batch before have ended.
        measured: Whether the tokens count, or only lead to those that follow.
    """

    starts: np.ndarray
    lengths: np.ndarray
    fresh: bool
    measured: bool = True


@dataclass(frozen=True)
class Cutting:
    """A way to cut a text into batches. Every pair of a token and its next one is in exactly one of them.

    Attributes:
        pairs: How many pairs the text has.
        batch_size: Rows of a batch.
        window: Tokens of a row. What is shorter is padded.
        offset: Where in the circle the first stream or window begins.
    """

    pairs: int
    batch_size: int
    window: int
    offset: int = 0

    @property
    def steps(self) -> int:
        """How many batches it makes."""
        raise NotImplementedError

    def rows(self, step: int) -> Rows:
        """The rows of a batch."""
        raise NotImplementedError


@dataclass(frozen=True)
class Streams(Cutting):
    """The text cut into as many streams as a batch has rows; a batch has the next window of each.

    Streams differ by at most one token in length.

    Attributes:
        lead: How many batches, at first, have the windows before each stream; they are read and not measured.
    """

    lead: int = 0

    @property
    def steps(self) -> int:
        """How many batches it makes."""
        return math.ceil(math.ceil(self.pairs / self.batch_size) / self.window) + self.lead

    def rows(self, step: int) -> Rows:
        """The rows of a batch."""
        borders = _borders(self.pairs, self.batch_size)
        read = (step - self.lead) * self.window
        lengths = np.clip(np.diff(borders) - read, 0, self.window)
        return Rows(self.offset + borders[:-1] + read, lengths, fresh=step == 0, measured=step >= self.lead)


@dataclass(frozen=True)
class Windows(Cutting):
    """The text cut into windows one after the other, each to be read from an empty state; in any order.

    The last batch may have rows that are nothing but padding.

    Attributes:
        order: Which window comes when; None for the order of the text.
    """

    order: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """How many batches it makes."""
        return math.ceil(math.ceil(self.pairs / self.window) / self.batch_size)

    def rows(self, step: int) -> Rows:
        """The rows of a batch."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        if self.order is not None:
            there = places < len(self.order)
            places = np.where(there, self.order[np.where(there, places, 0)].astype(np.int64), self.pairs)
        starts = places * self.window
        return Rows(self.offset + starts, np.clip(self.pairs - starts, 0, self.window), fresh=True)


def shuffled_streams(pairs: int, batch_size: int, window: int, seed: int, epoch: int) -> Streams:
    """Streams that begin elsewhere in each epoch. The text still begins where a window of a stream does."""
    offset = int(_random(seed, epoch).integers(pairs))
    begins = offset + _borders(pairs, batch_size)
    row = np.searchsorted(begins, pairs, side="right") - 1
    return Streams(pairs, batch_size, window, offset + int((pairs - begins[row]) % window))


def shuffled_windows(pairs: int, batch_size: int, window: int, seed: int, epoch: int) -> Windows:
    """Windows with other borders and in another order in each epoch."""
    random = _random(seed, epoch)
    offset = int(random.integers(pairs))
    order = np.arange(math.ceil(pairs / window), dtype=np.int32 if pairs < 2**31 else np.int64)
    random.shuffle(order)
    return Windows(pairs, batch_size, window, offset, order)


def stream_dataset(text: EncodedText, cutting: Cutting, reset_steps: bool) -> tf.data.Dataset:
    """The batches of a cutting: `((ids, reset), targets, weights)`, ready for `TruncatedBPTT.fit`.

    `ids` and `targets` are int32 `[batch, window]`, targets being the next id of each; `weights` is float32 `[batch,
    window]`: 0 where there is padding, or text that is not measured, else 1. `.skip(n)` costs nothing.

    Args:
        text: The ids.
        cutting: Which of them stand in which batch.
        reset_steps: Whether `reset` is bool `[batch, window]`, true at each token that begins a document or a row that
            begins anew; otherwise bool `[batch]`, the first column of that.
    """
    shape = (cutting.batch_size, cutting.window)

    def read(step):
        return read_batch(text, cutting.rows(int(step)), cutting.window, reset_steps)

    @tf.autograph.experimental.do_not_convert
    def read_in_graph(step):
        ids, reset, targets, weights = tf.numpy_function(
            read, [step], [tf.int32, tf.bool, tf.int32, tf.float32], stateful=False
        )
        for tensor in (ids, targets, weights):
            tensor.set_shape(shape)
        reset.set_shape(shape if reset_steps else shape[:1])
        return (ids, reset), targets, weights

    return read_ahead(tf.data.Dataset.range(cutting.steps), read_in_graph)


def read_batch(
    text: EncodedText, rows: Rows, window: int, reset_steps: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A batch as arrays: ids, reset, targets, weights, as `stream_dataset` describes them."""
    columns = np.arange(window)
    positions = rows.starts[:, None] + columns  # [batch, window]
    there = (columns < rows.lengths[:, None]) & (positions >= 0)
    positions = np.where(there, positions % text.pairs, 0)
    ids = np.where(there, text.ids[positions], 0).astype(np.int32)
    targets = np.where(there, text.ids[positions + 1], 0).astype(np.int32)
    looked_at = positions if reset_steps else positions[:, :1]
    next_start = np.searchsorted(text.starts, looked_at)
    reset = text.starts[np.minimum(next_start, len(text.starts) - 1)] == looked_at
    reset &= there[:, : looked_at.shape[1]]
    reset[:, 0] |= rows.fresh
    weights = (there & rows.measured).astype(np.float32)
    return ids, reset if reset_steps else reset[:, 0], targets, weights


def _borders(pairs: int, batch_size: int) -> np.ndarray:
    """Where streams of like length begin, and the last one ends."""
    return np.arange(batch_size + 1, dtype=np.int64) * pairs // batch_size


def _random(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed % 2**63, epoch])

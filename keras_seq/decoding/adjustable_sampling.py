"""Sampling whose settings are values of the run, such as the inputs of a served function."""

from keras import ops

from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.rows import take_entry
from keras_seq.decoding.sampler import Sampler
from keras_seq.decoding.sampling import draw_from


class AdjustableSampling(Sampler):
    """Tokens drawn as by `TopPSampling` and `TopKSampling`, with settings that need not be known before the graph is.

    One graph serves all settings; in turn the whole vocabulary is sorted at every step. It has no config.

    Args:
        temperature: Number, or float tensor `[]` or `[batch]`. 0 takes the most probable token. Defaults to `1.0`.
        k: Number, or integer tensor `[]` or `[batch]`: how many of the most probable tokens to draw from. 0 or less
            is all of them. Defaults to `0`.
        p: Number, or float tensor `[]` or `[batch]`: the probability of the nucleus among these. Defaults to `1.0`.
        sequences: Number of sequences a row of the batch, each drawn by itself. Defaults to `1`.

    Example:

    >>> strategy = AdjustableSampling(temperature=tf.constant(0.8), k=tf.constant(40))
    """

    def __init__(self, temperature=1.0, k=0, p=1.0, sequences=1):
        super().__init__(sequences)
        self.temperature, self.k, self.p = temperature, k, p

    def draw(self, logits, noise):
        """A token of the nucleus of the `k` most probable ones."""
        temperature, k, p = _column(self.temperature, "float32"), _column(self.k, "int32"), _column(self.p, "float32")
        size = logits.shape[-1]
        values, ids = top_candidates(logits, size)
        rank = ops.arange(size, dtype="int32")
        greedy = temperature <= 0
        values = (values - values[:, :, :1]) / ops.where(greedy, 1.0, temperature)
        kept = ops.logical_or(k <= 0, rank < k)
        kept = ops.logical_and(kept, ops.logical_or(ops.logical_not(greedy), rank < 1))
        weights = ops.where(kept, ops.exp(values), 0.0)
        weights = weights / ops.sum(weights, axis=-1, keepdims=True)
        before = ops.cumsum(weights, axis=-1) - weights
        # The first token always counts, and with p = 1 rounding must take none away.
        kept = ops.logical_or(ops.logical_or(before < p, p >= 1), rank < 1)
        return take_entry(ids, draw_from(ops.where(kept, weights, 0.0), noise))


def _column(setting, dtype):
    """A setting as `[batch or 1, 1, 1]`, to be compared with `[batch, width, vocabulary]`."""
    return ops.reshape(ops.cast(setting, dtype), (-1, 1, 1))

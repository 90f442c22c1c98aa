"""Sampling from the nucleus of the distribution."""

import keras
from keras import ops

from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.rows import largest, take_entry
from keras_seq.decoding.sampling import Sampling, draw_from
from keras_seq.decoding.strategy import check_positive

CANDIDATES = 64
LEAST = -104.0  # the logarithm of the smallest float32
HALVINGS = 34


@keras.saving.register_keras_serializable(package="keras_seq")
class TopPSampling(Sampling):
    """Tokens drawn from the nucleus: the fewest most probable ones that have the probability `p` together.

    Holtzman et al. (2020), "The Curious Case of Neural Text Degeneration". What is just as probable as the least
    probable token of the nucleus is in it too.

    Args:
        p: Probability of the nucleus, above 0 and at most 1.
        k: Optional number of tokens; the nucleus is then that of the distribution over the `k` most probable ones.
        temperature: Divides the logits. Defaults to `1.0`.
        sequences: Number of sequences a row of the batch, each drawn by itself. Defaults to `1`.
    """

    def __init__(self, p, k=None, temperature=1.0, sequences=1):
        super().__init__(temperature, sequences)
        self.p = check_positive("p", p, float)
        if p > 1:
            raise ValueError(f"Argument `p` must be at most 1. Received: p={p}")
        self.k = None if k is None else check_positive("k", k)

    def draw(self, logits, noise):
        """A token of the nucleus.

        A nucleus is mostly small: it is looked for among the most probable tokens, and in the whole vocabulary only in
        a step in which some nucleus is larger.
        """
        size = logits.shape[-1]
        logits = self.tempered(logits)
        count = min(self.k or CANDIDATES, size)
        values, ids = top_candidates(logits, count)
        total = ops.logsumexp(logits if self.k is None else values, axis=-1, keepdims=True)
        values = values - total
        probabilities = ops.exp(values)
        before = ops.cumsum(probabilities, axis=-1) - probabilities
        least = -largest(ops.where(before < self.p, -values, 0.0), keepdims=True)
        nucleus = ops.where(values >= least, probabilities, 0.0)
        tokens = take_entry(ids, draw_from(nucleus, noise))
        if count == size or self.k is not None:
            return tokens
        whole = ops.logical_or(values[:, :, -1:] < least, values[:, :, -1:] <= LEAST)[:, :, 0]

        def search():
            return ops.where(whole, tokens, self._search(logits - total, values[:, :, -1:], noise))

        return ops.cond(ops.all(whole), lambda: tokens, search)

    def _search(self, log_probabilities, high, noise):
        """A token of nuclei whose least probable token is less probable than `high` `[batch, width, 1]`.

        The probability of that token is found by halving an interval; sorting the vocabulary would take longer.
        """
        probabilities = ops.exp(log_probabilities)

        def halve(_, interval):
            low, high = interval
            middle = (low + high) / 2
            mass = ops.sum(ops.where(log_probabilities >= middle, probabilities, 0.0), axis=-1, keepdims=True)
            enough = mass >= self.p
            return ops.where(enough, middle, low), ops.where(enough, high, middle)

        low, _ = ops.fori_loop(0, HALVINGS, halve, (ops.full_like(high, LEAST), high))
        return draw_from(ops.where(log_probabilities >= low, probabilities, 0.0), noise)

    def get_config(self):
        """Return the arguments that build this sampler again."""
        return {**super().get_config(), "p": self.p, "k": self.k}

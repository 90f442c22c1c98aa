"""Beam search whose width, length penalty and number of results are inputs of the graph."""

from typing import Any

from keras import ops

from keras_seq.decoding import BeamSearch, WuLengthPenalty
from keras_seq.decoding.beam_search import NEVER
from keras_seq.decoding.strategy import Choice


class AdjustableBeamSearch(BeamSearch):
    """A `BeamSearch` of a fixed size in which only the first `limit` sequences live.

    It gives what a `BeamSearch` of the width `limit` gives; the others stand beside these with a score of minus
    infinity.

    Args:
        width: The size, an integer; the largest `limit`.
        limit: int32 scalar tensor, the width of the search.
        wanted: int32 scalar tensor, how many sequences are asked for: the search goes on until these are known.
        alpha: float32 scalar tensor, of `WuLengthPenalty`.
    """

    def __init__(self, width: int, limit: Any, wanted: Any, alpha: Any) -> None:
        super().__init__(width, length_penalty=WuLengthPenalty(alpha), sequences=width)
        self.limit = limit
        self.wanted = wanted

    def choose(self, time: Any, logits: Any, normaliser: Any, alignment: Any, beams: Any, context: Any) -> Choice:
        """Choose among the continuations of those that live."""
        tokens, parents, beams = super().choose(time, logits, normaliser, alignment, beams, context)
        alive = ops.arange(self.width) < self.limit
        beams = {**beams, **{name: ops.where(alive, beams[name], NEVER) for name in ("log_probabilities", "scores")}}
        return Choice(ops.where(alive, tokens, -1), parents, beams)

    def _done(self, length: Any, totals: Any, scores: Any, finished: Any, context: Any) -> Any:
        alive = ops.arange(self.width) < self.limit
        best = ops.max(ops.where(ops.logical_or(finished, ops.logical_not(alive)), NEVER, totals), axis=-1)
        best = ops.maximum(best / self._divisor(length + 1), best / self._divisor(context.max_length))
        reached, _ = ops.top_k(ops.where(ops.logical_and(finished, alive), scores, NEVER), self.width)
        done = ops.take(reached, self.wanted - 1, axis=1) > best
        return ops.logical_or(ops.expand_dims(done, -1), ops.logical_not(alive))

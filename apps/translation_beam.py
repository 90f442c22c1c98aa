"""Beam search whose width, length penalty and number of results are inputs of the graph."""

from typing import Any

from keras import ops

from keras_seq.decoding import BeamSearch, WuLengthPenalty
from keras_seq.decoding.beam_search import NEVER


class AdjustableBeamSearch(BeamSearch):
    """A `BeamSearch` whose width is a tensor: it gives what one of that width gives, and costs as much.

    Args:
        widest: The largest width, an integer.
        width: int32 scalar tensor, the width of the search, from 1 to `widest`.
        wanted: int32 scalar tensor, how many sequences are asked for: the search goes on until these are known.
        alpha: float32 scalar tensor, of `WuLengthPenalty`.
    """

    def __init__(self, widest: int, width: Any, wanted: Any, alpha: Any) -> None:
        super().__init__(widest, length_penalty=WuLengthPenalty(alpha))
        self.widest = widest
        self.width = self.sequences = width
        self.wanted = wanted

    @property
    def candidates(self) -> int:
        """Continuations of each sequence: the number must be known while the graph is built."""
        return self.widest

    def _done(self, length: Any, totals: Any, scores: Any, finished: Any, context: Any) -> Any:
        best = ops.max(ops.where(finished, NEVER, totals), axis=-1)
        best = ops.maximum(best / self._divisor(length + 1), best / self._divisor(context.max_length))
        reached, _ = ops.top_k(ops.where(finished, scores, NEVER), self.width)
        return ops.expand_dims(ops.take(reached, self.wanted - 1, axis=1) > best, -1)

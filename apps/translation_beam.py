"""Beam search whose width, length penalty and number of results are inputs of the graph."""

from typing import Any

from keras_seq.decoding import BeamSearch, WuLengthPenalty


class AdjustableBeamSearch(BeamSearch):
    """A `BeamSearch` whose width is a tensor: it gives what one of that width gives, and costs as much.

    Args:
        widest: The largest width, an integer.
        width: int32 scalar tensor, the width of the search, from 1 to `widest`.
        wanted: int32 scalar tensor, how many sequences are returned, from 1 to `width`.
        alpha: float32 scalar tensor, of `WuLengthPenalty`.
    """

    def __init__(self, widest: int, width: Any, wanted: Any, alpha: Any) -> None:
        super().__init__(widest, length_penalty=WuLengthPenalty(alpha))
        self.widest = widest
        self.width = width
        self.sequences = wanted

    @property
    def candidates(self) -> int:
        """Continuations of each sequence: the number must be known while the graph is built."""
        return self.widest

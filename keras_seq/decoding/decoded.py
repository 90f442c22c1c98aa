"""What decoding returns."""

from typing import Any, NamedTuple


class Decoded(NamedTuple):
    """Decoded sequences, the best one of each row first, and the tree in which they were found.

    `width` is the number of sequences of a row that were worked on: the width of a beam search, else as many as are
    returned. A step after the last one that was run has the padding id, zero alignments, and beams that stay.

    Attributes:
        ids: int32 `[batch, sequences, max_length]`, with the end token where there is one, then padding.
        lengths: int32 `[batch, sequences]`, the number of tokens, the end token included.
        scores: float32 `[batch, sequences]`: the log-probability with the penalties of a beam search. Minus infinity
            where there are fewer sequences than were asked for.
        log_probabilities: float32 `[batch, sequences]`: the sum over the tokens.
        finished: bool `[batch, sequences]`: whether the sequence ends with the end token, not with `max_length`.
        alignments: float32 `[batch, sequences, max_length, memory_time]`, zero after the end of a sequence; or None.
        step_tokens: int32 `[batch, max_length, width]`: the token that each beam got in a step; padding for a beam that
            was finished before.
        step_parents: int32 `[batch, max_length, width]`: the beam of the step before that each beam continues.
        step_scores: float32 `[batch, max_length, width]`: the score of each beam after a step.
        steps: int32 scalar, the number of steps that were run.
    """

    ids: Any
    lengths: Any
    scores: Any
    log_probabilities: Any
    finished: Any
    alignments: Any
    step_tokens: Any
    step_parents: Any
    step_scores: Any
    steps: Any

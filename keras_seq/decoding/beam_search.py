"""Beam search."""

import keras
from keras import ops

from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.coverage_penalty import coverage_penalty
from keras_seq.decoding.length_penalty import WuLengthPenalty
from keras_seq.decoding.rows import largest, row_numbers, take_each, take_rows
from keras_seq.decoding.strategy import Choice, Strategy, check_positive

NEVER = -float("inf")


@keras.saving.register_keras_serializable(package="keras_seq")
class BeamSearch(Strategy):
    """Keep the `width` sequences with the best scores in every step.

        score(Y, X) = log P(Y | X) / lp(Y) + coverage_penalty * cp(X, Y)

    of Wu et al. (2016). A finished sequence is frozen: it keeps its place among the `width` with the score that it has,
    until `width` sequences are better. With a width of 1 this is greedy decoding, and with a width as large as the
    number of all sequences it is an exhaustive search.

    A row is done when nothing that is still growing can become better than the `sequences` best finished ones, or when
    all are finished: what is returned is what the full `max_length` steps would give. It relies on constraints that
    only ever lower logits.

    Args:
        width: Number of sequences that are kept.
        length_penalty: The divisor lp: a number is the alpha of `WuLengthPenalty`; or a function of the length (an
            integer tensor) that never falls or never rises, such as `PowerLengthPenalty()`. Defaults to `0.0`, which is
            no penalty.
        coverage_penalty: The factor of the coverage penalty, 0 or more; `decode` then needs `memory_mask`, and the
            decoder must return alignments. Defaults to `0.0`.
        sequences: How many of the sequences are returned. Defaults to `1`.

    Example:

    >>> strategy = BeamSearch(4, length_penalty=0.6)
    >>> decoded = decode(step, state, start_tokens=1, end_token=2, max_length=50, strategy=strategy)
    """

    groups = 1

    @property
    def candidates(self):
        """How many continuations of each sequence are looked at, an integer: no more can be among the best."""
        return self.width

    def __init__(self, width=4, length_penalty=0.0, coverage_penalty=0.0, sequences=1):
        self.width = check_positive("width", width)
        self.sequences = check_positive("sequences", sequences)
        if sequences > width:
            raise ValueError(f"`sequences` must be at most `width`. Received: sequences={sequences}, width={width}")
        if not callable(length_penalty) and not isinstance(length_penalty, (int, float)):
            raise ValueError(
                f"Argument `length_penalty` must be a number or a function. Received: length_penalty={length_penalty!r}"
            )
        if coverage_penalty < 0:
            raise ValueError(
                f"Argument `coverage_penalty` must be 0 or more. Received: coverage_penalty={coverage_penalty}"
            )
        self.length_penalty = length_penalty
        self.coverage_penalty = coverage_penalty

    def start(self, batch_size, context):
        """One sequence a group can be continued; the others are minus infinity."""
        first = ops.arange(self.width) % (self.width // self.groups) == 0
        scores = ops.broadcast_to(ops.where(first, 0.0, NEVER), (batch_size, self.width))
        beams = {"log_probabilities": scores, "scores": scores, "finished": ops.isinf(scores)}
        if self.coverage_penalty:
            if context.memory_mask is None:
                raise ValueError("A coverage penalty needs the `memory_mask` of `decode`. Received: memory_mask=None")
            zeros = ops.zeros_like(ops.cast(context.memory_mask, "float32"))
            beams["coverage"] = ops.repeat(ops.expand_dims(zeros, 1), self.width, axis=1)
        return beams

    def choose(self, time, logits, normaliser, alignment, beams, context):
        """Choose the best of all continuations of each row, and of the sequences that are finished."""
        finished = ops.expand_dims(beams["finished"], -1)
        count = min(self.candidates, logits.shape[-1])
        values, tokens = top_candidates(logits, count)  # [batch, width, count]
        # A finished sequence has one continuation: itself.
        itself = ops.where(ops.arange(count) == 0, 0.0, NEVER)
        values = ops.where(finished, itself, values - ops.expand_dims(normaliser, -1))
        tokens = ops.where(finished, -1, tokens)
        totals = ops.expand_dims(beams["log_probabilities"], -1) + values
        scores, coverage = totals, None
        penalised = bool(self.length_penalty or self.coverage_penalty)
        if self.length_penalty:
            scores = scores / self._divisor(time + 1)
        if self.coverage_penalty:
            if alignment is None:
                raise ValueError("A coverage penalty needs the alignments of the decoder. Received: alignment=None")
            coverage = beams["coverage"] + ops.cast(alignment, "float32")
            penalty = self.coverage_penalty * coverage_penalty(coverage, context.memory_mask)
            scores = scores + ops.expand_dims(penalty, -1)
        if penalised:
            scores = ops.where(finished, ops.expand_dims(beams["scores"], -1) + itself, scores)

        chosen, scores = self.select(scores, tokens)
        parents = chosen // count
        tokens = take_each(ops.reshape(tokens, (-1, self.width * count)), chosen)
        totals = take_each(ops.reshape(totals, (-1, self.width * count)), chosen) if penalised else scores
        finished = ops.logical_or(ops.less(tokens, 0), ops.isinf(totals))
        if context.end_token is not None:
            finished = ops.logical_or(finished, ops.equal(tokens, context.end_token))
        finished = ops.logical_or(finished, self._done(time + 1, totals, scores, finished, context))
        beams = {"log_probabilities": totals, "scores": scores, "finished": finished}
        if coverage is not None:
            coverage = ops.reshape(coverage, (-1, ops.shape(coverage)[-1]))
            beams["coverage"] = take_rows(coverage, parents + self.width * row_numbers(parents))
        return Choice(tokens, parents, beams)

    def select(self, scores, tokens):
        """The best of the continuations.

        Args:
            scores: float32 `[batch, width, count]`.
            tokens: int32 `[batch, width, count]`, -1 for what is finished.

        Returns:
            Places in `[batch, width * count]`, and the scores there, both `[batch, width]`.
        """
        scores, chosen = ops.top_k(ops.reshape(scores, (-1, self.width * scores.shape[-1])), self.width)
        return ops.cast(chosen, "int32"), scores

    def _divisor(self, length):
        penalty = self.length_penalty
        return penalty(length) if callable(penalty) else WuLengthPenalty(penalty)(length)

    def _done(self, length, totals, scores, finished, context):
        """Whether a row `[batch, 1]` is done: what grows can at best keep its log-probability until the end."""
        best = largest(ops.where(finished, NEVER, totals))
        if self.length_penalty:
            divisors = self._divisor(length + 1), self._divisor(context.max_length)
            best = ops.maximum(best / divisors[0], best / divisors[1])
        reached = ops.where(finished, scores, NEVER)
        one = isinstance(self.sequences, int) and self.sequences == 1
        reached = largest(reached) if one else ops.top_k(reached, self.sequences)[0][:, -1]
        return ops.expand_dims(reached > best, -1)

    def get_config(self):
        """Return the arguments that build this strategy again."""
        return {
            **super().get_config(),
            "width": self.width,
            "length_penalty": keras.saving.serialize_keras_object(self.length_penalty),
            "coverage_penalty": self.coverage_penalty,
            "sequences": self.sequences,
        }

    @classmethod
    def from_config(cls, config):
        """Build the strategy that `get_config` describes."""
        return cls(**{**config, "length_penalty": keras.saving.deserialize_keras_object(config["length_penalty"])})

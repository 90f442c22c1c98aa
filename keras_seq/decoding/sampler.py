"""What greedy decoding and the samplers share: sequences that go on by themselves."""

from keras import ops

from keras_seq.decoding.rows import take_entry
from keras_seq.decoding.strategy import Choice, Strategy, check_positive


class Sampler(Strategy):
    """A strategy that chooses the next token of each sequence from its own logits alone.

    A subclass defines `draw`.

    Args:
        sequences: Number of sequences a row of the batch, each drawn by itself. Defaults to `1`.
    """

    draws = True

    def __init__(self, sequences=1):
        self.sequences = self.width = check_positive("sequences", sequences)

    def draw(self, logits, noise):
        """The next tokens, int32 `[batch, width]`.

        Args:
            logits: float32 `[batch, width, vocabulary]`.
            noise: float32 `[batch, width]`, uniform from 0 to below 1, or None if the sampler does not `draws`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define draw(logits, noise).")

    def choose(self, time, logits, normaliser, alignment, beams, context):
        """Draw a token for every sequence that is not finished."""
        tokens = self.draw(logits, context.noise[time] if self.draws else None)
        finished = beams["finished"]
        total = beams["log_probabilities"]
        total = ops.where(finished, total, total + take_entry(logits, tokens) - normaliser)
        tokens = ops.where(finished, -1, tokens)
        finished = ops.logical_or(finished, ops.isinf(total))  # no token was allowed
        if context.end_token is not None:
            finished = ops.logical_or(finished, ops.equal(tokens, context.end_token))
        return Choice(tokens, None, {"log_probabilities": total, "scores": total, "finished": finished})

    def get_config(self):
        """Return the arguments that build this sampler again."""
        return {**super().get_config(), "sequences": self.sequences}

"""What a strategy of decoding has to say."""

from typing import Any, NamedTuple

from keras import ops


class Context(NamedTuple):
    """What holds for all steps of a decoding.

    Attributes:
        end_token: Id of the token that ends a sequence, or None.
        max_length: Largest number of tokens, an integer or a scalar tensor.
        memory_mask: Boolean tensor `[batch, memory_time]` or None.
        noise: float32 `[max_length, batch, width]` from 0 to below 1, for a strategy that draws; else None.
    """

    end_token: Any
    max_length: Any
    memory_mask: Any = None
    noise: Any = None


class Choice(NamedTuple):
    """What a strategy chose in one step.

    Attributes:
        tokens: int32 `[batch, width]`; -1 for a sequence that was finished before this step.
        parents: int32 `[batch, width]`, the sequence that each one continues; None if each continues itself.
        beams: Dictionary of tensors `[batch, width, ...]` as `Strategy.start` gives it.
    """

    tokens: Any
    parents: Any
    beams: Any


class Strategy:
    """How the next tokens are chosen; decoding is a step function times a strategy.

    A subclass defines `choose`. What it knows of the sequences is a dictionary `beams` of tensors `[batch, width, ...]`
    with at least `log_probabilities`, `scores` (float32) and `finished` (bool).

    Attributes:
        width: Number of sequences a row of the batch that are worked on.
        sequences: How many of them are returned.
        draws: Whether random numbers are needed.
    """

    width = 1
    sequences = 1
    draws = False

    def start(self, batch_size, context):
        """The dictionary `beams` before the first step."""
        zeros = ops.zeros((batch_size, self.width), dtype="float32")
        return {"log_probabilities": zeros, "scores": zeros, "finished": ops.cast(zeros, "bool")}

    def choose(self, time, logits, normaliser, alignment, beams, context) -> Choice:
        """Choose the tokens of a step.

        Args:
            time: Scalar int32 tensor, how many tokens there are before this step.
            logits: float32 `[batch, width, vocabulary]`, with the constraints in them.
            normaliser: float32 `[batch, width]`: what to subtract from a logit to have the log-probability that the
                model gave to the token.
            alignment: Tensor `[batch, width, memory_time]` or None.
            beams: Dictionary of tensors.
            context: The `Context`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define choose(time, logits, ...).")

    def get_config(self):
        """Return the arguments that build this strategy again."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Build the strategy that `get_config` describes."""
        return cls(**config)


def check_positive(name, value, kind=int):
    """Return `value`, or raise the error for an argument that must be a positive number."""
    types = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, types) or value <= 0:
        what = "a positive integer" if kind is int else "a positive number"
        raise ValueError(f"Argument `{name}` must be {what}. Received: {name}={value!r}")
    return value

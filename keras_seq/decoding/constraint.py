"""What a constraint has to say."""

from typing import Any, NamedTuple

FORBIDDEN = -float("inf")


class Position(NamedTuple):
    """Where a decoding is.

    Attributes:
        time: Scalar int32 tensor, the number of tokens that there are before this step.
        history: int32 `[batch, width, max_length]`, the tokens so far and -1 from `time` on; None if no constraint has
            `needs_history`.
        end_token: Id of the token that ends a sequence, or None.
        max_length: Largest number of tokens, an integer or a scalar tensor.
    """

    time: Any
    history: Any
    end_token: Any
    max_length: Any


class Constraint:
    """A function of the logits of one step; several are applied one after the other.

    Any function `(logits, position) -> logits` will do, as long as it only lowers logits: a beam search relies on that
    to know when it is done. What is forbidden gets minus infinity. Scores remain the log-probabilities that the model
    gives: they are not divided by the probability of what is allowed.

    Attributes:
        needs_history: Whether `position.history` is needed, which costs a little.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    needs_history = False

    def __call__(self, logits, position):
        """The logits with the constraint in them."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(logits, position).")

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Build the constraint that `get_config` describes."""
        return cls(**config)

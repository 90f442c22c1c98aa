"""A penalty on tokens that were there before."""

import keras
from keras import ops

from keras_seq.decoding.candidates import put_tokens, take_tokens
from keras_seq.decoding.constraint import Constraint
from keras_seq.decoding.strategy import check_positive


@keras.saving.register_keras_serializable(package="keras_seq")
class RepetitionPenalty(Constraint):
    """Make tokens that are in the sequence less probable (Keskar et al. 2019, "CTRL").

    The logit of such a token is divided by `penalty` if it is positive, and multiplied by it if it is negative.

    Args:
        penalty: 1 or more; 1 means no penalty. The paper's value is 1.2.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    needs_history = True

    def __init__(self, penalty=1.2):
        if check_positive("penalty", penalty, float) < 1:
            raise ValueError(f"Argument `penalty` must be 1 or more. Received: penalty={penalty}")
        self.penalty = penalty

    def __call__(self, logits, position):
        """The logits, lower for tokens of the history."""
        values = take_tokens(logits, position.history)
        values = ops.minimum(values / self.penalty, values * self.penalty)
        return put_tokens(logits, position.history, position.history >= 0, values)

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"penalty": self.penalty}

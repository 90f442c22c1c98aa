"""Length penalties: what a log-probability is divided by."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class WuLengthPenalty:
    """The penalty of Wu et al. (2016), "Google's Neural Machine Translation System".

        lp(Y) = ((5 + |Y|) / 6) ** alpha

    Args:
        alpha: 0 means no penalty; the larger, the longer the sequences.

    Call arguments:
        length: Number of tokens, the end token included.
    """

    def __init__(self, alpha=0.6):
        self.alpha = alpha

    def __call__(self, length):
        """The divisor for sequences of `length` tokens."""
        return ((5 + ops.cast(length, "float32")) / 6) ** self.alpha

    def get_config(self):
        """Return the arguments that build this penalty again."""
        return {"alpha": self.alpha}

    @classmethod
    def from_config(cls, config):
        """Build the penalty that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_seq")
class PowerLengthPenalty(WuLengthPenalty):
    """A power of the length; with `alpha=1` the score is the mean log-probability of a token.

        lp(Y) = |Y| ** alpha

    Args:
        alpha: 0 means no penalty; the larger, the longer the sequences.

    Call arguments:
        length: Number of tokens, the end token included.
    """

    def __init__(self, alpha=1.0):
        super().__init__(alpha)

    def __call__(self, length):
        """The divisor for sequences of `length` tokens."""
        return ops.cast(length, "float32") ** self.alpha

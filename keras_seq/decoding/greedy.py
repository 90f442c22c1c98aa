"""Greedy decoding."""

import keras

from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.sampler import Sampler


@keras.saving.register_keras_serializable(package="keras_seq")
class Greedy(Sampler):
    """The most probable token in every step.

    Example:

    >>> decoded = decode(step, state, start_tokens=1, end_token=2, max_length=50, strategy=Greedy())
    """

    draws = False

    def __init__(self):
        super().__init__()

    def draw(self, logits, noise):
        """The token with the largest logit; of equal ones that with the lowest id."""
        _, tokens = top_candidates(logits, 1)
        return tokens[:, :, 0]

    def get_config(self):
        """A greedy strategy has no arguments."""
        return {}

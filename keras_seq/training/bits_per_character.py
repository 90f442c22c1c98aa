"""Bits per character."""

import math

import keras
import numpy as np
from keras import ops

from keras_seq.training.cross_entropy import cross_entropy
from keras_seq.training.token_metric import TokenMetric


@keras.saving.register_keras_serializable(package="keras_seq")
class BitsPerCharacter(TokenMetric):
    """The cross entropy in bits, divided by the number of characters.

    Unlike perplexity it can be compared between models with different vocabularies.

    Args:
        characters: Optional list with the number of characters of each token of the vocabulary. Defaults to one
            character a token.
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        name: Name of the metric. Defaults to `"bits_per_character"`.
        dtype: Optional dtype of the sums.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, characters=None, ignore_class=0, name="bits_per_character", dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.characters = None if characters is None else [int(number) for number in characters]

    def sums(self, labels, logits, weights):
        """The cross entropy in bits, and the number of characters."""
        total, normaliser = cross_entropy(labels, logits, weights)
        if self.characters is not None:
            characters = ops.convert_to_tensor(np.array(self.characters, "float32"))
            normaliser = ops.sum(weights * ops.take(characters, labels, axis=0))
        return total / math.log(2), normaliser

    def get_config(self):
        """Return the arguments that build this metric again."""
        return {**super().get_config(), "characters": self.characters}

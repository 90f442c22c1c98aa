"""Perplexity."""

import keras
from keras import ops

from keras_seq.training.cross_entropy import cross_entropy
from keras_seq.training.token_metric import TokenMetric


@keras.saving.register_keras_serializable(package="keras_seq")
class Perplexity(TokenMetric):
    """The exponential of the mean cross entropy of a token.

    It is taken over all tokens of all batches; the mean of the perplexities of batches would be another, larger number.

    Args:
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        name: Name of the metric. Defaults to `"perplexity"`.
        dtype: Optional dtype of the sums.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, ignore_class=0, name="perplexity", dtype=None):
        super().__init__(ignore_class, name, dtype)

    def sums(self, labels, logits, weights):
        """The cross entropy, and the number of tokens."""
        return cross_entropy(labels, logits, weights)

    def result(self):
        """The perplexity."""
        return ops.exp(super().result())

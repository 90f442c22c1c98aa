"""The share of tokens that are right."""

import keras
from keras import ops

from keras_seq.training.token_metric import TokenMetric


@keras.saving.register_keras_serializable(package="keras_seq")
class TokenAccuracy(TokenMetric):
    """The share of the valid tokens that have the largest logit.

    Args:
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        name: Name of the metric. Defaults to `"token_accuracy"`.
        dtype: Optional dtype of the sums.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, ignore_class=0, name="token_accuracy", dtype=None):
        super().__init__(ignore_class, name, dtype)

    def sums(self, labels, logits, weights):
        """The tokens that are right, and all tokens."""
        right = ops.equal(labels, ops.cast(ops.argmax(logits, axis=-1), "int32"))
        return ops.sum(weights * ops.cast(right, "float32")), ops.sum(weights)

"""The share of sequences that are right."""

import keras
from keras import ops

from keras_seq.training.token_metric import TokenMetric


@keras.saving.register_keras_serializable(package="keras_seq")
class SequenceAccuracy(TokenMetric):
    """The share of the sequences in which every valid token has the largest logit.

    A sequence without a valid token does not count.

    Args:
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        name: Name of the metric. Defaults to `"sequence_accuracy"`.
        dtype: Optional dtype of the sums.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`; a token with the weight 0 does not count, and any
            other weight is as good as 1.
    """

    def __init__(self, ignore_class=0, name="sequence_accuracy", dtype=None):
        super().__init__(ignore_class, name, dtype)

    def sums(self, labels, logits, weights):
        """The sequences that are right, and all sequences."""
        valid = weights > 0
        right = ops.equal(labels, ops.cast(ops.argmax(logits, axis=-1), "int32"))
        right = ops.all(ops.logical_or(right, ops.logical_not(valid)), axis=1)
        counted = ops.any(valid, axis=1)
        return (
            ops.sum(ops.cast(ops.logical_and(right, counted), "float32")),
            ops.sum(ops.cast(counted, "float32")),
        )

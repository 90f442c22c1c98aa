"""Cross entropy over valid tokens."""

import keras
from keras import ops

from keras_seq.training.normalised_loss import NormalisedLoss
from keras_seq.training.valid_tokens import integer_labels


def token_cross_entropy(labels, logits, label_smoothing=0.0):
    """The cross entropy of each token, float32 `[...]`, for labels `[...]` and logits `[..., vocabulary]`."""
    logits = ops.cast(logits, "float32")
    entropy = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if not label_smoothing:
        return entropy
    uniform = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
    return (1 - label_smoothing) * entropy + label_smoothing * uniform


def cross_entropy(labels, logits, weights=None, label_smoothing=0.0):
    """The cross entropy over all tokens, and how many there are.

    With label smoothing (Szegedy et al. 2016) the target is `1 - label_smoothing` for the label and `label_smoothing`
    spread evenly over the whole vocabulary; the labels stay integers.

    Args:
        labels: Integer tensor `[batch, time]`. Where the weight is 0, a label may be anything.
        logits: Tensor `[batch, time, vocabulary]`.
        weights: Optional tensor `[batch, time]`, 0 or false where a token is padding.
        label_smoothing: From 0 to below 1. Defaults to `0.0`.

    Returns:
        `(total, normaliser)`, two float32 scalars: the weighted sum, and the sum of the weights. Their quotient is the
        cross entropy of a token; sums of several batches or devices can be added before they are divided.
    """
    if weights is None:
        weights = ops.ones_like(labels)
    weights = ops.cast(weights, "float32")
    counted = weights > 0
    entropy = token_cross_entropy(ops.where(counted, labels, 0), logits, label_smoothing)
    return ops.sum(ops.where(counted, weights * entropy, 0.0)), ops.sum(weights)


@keras.saving.register_keras_serializable(package="keras_seq")
class SequenceCrossEntropy(NormalisedLoss):
    """The mean cross entropy of the valid tokens, for `compile`.

    Args:
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        label_smoothing: Probability that is spread evenly over the vocabulary. Defaults to `0.0`.
        name: Optional name of the loss.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`; with weights, the mean is a weighted one.

    Example:

    >>> model.compile("adam", loss=keras_seq.training.SequenceCrossEntropy(label_smoothing=0.1))
    """

    def __init__(self, ignore_class=0, label_smoothing=0.0, name="sequence_cross_entropy"):
        super().__init__(ignore_class, name)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"Argument `label_smoothing` must be from 0 to below 1. Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def sums(self, y_true, y_pred, weights):
        """The sum over the tokens, and the sum of their weights."""
        return cross_entropy(integer_labels(y_true), y_pred, weights, self.label_smoothing)

    def get_config(self):
        """Return the arguments that build this loss again."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}

"""What metrics over tokens share."""

import keras
from keras import ops

from keras_seq.training.valid_tokens import integer_labels, token_weights


class TokenMetric(keras.metrics.Metric):
    """A quotient of two sums over the valid tokens of all batches, on all replicas.

    A subclass defines `sums`, and `result` if it is more than the quotient.

    Args:
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        name: Optional name of the metric.
        dtype: Optional dtype of the sums.

    Call arguments:
        y_true: Integer labels `[batch, time]`.
        y_pred: Logits `[batch, time, vocabulary]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, ignore_class=0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class
        self.total = self.add_variable((), "zeros", name="total")
        self.normaliser = self.add_variable((), "zeros", name="normaliser")

    def sums(self, labels, logits, weights):
        """What a batch adds to the two sums: two scalars.

        Args:
            labels: int32 `[batch, time]`; 0 where the weight is 0.
            logits: Tensor `[batch, time, vocabulary]`.
            weights: float32 `[batch, time]`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define sums(labels, logits, weights).")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch in."""
        labels = integer_labels(y_true)
        weights = token_weights(labels, y_pred, self.ignore_class, sample_weight)
        labels = ops.where(weights > 0, labels, 0)
        total, normaliser = self.sums(labels, ops.convert_to_tensor(y_pred), weights)
        self.total.assign_add(ops.cast(total, self.dtype))
        self.normaliser.assign_add(ops.cast(normaliser, self.dtype))

    def result(self):
        """The quotient, 0 if nothing counted."""
        return ops.divide_no_nan(ops.convert_to_tensor(self.total), ops.convert_to_tensor(self.normaliser))

    def get_config(self):
        """Return the arguments that build this metric again."""
        return {**super().get_config(), "ignore_class": self.ignore_class}

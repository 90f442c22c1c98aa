"""A loss that is divided by what was counted, not by the size of the batch."""

import keras
from keras import ops

from keras_seq.training.valid_tokens import token_weights


class NormalisedLoss(keras.losses.Loss):
    """The sum of a loss over valid tokens, divided by their number.

    The value is the same however much padding there is. Under `tf.distribute` the sum of each replica is divided by the
    number of tokens of all replicas, so that the gradient is that of the whole batch on one device.

    A subclass defines `sums`.

    Args:
        ignore_class: The label of padding, or None. Defaults to `0`.
        name: Optional name of the loss.

    Call arguments:
        y_true: Labels `[batch, time]`, or targets `[batch, time, features]`.
        y_pred: Outputs `[batch, time, ...]`. What a Keras mask on them leaves out does not count.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, ignore_class=0, name=None):
        super().__init__(name=name)
        self.ignore_class = ignore_class

    def sums(self, y_true, y_pred, weights):
        """The weighted sum of the loss and the sum of the weights `[batch, time]`, two scalars."""
        raise NotImplementedError(f"{type(self).__name__} must define sums(y_true, y_pred, weights).")

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss, a scalar."""
        y_true, outputs = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        weights = token_weights(y_true, y_pred, self.ignore_class, sample_weight)
        total, normaliser = self.sums(y_true, outputs, weights)
        return ops.divide_no_nan(total, sum_over_replicas(ops.stop_gradient(normaliser)))

    def get_config(self):
        """Return the arguments that build this loss again."""
        return {"name": self.name, "ignore_class": self.ignore_class}


def sum_over_replicas(value):
    """The sum of a scalar over the replicas of a `tf.distribute` strategy."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
    return value

"""The squared error of a sequence that is written again."""

import keras
from keras import ops

from keras_seq.training.normalised_loss import NormalisedLoss


def squared_error(targets, outputs, weights=None):
    """The squared distances of all steps, and how many there are.

    Args:
        targets: Tensor `[batch, time, features]`.
        outputs: Tensor `[batch, time, features]`.
        weights: Optional tensor `[batch, time]`, 0 or false where a step is padding.

    Returns:
        `(total, normaliser)`, two float32 scalars: the weighted sum of `||x_t - y_t||^2`, and the sum of the weights.
    """
    difference = ops.cast(targets, "float32") - ops.cast(outputs, "float32")
    distances = ops.sum(ops.square(difference), axis=-1)
    weights = ops.ones_like(distances) if weights is None else ops.cast(weights, "float32")
    return ops.sum(ops.where(weights > 0, weights * distances, 0.0)), ops.sum(weights)


@keras.saving.register_keras_serializable(package="keras_seq")
class SquaredReconstructionError(NormalisedLoss):
    """The mean over the valid steps of the squared distance between a sequence and its reconstruction.

        1 / n  sum_t ||x_t - y_t||^2

    the loss of sequence autoencoders (Srivastava et al. 2015). Which of the n steps are valid, a Keras mask on the
    outputs or the sample weights say.

    Args:
        name: Optional name of the loss.

    Call arguments:
        y_true: Targets `[batch, time, features]`.
        y_pred: Outputs `[batch, time, features]`.
        sample_weight: Optional tensor `[batch]` or `[batch, time]`.
    """

    def __init__(self, name="squared_reconstruction_error"):
        super().__init__(None, name)

    def sums(self, y_true, y_pred, weights):
        """The sum over the steps, and the sum of their weights."""
        return squared_error(y_true, y_pred, weights)

    def get_config(self):
        """Return the arguments that build this loss again."""
        return {"name": self.name}

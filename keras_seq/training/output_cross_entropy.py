"""Cross entropy from what the output layer is given: without the gradient of the logits, which are large."""

import keras
from keras import ops

from keras_seq.training.cross_entropy import cross_entropy


def output_cross_entropy(kernel, bias, features, labels, weights=None, label_smoothing=0.0):
    """The `cross_entropy` of an output layer, and how many tokens there are.

        logits = h W + b,    total = sum over the tokens of weight * cross_entropy(label, logits)

    The gradient of the logits would be three or four tensors of the size of the logits, which for a vocabulary of some
    thousand is much of what a training step moves through memory. On TensorFlow none of them is made: all that it is
    the sum of goes through the matrix products instead. There, tokens of weight 0 cost nothing at all, and a gradient
    of this gradient is refused.

    Args:
        kernel: Tensor `[features, vocabulary]`, as `Decoder.output_weights` returns it, like `bias`.
        bias: Tensor `[vocabulary]` or None.
        features: Tensor `[batch, time, features]`, what the output layer would be given.
        labels: Integer tensor `[batch, time]`. Where the weight is 0, a label may be anything.
        weights: Optional tensor `[batch, time]`, 0 or false where a token is padding.
        label_smoothing: From 0 to below 1, as in `cross_entropy`. Defaults to `0.0`.

    Returns:
        `(total, normaliser)`, two float32 scalars, as `cross_entropy` returns them.

    Example:

    >>> model = EncoderDecoder(..., features_in_training=True)
    >>> features = model((source, target_inputs), training=True)["features"]
    >>> total, count = output_cross_entropy(*model.decoder.output_weights(), features, targets, targets != 0)
    """
    features = ops.convert_to_tensor(features)
    kernel = ops.cast(kernel, features.dtype)
    weights = ops.cast(ops.ones_like(labels) if weights is None else weights, "float32")
    if keras.backend.backend() == "tensorflow":
        from keras_seq.training.output_cross_entropy_tensorflow import weighted_entropy

        bias = None if bias is None else ops.cast(bias, "float32")
        return weighted_entropy(kernel, bias, features, labels, weights, label_smoothing), ops.sum(weights)
    logits = ops.cast(ops.matmul(features, kernel), "float32")
    logits = logits if bias is None else logits + ops.cast(bias, "float32")
    return cross_entropy(labels, logits, weights, label_smoothing)

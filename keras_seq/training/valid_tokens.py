"""Which tokens count."""

from keras import ops


def token_weights(labels, outputs, ignore_class=None, sample_weight=None):
    """How much each token counts in a loss or a metric, float32 `[batch, time]`.

    Args:
        labels: Integer tensor `[batch, time]`, or targets `[batch, time, features]`.
        outputs: Tensor `[batch, time, ...]`; if a layer attached a Keras mask to it, what is masked counts nothing.
        ignore_class: The label of padding, which counts nothing, or None.
        sample_weight: Tensor `[batch]` or `[batch, time]`, or None.
    """
    weights = ops.ones(ops.shape(labels)[:2], dtype="float32")
    if ignore_class is not None:
        labels = labels[..., 0] if len(labels.shape) == 3 else labels
        weights = ops.where(ops.equal(labels, ignore_class), 0.0, weights)
    mask = getattr(outputs, "_keras_mask", None)
    if mask is not None:
        weights = weights * ops.cast(mask, "float32")
    if sample_weight is not None:
        sample_weight = ops.cast(sample_weight, "float32")
        if len(sample_weight.shape) == 1:
            sample_weight = ops.expand_dims(sample_weight, 1)
        elif len(sample_weight.shape) == 3:  # Keras adds a last axis to weights of the rank of the labels
            sample_weight = ops.squeeze(sample_weight, -1)
        weights = weights * sample_weight
    return weights


def integer_labels(labels):
    """Labels `[batch, time]` as int32, also from `[batch, time, 1]` or from floats."""
    labels = ops.cast(labels, "int32")
    return ops.squeeze(labels, -1) if len(labels.shape) == 3 else labels

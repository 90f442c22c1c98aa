"""How far two answers to the same question are apart."""

from keras import ops


def symmetric_divergence(logits, others, weights=None):
    """The Kullback-Leibler divergences of two distributions from each other, over all tokens, and how many there are.

        KL(p, q) + KL(q, p) = sum over k of (p_k - q_k) (logit_k - other_k)

    The normalisers of the logits cancel, since the differences of probabilities add up to zero. Of two passes over the
    same tokens with other dropout it is what R-Drop makes small: Liang et al. (2021), "R-Drop: Regularized Dropout for
    Neural Networks".

    Args:
        logits: Tensor `[..., vocabulary]`.
        others: Tensor of the same shape.
        weights: Optional tensor `[...]`, 0 or false where a token is padding.

    Returns:
        `(total, normaliser)`, two float32 scalars: the weighted sum, and the sum of the weights.
    """
    logits, others = ops.cast(logits, "float32"), ops.cast(others, "float32")
    apart = ops.softmax(logits, axis=-1) - ops.softmax(others, axis=-1)
    divergence = ops.sum(apart * (logits - others), axis=-1)
    if weights is None:
        weights = ops.ones_like(divergence)
    weights = ops.cast(weights, "float32")
    return ops.sum(ops.where(weights > 0, weights * divergence, 0.0)), ops.sum(weights)

"""The coverage penalty: a sequence shall attend to all of its memory."""

from keras import ops

LEAST = 1e-6


def coverage_penalty(coverage, memory_mask):
    """The coverage penalty of Wu et al. (2016), with beta = 1.

        cp(X, Y) = sum_i log(min(sum_j a_ij, 1))

    with `a_ij` the attention that word i of the memory gets while token j is produced. It is 0 when every word got
    all of the attention that it can need, else negative. A word that got none counts as log(1e-6).

    Args:
        coverage: Tensor `[batch, width, memory_time]`, the sums over j.
        memory_mask: Boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        Tensor `[batch, width]`.
    """
    logarithms = ops.log(ops.clip(coverage, LEAST, 1.0))
    return ops.sum(ops.where(ops.expand_dims(memory_mask, 1), logarithms, 0.0), axis=-1)

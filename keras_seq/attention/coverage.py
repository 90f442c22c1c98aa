"""Attention that knows what it has covered."""

import keras
from keras import ops

from keras_seq.attention.additive import AdditiveAttention, additive_scores
from keras_seq.attention.content import steps_mask
from keras_seq.attention.masking import masked_softmax, wide_dtype


@keras.saving.register_keras_serializable(package="keras_seq")
class CoverageAttention(AdditiveAttention):
    """Additive attention that knows how much of the memory has been attended to.

    See et al. (2017), "Get To The Point: Summarization with Pointer-Generator Networks":

        e_ij = v . tanh(s_{i-1} W + h_j U + C_{i-1,j} w + b)
        a_ij = softmax over j of e_ij
        C_ij = C_{i-1,j} + a_ij                              coverage; C_0 = 0
        c_i  = sum over j of a_ij h_j

    With `max_fertility` N, the linguistic coverage of Tu et al. (2016), "Modeling Coverage for Neural Machine
    Translation", in which a word of the memory may be translated by up to N words:

        C_ij = C_{i-1,j} + a_ij / F_j
        F_j  = N sigmoid(h_j u)                              fertility

    for the query `s_{i-1}` and the memory `h`; `W` = `query_kernel`, `U` = `memory_kernel`, `w` = `coverage_kernel`,
    `b` = `bias`, `v` = `score_kernel`, `u` = `fertility_kernel`. `coverage_loss` is the loss of See et al.

    Args:
        units: Positive integer, size of the hidden layer that scores a step.
        max_fertility: Optional positive number N. Defaults to `None`, no fertility.
        **kwargs: Further arguments of `AdditiveAttention`, `normalize` among them, and the arguments of a layer.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`, whose steps take their turns.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.CoverageAttention(16)
    >>> context, weights = attention(np.random.random((32, 5, 8)), np.random.random((32, 10, 4)))
    >>> loss = keras.ops.mean(keras_seq.attention.coverage_loss(weights))
    """

    state_sizes = (None,)
    always_bias = True

    def __init__(self, units, max_fertility=None, **kwargs):
        super().__init__(units, **kwargs)
        if max_fertility is not None and not max_fertility > 0:
            raise ValueError(f"Argument `max_fertility` must be a positive number or None. Received: {max_fertility!r}")
        self.max_fertility = max_fertility

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        self.coverage_kernel = self._kernel((self.units,), "coverage_kernel")
        if self.max_fertility is not None:
            self.fertility_kernel = self._kernel((memory_shape[-1], 1), "fertility_kernel")

    def project_memory(self, memory, memory_mask=None):
        """As in additive attention, with the `"fertility"` `[batch, memory_time]` if there is one."""
        projected = super().project_memory(memory, memory_mask)
        if self.max_fertility is None:
            return projected
        fertility = ops.matmul(projected["values"], self.computed(self.fertility_kernel))[..., 0]
        fertility = self.max_fertility * ops.sigmoid(ops.cast(fertility, self.wide_dtype))
        return {**projected, "fertility": fertility}

    def initial_alignment(self, projected):
        """The coverage `C_0`."""
        return [ops.cast(self.no_alignment(projected), self.wide_dtype)]

    def align(self, query, projected, state, training=False, noise=None):
        """One step: the softmax of scores that know the coverage, which grows by it."""
        (coverage,) = state  # [batch, memory_time]
        covered = ops.expand_dims(ops.cast(coverage, self.compute_dtype), -1) * self.computed(self.coverage_kernel)
        query = ops.matmul(query, self.computed(self.query_kernel))
        scores = additive_scores(query, ops.add(projected["keys"], covered), self.normalized_score_kernel())
        weights = masked_softmax(scores, steps_mask(projected))
        added = weights[:, 0] / projected["fertility"] if "fertility" in projected else weights[:, 0]
        return weights, [coverage + added]

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {**super().get_config(), "max_fertility": self.max_fertility}


def coverage_loss(weights, mask=None):
    """The loss of See et al. (2017) against attending to the same again: `sum over j of min(a_ij, C_{i-1,j})`.

    Args:
        weights: Tensor `[batch, time, memory_time]`, the weights of all steps.
        mask: Optional boolean tensor `[batch, time]`, false where a step is padding.

    Returns:
        The loss of each step, `[batch, time]`; zero where the mask is false.
    """
    weights = ops.cast(weights, wide_dtype(weights.dtype))
    if mask is not None:
        weights = ops.where(ops.expand_dims(mask, -1), weights, ops.zeros_like(weights))
    coverage = ops.cumsum(weights, axis=1) - weights
    return ops.sum(ops.minimum(weights, coverage), axis=-1)

"""Scaled dot-product attention."""

import math

import keras
from keras import ops

from keras_seq.attention.content import ContentAttention


@keras.saving.register_keras_serializable(package="keras_seq")
class ScaledDotProductAttention(ContentAttention):
    """The attention of Vaswani et al. (2017), "Attention Is All You Need", without any weights.

        e_ij = q_i . m_j / sqrt(size)
        a_ij = softmax over j of e_ij
        c_i  = sum over j of a_ij m_j

    for the queries `q` and the memory `m`, of the same size. `MultiHeadAttention` is the one with projections.

    Args:
        **kwargs: The arguments of a layer.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`.
        memory: Tensor `[batch, memory_time, features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.ScaledDotProductAttention()
    >>> context, weights = attention(np.random.random((32, 5, 4)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 5, 4), (32, 5, 10))
    """

    def build(self, query_shape, memory_shape):
        """Check the shapes of queries `[batch, features]` and memories `[batch, memory_time, features]`."""
        super().build(query_shape, memory_shape)
        if query_shape[-1] != memory_shape[-1]:
            raise ValueError(
                "Expected queries of the size of the memory's features. "
                f"Received: query_shape={tuple(query_shape)}, memory_shape={tuple(memory_shape)}"
            )

    def scores(self, query, projected):
        """Scores `[batch, time, memory_time]` of queries `[batch, time, features]`."""
        # Scaled before the product, whose range half precision could leave.
        query = ops.multiply(query, 1 / math.sqrt(query.shape[-1]))
        return ops.einsum("btd,bsd->bts", query, projected["values"])

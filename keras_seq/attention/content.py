"""What the attentions that compare a query with each step of the memory share."""

from keras_seq.attention.attention import Attention
from keras_seq.attention.masking import masked_softmax


class ContentAttention(Attention):
    """An attention whose weights are the softmax, over the valid steps, of a score of the query and each step.

    A subclass defines `scores`. `LocalAttention` and `MonotonicAttention` make other weights of the same scores.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, context_size]` and `[batch, memory_time]`, or `[batch, time, ...]`.
    """

    def scores(self, query, projected):
        """Scores `[batch, time, memory_time]` of queries `[batch, time, features]`, of padding as well."""
        raise NotImplementedError(f"{type(self).__name__} must define scores(query, projected).")

    def align(self, query, projected, state, training=False, noise=None):
        """The softmax of the scores over the valid steps of the memory."""
        return masked_softmax(self.scores(query, projected), steps_mask(projected)), state


def steps_mask(projected):
    """The mask of the memory for many queries, `[batch, 1, memory_time]`, or None."""
    mask = projected.get("mask")
    return None if mask is None else mask[:, None, :]

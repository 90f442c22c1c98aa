"""Multiplicative attention."""

import keras
from keras import initializers, ops

from keras_seq.attention.additive import additive_scores
from keras_seq.attention.content import ContentAttention
from keras_seq.cells.cell import check_units

SCORES = ("dot", "scaled", "general", "concat")


@keras.saving.register_keras_serializable(package="keras_seq")
class MultiplicativeAttention(ContentAttention):
    """The attention of Luong et al. (2015), "Effective Approaches to Attention-based Neural Machine Translation".

        score(h_t, m_s) = h_t . m_s                        "dot"
                          g h_t . m_s                      "scaled"
                          h_t W m_s                        "general"
                          v . tanh([h_t; m_s] W)           "concat"
        a_t(s) = softmax over s of score(h_t, m_s)
        c_t    = sum over s of a_t(s) m_s

    for the query `h_t` and the memory `m`; `W` = `kernel`, `v` = `score_kernel`, `g` = `gain`, a learnt number that
    starts at one. "dot" and "scaled" need queries of the size of the memory's features.

    Args:
        score: `"dot"`, `"scaled"`, `"general"` or `"concat"`. Defaults to `"general"`.
        units: Size of the hidden layer of `"concat"`. Defaults to the size of the queries.
        kernel_initializer: Initializer of the kernels. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.MultiplicativeAttention("general")
    >>> context, weights = attention(np.random.random((32, 5, 8)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 5, 4), (32, 5, 10))
    """

    def __init__(self, score="general", units=None, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if score not in SCORES:
            raise ValueError(f"Argument `score` must be one of {SCORES}. Received: score={score!r}")
        if units is not None and score != "concat":
            raise ValueError(f'Argument `units` belongs to `score="concat"`. Received: score={score!r}, units={units}')
        self.score = score
        self.units = None if units is None else check_units(units)
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        size, features = query_shape[-1], memory_shape[-1]
        if self.score in ("dot", "scaled") and size != features:
            raise ValueError(
                f'`score="{self.score}"` needs queries of the size of the memory\'s features; "general" does not. '
                f"Received: query_shape={tuple(query_shape)}, memory_shape={tuple(memory_shape)}"
            )
        if self.score == "scaled":
            self.gain = self.add_weight(shape=(), initializer="ones", name="gain")
        elif self.score == "general":
            self.kernel = self.add_weight(shape=(size, features), initializer=self.kernel_initializer, name="kernel")
        elif self.score == "concat":
            units = self.units or size
            shape = (size + features, units)
            self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
            self.score_kernel = self.add_weight(
                shape=(units,), initializer=self.kernel_initializer, name="score_kernel"
            )

    def project_memory(self, memory, memory_mask=None):
        """The memory as values, and as `"keys"` all of the score that does not need the query."""
        projected = super().project_memory(memory, memory_mask)
        keys = projected["values"]
        if self.score == "scaled":
            keys = ops.multiply(keys, self.computed(self.gain))
        elif self.score == "general":
            keys = ops.matmul(keys, ops.transpose(self.computed(self.kernel)))
        elif self.score == "concat":
            keys = ops.matmul(keys, self.computed(self.kernel)[-self.context_size :])
        return {**projected, "keys": keys}

    def scores(self, query, projected):
        """Scores `[batch, time, memory_time]` of queries `[batch, time, features]`."""
        if self.score == "concat":
            query = ops.matmul(query, self.computed(self.kernel)[: -self.context_size])
            return additive_scores(query, projected["keys"], self.computed(self.score_kernel))
        return ops.einsum("btd,bsd->bts", query, projected["keys"])

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "score": self.score,
            "units": self.units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }

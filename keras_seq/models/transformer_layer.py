"""One layer of a Transformer, of the encoder or of the decoder."""

import keras

from keras_seq.attention.multi_head import MultiHeadAttention
from keras_seq.models.feed_forward import FeedForward
from keras_seq.models.residual_connection import ResidualConnection


class TransformerLayer(keras.layers.Layer):
    """Self-attention, then attention to a memory if there is one, then a feed-forward network; Vaswani et al. (2017).

    Each of them has a residual connection around it. With `causal` self-attention this is a layer of a decoder, which
    can also be stepped: `start` and `step`.

    Args:
        heads: Number of heads.
        hidden_size: Size of the hidden layer of the feed-forward network.
        causal: Whether a step sees no later one. Defaults to `False`.
        pre_norm: Whether each part is normalised before it, not after. Defaults to `True`.
        activation: Activation of the feed-forward network. Defaults to `"relu"`.
        dropout: Fraction that is dropped while training, of what each part puts out. Defaults to `0.0`.
        inner_dropout: The same, of the weights of attention and the hidden layer. Defaults to `None`: as `dropout`.
        positions: Positions of the self-attention: `None`, `"relative"` or `"rotary"`. Defaults to `None`.
        max_distance: The largest relative distance. Defaults to `16`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.
    """

    def __init__(
        self,
        heads,
        hidden_size,
        causal=False,
        pre_norm=True,
        activation="relu",
        dropout=0.0,
        inner_dropout=None,
        positions=None,
        max_distance=16,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.heads = heads
        self.around = {"pre_norm": pre_norm, "dropout": dropout, "seed": seed, "dtype": self.dtype_policy}
        inner_dropout = dropout if inner_dropout is None else inner_dropout
        self.within = {"dropout": inner_dropout, "seed": seed, "dtype": self.dtype_policy}
        self.self_attention = MultiHeadAttention(
            heads, causal=causal, positions=positions, max_distance=max_distance, name="self_attention", **self.within
        )
        self.feed_forward = FeedForward(hidden_size, activation, name="feed_forward", **self.within)
        self.self_connection = ResidualConnection(name="self_connection", **self.around)
        self.feed_forward_connection = ResidualConnection(name="feed_forward_connection", **self.around)

    def build(self, inputs_shape, memory_shape=None):
        """Create the weights for inputs `[batch, time, size]`, and for a memory if there is one."""
        self.looks_at_memory = memory_shape is not None
        self.self_connection.build(inputs_shape)
        self.self_attention.build(inputs_shape, inputs_shape)
        if self.looks_at_memory:
            self.cross_attention = MultiHeadAttention(self.heads, name="cross_attention", **self.within)
            self.cross_connection = ResidualConnection(name="cross_connection", **self.around)
            self.cross_connection.build(inputs_shape)
            self.cross_attention.build(inputs_shape, memory_shape)
        self.feed_forward_connection.build(inputs_shape)
        self.feed_forward.build(inputs_shape)
        self.built = True

    def call(self, inputs, mask=None, memory=None, memory_mask=None, training=False):
        """Inputs `[batch, time, size]` to outputs of the same shape."""
        query = self.self_connection.enter(inputs)
        context, _ = self.self_attention(query, query, memory_mask=mask, training=training)
        outputs = self.self_connection.leave(inputs, context, training)
        if self.looks_at_memory:
            query = self.cross_connection.enter(outputs)
            context, _ = self.cross_attention(query, memory, memory_mask=memory_mask, training=training)
            outputs = self.cross_connection.leave(outputs, context, training)
        return self._feed_forward(outputs, training)

    def start(self, batch_size, max_length, memory=None, memory_mask=None):
        """The state before the first of `max_length` steps: the cache, and the keys and values of the memory."""
        cache = self.self_attention.start_cache(batch_size, max_length)
        del cache["length"]  # the same in all layers
        looked_at = self.cross_attention.project_memory(memory, memory_mask) if self.looks_at_memory else None
        return {"cache": cache, "memory": looked_at}

    def step(self, inputs, state, length):
        """One step: inputs `[batch, size]`, after `length` others `[batch]`, to `(outputs, state, weights)`.

        The weights are those of the attention to the memory, `[batch, heads, memory_time]`, or None.
        """
        cache = {**state["cache"], "length": length}
        context, _, cache = self.self_attention.step(self.self_connection.enter(inputs), cache)
        del cache["length"]
        outputs, weights = self._look(self.self_connection.leave(inputs, context), state["memory"])
        return self._feed_forward(outputs), {"cache": cache, "memory": state["memory"]}, weights

    def prefill(self, inputs, state, length):
        """The first steps at once: inputs `[batch, time, size]`, of which a row has `length` [batch], and `start`.

        Returns:
            `(outputs, state)`: `[batch, time, size]`, and the state after these steps.
        """
        context, cache = self.self_attention.prefill(self.self_connection.enter(inputs), state["cache"], length)
        del cache["length"]
        outputs, _ = self._look(self.self_connection.leave(inputs, context), state["memory"])
        return self._feed_forward(outputs), {"cache": cache, "memory": state["memory"]}

    def _look(self, inputs, memory):
        """What the attention to the memory, if there is one, makes of inputs `[batch, (time,) size]`; its weights."""
        if not self.looks_at_memory:
            return inputs, None
        query = self.cross_connection.enter(inputs)
        context, weights, _ = self.cross_attention.attend(query, memory)
        return self.cross_connection.leave(inputs, context), weights

    def _feed_forward(self, inputs, training=False):
        hidden = self.feed_forward(self.feed_forward_connection.enter(inputs), training=training)
        return self.feed_forward_connection.leave(inputs, hidden, training)

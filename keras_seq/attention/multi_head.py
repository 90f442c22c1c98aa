"""Multi-head attention."""

import math

import keras
from keras import initializers, ops

from keras_seq.attention import key_value_cache
from keras_seq.attention.attention import Attention
from keras_seq.attention.masking import masked_softmax, valid_places
from keras_seq.attention.relative_positions import relative_context, relative_rows, relative_scores
from keras_seq.attention.rotary_positions import rotate
from keras_seq.cells.cell import check_units

POSITIONS = (None, "relative", "rotary")


@keras.saving.register_keras_serializable(package="keras_seq")
class MultiHeadAttention(Attention):
    """The multi-head attention of Vaswani et al. (2017), "Attention Is All You Need".

        q = x W_q + b_q,  k = m W_k + b_k,  v = m W_v + b_v       for each head
        e_ij = q_i . k_j / sqrt(size)
        a_ij = softmax over j of e_ij
        y_i  = [sum over j of a_ij v_j, head beside head] W_o + b_o

    for the queries `x` and the memory `m`. In self-attention the two are the same sequence, and then the attention may
    be causal, each step seeing itself and those before it, and know how far apart two steps are: with "relative"
    positions (Shaw et al. 2018) or "rotary" ones (Su et al. 2021); the places are counted over the valid steps.

    To produce a sequence step by step, a causal attention has a cache of keys and values, which goes in and comes out:

        cache = attention.start_cache(batch_size, max_length)
        context, weights, cache = attention.step(inputs, cache)

    Args:
        heads: Positive integer, number of heads.
        head_size: Size of the queries, keys and values of a head. Defaults to the size of the queries over `heads`.
        output_size: Size of the context. Defaults to the size of the queries.
        causal: Whether a step sees no later one. Defaults to `False`.
        positions: `None`, `"relative"` or `"rotary"`. Defaults to `None`.
        max_distance: Positive integer; larger relative distances count as this one. Defaults to `16`.
        dropout: Fraction of the weights that is dropped while training; in a loop, the same at all steps of a sequence.
            The weights that are returned are those before it. Defaults to `0.0`.
        use_bias: Whether the projections have biases. Defaults to `True`.
        kernel_initializer: Initializer of the kernels. Defaults to `"glorot_uniform"`.
        seed: Optional seed of the dropout.
        **kwargs: The arguments of a layer.

    Call arguments:
        query: Tensor `[batch, time, features]`, or one step `[batch, features]`.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Returns:
        `(context, weights)`: `[batch, time, output_size]` and `[batch, heads, time, memory_time]`; for one step
        `[batch, output_size]` and `[batch, heads, memory_time]`.

    Masking:
        As in `Attention`; the context of a row with no valid step is `b_o`.

    Example:

    >>> attention, x = keras_seq.MultiHeadAttention(heads=2, causal=True), np.random.random((32, 10, 8))
    >>> context, weights = attention(x, x)
    >>> context.shape, weights.shape
    ((32, 10, 8), (32, 2, 10, 10))
    """

    def __init__(
        self,
        heads,
        head_size=None,
        output_size=None,
        causal=False,
        positions=None,
        max_distance=16,
        dropout=0.0,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if positions not in POSITIONS:
            raise ValueError(f"Argument `positions` must be one of {POSITIONS}. Received: positions={positions!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"Argument `dropout` must be in [0, 1). Received: dropout={dropout}")
        self.heads = check_units(heads, "heads")
        self.head_size = None if head_size is None else check_units(head_size, "head_size")
        self.output_size = None if output_size is None else check_units(output_size, "output_size")
        self.causal = causal
        self.positions = positions
        self.max_distance = check_units(max_distance, "max_distance")
        self.dropout = dropout
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.alignment_size = (self.heads, None)

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, time, features]` and memories `[batch, memory_time, ...]`."""
        super().build(query_shape, memory_shape)
        features = query_shape[-1]
        if self.head_size is None and features % self.heads:
            raise ValueError(
                "Without `head_size`, the size of the queries must be a multiple of `heads`. "
                f"Received: heads={self.heads}, query_shape={tuple(query_shape)}"
            )
        self.size = self.head_size or features // self.heads
        if self.positions == "rotary" and self.size % 2:
            raise ValueError(f"Rotary positions need heads of an even size. Received: heads of size {self.size}")
        self.context_size = self.output_size or features
        width = self.heads * self.size
        self.query_kernel, self.query_bias = self._projection(features, width, "query")
        self.key_kernel, self.key_bias = self._projection(memory_shape[-1], width, "key")
        self.value_kernel, self.value_bias = self._projection(memory_shape[-1], width, "value")
        self.output_kernel, self.output_bias = self._projection(width, self.context_size, "output")
        if self.positions == "relative":
            shape = (2 * self.max_distance + 1, self.size)
            self.relative_keys, self.relative_values = (
                self.add_weight(shape=shape, initializer=self.kernel_initializer, name=f"relative_{name}")
                for name in ("keys", "values")
            )

    def _projection(self, size, width, name):
        kernel = self.add_weight(shape=(size, width), initializer=self.kernel_initializer, name=f"{name}_kernel")
        bias = self.add_weight(shape=(width,), initializer="zeros", name=f"{name}_bias") if self.use_bias else None
        return kernel, bias

    def _project(self, inputs, kernel, bias):
        """Project `[..., features]` to `[rows, projected]`: one product of two matrices, whatever the shape."""
        rows = inputs if len(inputs.shape) == 2 else ops.reshape(inputs, (-1, inputs.shape[-1]))
        projected = ops.matmul(rows, self.computed(kernel))
        return projected if bias is None else ops.add(projected, self.computed(bias))

    def _project_heads(self, inputs, kernel, bias):
        """Project `[batch, time, features]` to `[batch, heads, time, size]`."""
        time, projected = ops.shape(inputs)[1], self._project(inputs, kernel, bias)
        if inputs.shape[1] == 1:
            return ops.reshape(projected, (-1, self.heads, 1, self.size))
        return ops.swapaxes(ops.reshape(projected, (-1, time, self.heads, self.size)), 1, 2)

    @property
    def noisy(self) -> bool:
        """Whether there is dropout."""
        return self.dropout > 0

    def project_memory(self, memory, memory_mask=None):
        """`"keys"` and `"values"` `[batch, heads, memory_time, size]`; `"mask"` and `"places"` if there is a mask."""
        projected = super().project_memory(memory, memory_mask)
        memory = projected["values"]
        if self.positions and memory_mask is not None:
            projected["places"] = valid_places(projected["mask"])
        keys = self._project_heads(memory, self.key_kernel, self.key_bias)
        if self.positions == "rotary":
            keys = rotate(keys, step_places(projected, ops.shape(keys)[2]))
        return {**projected, "keys": keys, "values": self._project_heads(memory, self.value_kernel, self.value_bias)}

    def attend(self, query, projected, state=(), training=False, noise=None):
        """Look at the memory once for each query; see `Attention.attend`."""
        if self.causal or self.positions:
            time, memory_time = query.shape[1], projected["keys"].shape[2]
            if len(query.shape) != 3 or (time is not None and memory_time is not None and time != memory_time):
                raise ValueError(
                    "`causal` and `positions` are for self-attention: expected queries [batch, time, features], one "
                    "for each step of the memory; single steps are taken by `step(inputs, cache)`. "
                    f"Received: query.shape={tuple(query.shape)}, {memory_time} steps of memory"
                )
        return super().attend(query, projected, state, training, noise)

    def align(self, query, projected, state, training=False, noise=None):
        """The softmax of the scores of each head, `[batch, heads, time, memory_time]`."""
        query = self._project_heads(query, self.query_kernel, self.query_bias)
        # Scaled before the product, whose range half precision could leave.
        query = ops.multiply(query, 1 / math.sqrt(self.size))
        places = query_places(projected, ops.shape(query)[2])
        if self.positions == "rotary":
            query = rotate(query, places)
        if "cache" in projected:
            scores = key_value_cache.scores(query, projected["cache"])
        else:
            scores = ops.einsum("bhtd,bhsd->bhts", query, projected["keys"])
        if self.positions == "relative":
            scores = ops.add(
                scores, relative_scores(query, self.computed(self.relative_keys), self._rows(places, projected))
            )
        return masked_softmax(scores, self._mask(scores, projected)), state

    def read(self, weights, projected, noise=None):
        """The context `[batch, time, context_size]` that weights `[batch, heads, time, memory_time]` give."""
        weights = ops.cast(weights, self.compute_dtype)
        weights = weights if noise is None else ops.multiply(weights, noise)
        if "cache" in projected:
            heads = key_value_cache.weighted(weights, projected["cache"])
        else:
            heads = ops.matmul(weights, projected["values"])  # [batch, heads, time, size]
        time = ops.shape(heads)[2]
        if self.positions == "relative":
            rows = self._rows(query_places(projected, time), projected)
            heads = ops.add(heads, relative_context(weights, self.computed(self.relative_values), rows))
        heads = heads if heads.shape[2] == 1 else ops.swapaxes(heads, 1, 2)
        side_by_side = ops.reshape(heads, (-1, self.heads * self.size))
        context = self._project(side_by_side, self.output_kernel, self.output_bias)
        return ops.reshape(context, (-1, time, self.context_size))

    def _rows(self, places, projected):
        memory_places = step_places(projected, ops.shape(projected["keys"])[2])
        return relative_rows(places, memory_places, self.max_distance)

    def _mask(self, scores, projected):
        """What each query may see, or None: a mask that broadcasts to the scores."""
        mask = projected.get("mask")
        mask = None if mask is None else mask[:, None, None, :]
        if not self.causal or "query_places" in projected:  # a step of a cache sees all that is in it
            return mask
        time, memory_time = ops.shape(scores)[2], ops.shape(scores)[3]
        causal = ops.expand_dims(ops.arange(time), 1) >= ops.arange(memory_time)
        return causal if mask is None else ops.logical_and(causal, mask)

    def no_alignment(self, projected):
        """Weights of zero for one step: `[batch, heads, memory_time]`."""
        return ops.zeros(ops.shape(projected["values"])[:3], dtype=self.compute_dtype)

    def draw_noise(self, projected, steps=1):
        """What the weights are multiplied by for dropout, `[batch, heads, steps, memory_time]`."""
        batch, heads, memory_time = ops.shape(projected["values"])[:3]
        ones = ops.ones((batch, heads, steps, memory_time), dtype=self.compute_dtype)
        return keras.random.dropout(ones, self.dropout, seed=self.seed_generator)

    def start_cache(self, batch_size, max_length):
        """A cache for sequences of up to `max_length` steps, with none in it: a dictionary of tensors, batch first."""
        if not self.causal:
            raise ValueError("Only a causal attention can be stepped with a cache. Received: causal=False")
        return key_value_cache.empty_cache(batch_size, self.heads, max_length, self.size, self.compute_dtype)

    def step(self, inputs, cache):
        """The next step of a causal self-attention.

        Args:
            inputs: Tensor `[batch, features]`, both the query and what is added to the memory.
            cache: What `start_cache` or the last step returned.

        Returns:
            `(context, weights, cache)`: `[batch, output_size]`, `[batch, heads, max_length or more]`, the longer cache.
        """
        inputs = ops.expand_dims(ops.cast(inputs, self.compute_dtype), 1)  # [batch, 1, features]
        place = ops.expand_dims(cache["length"], 1)  # [batch, 1]
        keys = self._project_heads(inputs, self.key_kernel, self.key_bias)
        if self.positions == "rotary":
            keys = rotate(keys, place)
        values = self._project_heads(inputs, self.value_kernel, self.value_bias)
        cache = key_value_cache.extend_cache(cache, keys[:, :, 0], values[:, :, 0])
        places, there = key_value_cache.places(cache)
        projected = {"cache": cache, "keys": cache["keys"], "places": places, "mask": there, "query_places": place}
        weights, _ = self.align(inputs, projected, [])
        context = self.read(weights, projected)
        weights = key_value_cache.in_order(ops.cast(weights, self.compute_dtype)[:, :, 0], cache)
        return context[:, 0], weights, cache

    def prefill(self, inputs, cache, length):
        """The first steps of a causal self-attention at once.

        Args:
            inputs: Tensor `[batch, time, features]`.
            cache: What `start_cache` returned.
            length: int32 `[batch]`, how many of the steps a row has; the contexts of others mean nothing.

        Returns:
            `(context, cache)`: `[batch, time, output_size]`, and the cache after these steps.
        """
        projected = self.project_memory(inputs)
        context, _, _ = self.attend(inputs, projected)
        return context, key_value_cache.prefill(cache, projected["keys"], projected["values"], length)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "head_size": self.head_size,
            "output_size": self.output_size,
            "causal": self.causal,
            "positions": self.positions,
            "max_distance": self.max_distance,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }


def step_places(projected, time):
    """Where the steps of a projected memory stand: `[batch, time]` where there is a mask, else `[time]`."""
    places = projected.get("places")
    return ops.arange(time, dtype="int32") if places is None else places


def query_places(projected, time):
    """Where the queries stand: one for each step of the memory, or the one of a cache's step."""
    places = projected.get("query_places")
    return step_places(projected, time) if places is None else places

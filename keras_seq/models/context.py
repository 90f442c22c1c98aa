"""The context: what a decoder is told about a whole sequence."""

from typing import Any

import keras
from keras import layers

from keras_seq.models.memory import Memory, steps_of, steps_shape
from keras_seq.pooling import LastPooling, MeanPooling

CONTEXTS = ("last", "dense", "pooled")


class Context(keras.layers.Layer):
    """The context c of a memory, one vector a row.

        c = h_T                            "last": the last state
        c = tanh(h_T W + b)                "dense": a transformation of it, as in Cho et al. (2014)
        c = tanh(pool(h_1 ... h_T) W + b)  "pooled": a transformation of all states

    Args:
        kind: `"last"`, `"dense"` or `"pooled"`.
        size: Size of the dense layer.
        pooling: Pooling layer of `"pooled"`. Defaults to `MeanPooling()`.
        **kwargs: The arguments of a layer.

    Call arguments:
        memory: Tensor `[batch, memory_time, features]`, or a `Memory`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`.

    Returns:
        `(context, states)`: `[batch, size]`, and the list of vectors that an initial state is made of: the final states
        for `"last"`, else the context.
    """

    def __init__(self, kind="last", size=None, pooling=None, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        if kind not in CONTEXTS:
            raise ValueError(f"Argument `context` must be one of {CONTEXTS}. Received: context={kind!r}")
        if pooling is not None and kind != "pooled":
            raise ValueError(f'Argument `pooling` belongs to `context="pooled"`. Received: context={kind!r}')
        self.kind = kind
        self.pooling = (MeanPooling() if pooling is None else pooling) if kind == "pooled" else None
        self.last_pooling = LastPooling()
        self.dense: Any = None if kind == "last" else layers.Dense(size, "tanh", dtype=self.dtype_policy, name="dense")

    def build(self, memory_shape):
        """Create the weights for a memory of this shape, or of these shapes."""
        steps = steps_shape(memory_shape)
        given = isinstance(memory_shape[0], (list, tuple))
        last = memory_shape[1][-1] if given else steps[-1]
        states = [shape[-1] for shape in memory_shape[2]] if given else [last]
        size = last if self.kind == "last" else self.dense.units
        if self.pooling is not None:
            if not self.pooling.built:
                self.pooling.build(steps)
            self.dense.build((None, self.pooling.compute_output_shape(steps)[-1]))
        elif self.dense is not None:
            self.dense.build((None, last))
        # Sizes of what `call` returns.
        self.size = size
        self.state_sizes = states if self.kind == "last" else [size]
        self.built = True

    def call(self, memory, memory_mask=None):
        """The context of each row."""
        memory_mask = steps_of(memory_mask)
        if not isinstance(memory, (list, tuple)):
            last = self.last_pooling(memory, mask=memory_mask)
            memory = Memory(memory, last, [last])
        outputs, last, states = memory
        if self.kind == "last":
            return last, list(states)
        context = self.dense(last if self.pooling is None else self.pooling(outputs, mask=memory_mask))
        return context, [context]

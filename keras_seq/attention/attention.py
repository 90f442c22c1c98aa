"""The contract of an attention: project the memory once, then look at it at every step."""

import keras
from keras import ops

from keras_seq.attention.masking import wide_dtype, zero_padding
from keras_seq.recurrent.loop import run_loop


class Attention(keras.layers.Layer):
    """Where to look in a memory, and what is seen there: `(context, weights)`.

    A memory is a sequence of any length, such as the outputs of an encoder. `project_memory` computes what depends on
    it alone, once a sequence; `attend` does the rest, for one query or for many. Memory is an argument of every call,
    never kept on the layer. An attention that looks at its own past (location-aware, coverage, monotonic) carries it as
    a state, a value that goes in and comes out; its queries take their turns.

    A subclass defines `align` and, where that is not all, extends `project_memory`. Subclasses with a state set
    `state_sizes` and define `initial_alignment`.

    Call arguments:
        query: Tensor `[batch, features]`, or `[batch, time, features]` for many steps.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Returns:
        `(context, weights)`: `[batch, context_size]` and `[batch, memory_time]`, for many steps `[batch, time, ...]`.

    Masking:
        A masked step of the memory has weight zero, wherever it stands, and whatever is in it: a padded memory gives
        the numbers of the memory without padding. A row with no valid step gives zeros.
    """

    # Sizes of the states, without the batch; None stands for the length of the memory.
    state_sizes: tuple[int | None, ...] = ()
    # Size of the weights of one step, without the batch.
    alignment_size: tuple[int | None, ...] = (None,)
    context_size: int

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        check_features(query_shape, memory_shape)
        self.context_size = memory_shape[-1]
        self.built = True

    @property
    def noisy(self) -> bool:
        """Whether `attend` draws random numbers while training."""
        return False

    def project_memory(self, memory, memory_mask=None):
        """What depends on the memory alone: a dictionary of tensors with the batch first.

        Returns:
            `"values"` `[batch, memory_time, ...]`, what a context is made of; `"mask"` `[batch, memory_time]` if there
            is one; and what else `align` needs.
        """
        memory = ops.cast(memory, self.compute_dtype)
        if memory_mask is None:
            return {"values": memory}
        mask = ops.cast(memory_mask, "bool")
        return {"values": zero_padding(memory, mask), "mask": mask}

    def initial_alignment(self, projected):
        """The states before the first step: a list of tensors, one for each of `state_sizes`."""
        return []

    def attend(self, query, projected, state=(), training=False, noise=None):
        """Look at the memory once for each query.

        Args:
            query: Tensor `[batch, features]`; without states also `[batch, time, features]`, all steps at once.
            projected: What `project_memory` returned.
            state: List of states.
            training: Whether the layer runs in training mode.
            noise: Optional random numbers of `draw_noise`; without them, while training, they are drawn here.

        Returns:
            `(context, weights, new_state)`: `[batch, context_size]`, `[batch, memory_time]`, or `[batch, time, ...]`.
        """
        one_step = len(query.shape) == 2
        if self.state_sizes and not one_step:
            raise ValueError(
                f"{type(self).__name__} looks at its past: it attends with one query [batch, features] at a time. "
                f"Received: query.shape={tuple(query.shape)}"
            )
        query = ops.cast(query, self.compute_dtype)
        query = ops.expand_dims(query, 1) if one_step else query  # [batch, time, features]
        if training and noise is None and self.noisy:
            noise = self.draw_noise(projected, ops.shape(query)[1])
        weights, state = self.align(query, projected, list(state), training, noise)
        context = self.read(weights, projected, noise)
        weights = ops.cast(weights, self.compute_dtype)
        if one_step:
            context, weights = ops.squeeze(context, axis=1), ops.squeeze(weights, axis=-2)
        return context, weights, state

    def align(self, query, projected, state, training=False, noise=None):
        """Weights `[batch, time, memory_time]`, in at least float32, for queries `[batch, time, features]`.

        Returns:
            `(weights, new_state)`. With states, there is one query at a time: `time` is 1.
        """
        raise NotImplementedError(f"{type(self).__name__} must define align(query, projected, state, training, noise).")

    def read(self, weights, projected, noise=None):
        """The context `[batch, time, context_size]` that weights `[batch, time, memory_time]` give."""
        return ops.matmul(ops.cast(weights, self.compute_dtype), projected["values"])

    def no_alignment(self, projected):
        """Weights of zero for one step, the alignment before the first: `[batch, memory_time]`."""
        values = projected["values"]
        return ops.zeros(ops.shape(values)[:2], dtype=self.compute_dtype)

    def draw_noise(self, projected, steps=1):
        """Random numbers for `steps` steps; those for one step hold for all steps that they are handed to."""
        return

    def call(self, query, memory, memory_mask=None, training=False):
        """Project the memory, then attend with every query."""
        projected = self.project_memory(memory, memory_mask)
        state = self.initial_alignment(projected)
        if not self.state_sizes or len(query.shape) == 2:
            context, weights, _ = self.attend(query, projected, state, training)
            return context, weights
        noise = self.draw_noise(projected) if training and self.noisy else None

        def step(query, state):
            context, weights, state = self.attend(query, projected, state, training, noise)
            return (context, weights), state

        nothing = ops.zeros((ops.shape(query)[0], self.context_size), dtype=self.compute_dtype)
        initial_output = (nothing, self.no_alignment(projected))
        (context, weights), _, _ = run_loop(step, ops.transpose(query, (1, 0, 2)), state, initial_output)
        return ops.swapaxes(context, 0, 1), ops.swapaxes(weights, 0, 1)

    def compute_mask(self, query, query_mask=None):
        """The mask of the queries is that of the contexts; weights have none."""
        return query_mask, None

    def computed(self, weight):
        """The value of a weight in the dtype that the layer computes in; None stays None."""
        return None if weight is None else ops.cast(weight, self.compute_dtype)

    @property
    def wide_dtype(self) -> str:
        """The dtype of weights and states while they are computed: float32 also for half precision."""
        return wide_dtype(self.compute_dtype)


def check_features(query_shape, memory_shape):
    """Raise the error that every attention gives for shapes that it cannot be built for."""
    if len(memory_shape) != 3 or memory_shape[-1] is None or query_shape[-1] is None:
        raise ValueError(
            "Expected queries [batch, features] or [batch, time, features] and a memory "
            "[batch, memory_time, memory_features], of known sizes of features. "
            f"Received: query_shape={tuple(query_shape)}, memory_shape={tuple(memory_shape)}"
        )

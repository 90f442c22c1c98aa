"""What all layers that run cells along time have in common."""

import keras


class Driver(keras.layers.Layer):
    """A layer that runs one or several cells along time.

    A subclass defines `run`, `state_size` and `output_size`. `run` always gives everything in the order of the inputs;
    what the caller of the layer gets of it is chosen here, by `return_sequences` and `return_state`. Drivers are built
    on each other's `run`.

    `inner` names the arguments that are layers or lists of layers, which `from_config` must build first.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional state or list of states `[batch, state_size]`.
        mask: Optional boolean tensor `[batch, time]`, false where a step is padding.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for cells that look at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several:
            that step begins from the initial state of the cell, whatever was before. A masked step starts none.
    """

    inner: tuple[str, ...] = ()
    return_sequences = False
    return_state = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    @property
    def state_size(self) -> list[int]:
        """Sizes of the states that come out."""
        raise NotImplementedError(f"{type(self).__name__} must define state_size.")

    @property
    def output_size(self) -> int:
        """Size of the output."""
        raise NotImplementedError(f"{type(self).__name__} must define output_size.")

    @property
    def initial_state_count(self) -> int:
        """How many states `initial_state` has."""
        return len(self.state_size)

    @property
    def output_count(self) -> int:
        """How many outputs come before the states."""
        return 1

    def get_initial_state(self, batch_size):
        """Return the list of states that a sequence starts from; it may be given as `initial_state`."""
        raise NotImplementedError(f"{type(self).__name__} must define get_initial_state(batch_size).")

    def call(self, sequences, initial_state=None, mask=None, training=False, memory=None, memory_mask=None, reset=None):
        """Run, and return what the options ask for."""
        mask = mask_of(sequences, mask)
        context = {"memory": memory, "memory_mask": memory_mask, "reset": reset}
        outputs, last, states = self.run(sequences, initial_state, mask, training, self.return_sequences, **context)
        result = self.in_order_of_processing(outputs) if self.return_sequences else last
        if not self.return_state:
            return result
        return (*result, *states) if self.output_count > 1 else (result, *states)

    def run(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        keep_all=True,
        *,
        memory=None,
        memory_mask=None,
        reset=None,
    ):
        """Run along time.

        Args:
            sequences: As in `call`, like `initial_state`, `mask` and `training`.
            keep_all: Whether the outputs of all steps are wanted.
            memory: As in `call`, like `memory_mask` and `reset`: they go down to the cells as they are.

        Returns:
            `(outputs, last, states)`: the outputs of all steps in the order of the inputs
            `[batch, time, output_size]`, or None without `keep_all`; the output of the last valid step
            `[batch, output_size]`; the list of final states.
        """
        raise NotImplementedError(f"{type(self).__name__} must define run(sequences, ...).")

    def in_order_of_processing(self, sequence):
        """A sequence or its mask `[batch, time, ...]` in the order in which `call` returns it."""
        return sequence

    def compute_mask(self, sequences, mask=None):
        """The mask goes on with a sequence; single outputs and states have none."""
        while isinstance(mask, (list, tuple)):
            mask = mask[0] if mask else None
        output_mask = mask if self.return_sequences else None
        if output_mask is not None:
            output_mask = self.in_order_of_processing(output_mask)
        return self._with_states([output_mask] * self.output_count, lambda size: None)

    def compute_output_shape(self, sequences_shape):
        """Shape of the output, and of the states with `return_state`."""
        batch, time = sequences_shape[0], sequences_shape[1]
        shape = (batch, time, self.output_size) if self.return_sequences else (batch, self.output_size)
        return self._with_states(
            [shape] * self.output_count, lambda size: (batch, *size) if isinstance(size, tuple) else (batch, size)
        )

    def _with_states(self, outputs, of_state):
        """The list `outputs` and, with `return_state`, what `of_state` gives for the size of each state."""
        items = outputs + ([of_state(size) for size in self.state_size] if self.return_state else [])
        return tuple(items) if self.return_state or len(items) > 1 else items[0]

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        config = dict(config)
        for part in cls.inner:
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


def refuse_alignments(driver, layers):
    """Raise for layers that would return alignments to a driver built on them, which has no use for them."""
    if any(getattr(layer, "return_alignments", False) for layer in layers):
        raise ValueError(f"A layer in `{type(driver).__name__}` cannot have `return_alignments=True`.")


def mask_of(sequences, mask):
    """The mask that was given, or else the one that an earlier layer attached to the sequences.

    Keras itself looks for an attached mask only where a layer is called with a single tensor.
    """
    return getattr(sequences, "_keras_mask", None) if mask is None else mask

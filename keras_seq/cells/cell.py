"""The contract of a recurrent cell: project, then step."""

import keras
from keras import ops


class RecurrentCell(keras.layers.Layer):
    """One step of a recurrence, split into what needs the state and what does not.

    `project_inputs` computes everything that depends on the inputs alone. A driver such as `Recurrent` calls it once
    for all time steps, as one matrix product. `step` does the rest, one time step at a time. `call` is the two in a
    row, so that every cell also works inside `keras.layers.RNN`.

    A subclass sets `state_size` (an integer, or a list with one integer a state) and `output_size`, and defines
    `project_inputs` and `step`. What holds for a whole sequence, such as the mask of variational dropout or the
    projected memory of an attention, is computed once by `constants`; only a cell whose `constants` returns something
    gets it in every step, as `step(projected, states, training=..., constants=...)`. A cell that looks at a memory
    takes the shape of it as `build(input_shape, memory_shape=None)`. The constants also go to `get_initial_state`: a
    state may have the length of the memory; its entry in `state_size` is then `None`.

    Call arguments:
        inputs: Tensor of shape `[batch, features]`, one time step.
        states: List of tensors of shape `[batch, state_size]`.
        training: Whether the layer runs in training mode.
        constants: Optional nest that `constants` returned; without it, `call` computes it for this step alone.

    Returns:
        `(output, new_states)`, with an output of shape `[batch, output_size]`.
    """

    state_size: int | list[int]
    output_size: int
    # Size of what `alignments` returns, without the batch: a tuple, or a list of them for a list of attentions.
    alignment_size: tuple | list[tuple] | None = None

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., projected]`, the part of a step that needs no state."""
        raise NotImplementedError(f"{type(self).__name__} must define project_inputs(inputs).")

    def project_sequences(self, sequences, training=False, constants=None):
        """Project all steps `[time, batch, features]` at once: what a driver calls.

        For a cell whose projection depends on more than the inputs, such as a mask for a whole sequence.
        """
        return self.project_inputs(sequences)

    def add_to_projection(self, projected, addition):
        """Add what a wrapper feeds the cell beside its inputs to what the cell itself projects from them."""
        return ops.add(projected, addition)

    def step(self, projected, states, training=False):
        """Advance by one time step: projected `[batch, projected]` and states to `(output, new_states)`."""
        raise NotImplementedError(f"{type(self).__name__} must define step(projected, states, training).")

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        """What holds for all steps of a sequence: a nest of tensors that every step gets, or None.

        Args:
            batch_size: Integer or scalar tensor.
            training: Whether the layer runs in training mode.
            memory: Optional tensor `[batch, memory_time, memory_features]`, what the cell may look at.
            memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        """
        return

    def call(self, inputs, states, training=False, constants=None):
        """Project the inputs of one time step, then step."""
        single = not isinstance(states, (list, tuple))
        if constants is None:
            constants = self.constants(ops.shape(inputs)[0], training=training)
        keywords = {} if constants is None else {"constants": constants}
        states = [states] if single else states
        output, new_states = self.step(self.project_inputs(inputs), states, training=training, **keywords)
        return output, new_states[0] if single else new_states

    def get_initial_state(self, batch_size=None, constants=None):
        """Return the list of zero states `[batch_size, state_size]` that a sequence starts from."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_sizes]

    def alignments(self, states):
        """Where the attention of the cell looked in the step that ended in these states."""
        raise ValueError(f"{type(self).__name__} has no attention, so no alignments.")

    def computed(self, weight):
        """The value of a weight in the dtype that the cell computes in; None stays None.

        A driver calls `project_inputs` and `step` outside of the cell's own `__call__`, where Keras would cast weights.
        """
        return None if weight is None else ops.cast(weight, self.compute_dtype)

    @property
    def optional_states(self) -> int:
        """How many of the last states an `initial_state` may leave out; they start as usual."""
        return 0

    @property
    def free_states(self) -> list[int]:
        """Places of the states that may start from any numbers, as those of a decoder do from its encoder's."""
        return list(range(len(self.state_sizes) - self.optional_states))

    @property
    def state_sizes(self) -> list[int]:
        """`state_size` as a list, also for a cell with one state."""
        return [self.state_size] if isinstance(self.state_size, int) else list(self.state_size)


def check_units(units, name="units"):
    """Return `units` as an int, or raise the error that every cell gives for a wrong number of units."""
    if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
        raise ValueError(f"Argument `{name}` must be a positive integer. Received: {name}={units!r}")
    return units

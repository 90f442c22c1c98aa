"""What cells around another cell share."""

import inspect

import keras
from keras import ops

from keras_seq.cells.cell import RecurrentCell


class WrapperCell(RecurrentCell):
    """A cell that changes what goes into, or comes out of, the cell that it wraps.

    By itself it is the inner cell: same states, output, projection and constants. A subclass overrides what it changes
    and calls the rest through `super()`, so that wrappers nest in each other. One whose `constants` adds its own
    returns them in a dictionary, with the inner cell's under the key `"cell"`, and sets `adds_constants`.

    Args:
        cell: A `RecurrentCell`.
        **kwargs: The arguments of a layer. The dtype defaults to that of `cell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the inner cell's states.
        training: Whether the layer runs in training mode.
        constants: Optional nest that `constants` returned.
    """

    adds_constants = False

    def __init__(self, cell, **kwargs):
        if not isinstance(cell, RecurrentCell):
            raise ValueError(f"Argument `cell` must be a cell of keras_seq, a `RecurrentCell`. Received: cell={cell!r}")
        kwargs.setdefault("dtype", cell.dtype_policy)
        super().__init__(**kwargs)
        self.cell = cell
        self.state_size = cell.state_size
        self.output_size = cell.output_size
        self.alignment_size = cell.alignment_size

    @property
    def optional_states(self) -> int:
        """How many of the last states an `initial_state` may leave out."""
        return self.cell.optional_states if len(self.state_sizes) == len(self.cell.state_sizes) else 0

    @property
    def free_states(self) -> list[int]:
        """Those of the inner cell, whose states are the first."""
        return self.cell.free_states

    @property
    def draws_masks(self) -> bool:
        """Whether, while training, `constants` draws masks that must be the same for all steps of a sequence."""
        return getattr(self.cell, "draws_masks", False)

    def build(self, input_shape, memory_shape=None):
        """Build the inner cell for inputs `[batch, features]`, and for a memory if it looks at one."""
        if not self.cell.built:
            with_memory = memory_shape is not None and "memory_shape" in inspect.signature(self.cell.build).parameters
            self.cell.build(input_shape, **({"memory_shape": memory_shape} if with_memory else {}))
        self.built = True

    def addition_size(self, input_shape):
        """Size of what `add_to_projection` adds: that of the projection of the innermost cell, which must be built."""
        cell = self.cell
        while isinstance(cell, WrapperCell):
            cell = cell.cell
        return projected_size(cell, input_shape)

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., projected]`."""
        return self.project_sequences(inputs)

    def project_sequences(self, sequences, training=False, constants=None):
        """Map all steps `[time, batch, features]` to `[time, batch, projected]`."""
        return self.cell.project_sequences(sequences, training=training, constants=self.inner_constants(constants))

    def add_to_projection(self, projected, addition):
        """Add to what the inner cell projects."""
        return self.cell.add_to_projection(projected, addition)

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        """What holds for all steps of a sequence; see `RecurrentCell.constants`."""
        return self.cell.constants(batch_size, training=training, memory=memory, memory_mask=memory_mask)

    def inner_constants(self, constants):
        """The inner cell's part of the constants."""
        if not self.adds_constants or constants is None:
            return constants
        return constants.get("cell")

    def step(self, projected, states, training=False, constants=None):
        """One time step of the inner cell: projected `[batch, projected]` and states to `(output, new_states)`."""
        constants = self.inner_constants(constants)
        keywords = {} if constants is None else {"constants": constants}
        return self.cell.step(projected, states, training=training, **keywords)

    def call(self, inputs, states, training=False, constants=None):
        """Project the inputs of one time step, then step."""
        single = not isinstance(states, (list, tuple))
        if constants is None:
            if training and self.draws_masks:
                raise ValueError(
                    f"While training, {type(self).__name__} needs masks that hold for a whole sequence: run it with "
                    "`keras_seq.Recurrent`, or pass `constants=cell.constants(batch_size, training=True)` to each step."
                )
            constants = self.constants(ops.shape(inputs)[0], training=training)
        projected = self.project_sequences(inputs, constants=constants)
        states = [states] if single else list(states)
        output, new_states = self.step(projected, states, training=training, constants=constants)
        return output, new_states[0] if single else new_states

    def get_initial_state(self, batch_size=None, constants=None):
        """Return the list of states that a sequence starts from."""
        constants = self.inner_constants(constants)
        keywords = {} if constants is None else {"constants": constants}
        return self.cell.get_initial_state(batch_size=batch_size, **keywords)

    def alignments(self, states):
        """Where the attention of the inner cell looked; its states are the first."""
        return self.cell.alignments(states[: len(self.cell.state_sizes)])

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config):
        """Build the cell that `get_config` describes."""
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})


def projected_size(cell, input_shape):
    """Size of what a cell, once built, projects from inputs `[batch, features]`."""
    return cell.project_inputs(ops.zeros((1, input_shape[-1]), dtype=cell.compute_dtype)).shape[-1]


def check_rate(rate, name):
    """Return `rate` as a float, or raise the error that every wrapper gives for a wrong rate."""
    if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
        raise ValueError(f"Argument `{name}` must be in [0, 1). Received: {name}={rate!r}")
    return float(rate)


def check_rates(rates, name, sizes):
    """Return a list of rates: one for each of the states, whose sizes are given."""
    if len(rates) != len(sizes):
        raise ValueError(f"Argument `{name}` must have one rate for each of {len(sizes)} states. Received: {rates!r}")
    if any(rate and size is None for rate, size in zip(rates, sizes, strict=True)):
        raise ValueError(f"Argument `{name}` must be 0 for a state without a fixed size. Received: {rates!r}")
    return [check_rate(rate, name) for rate in rates]

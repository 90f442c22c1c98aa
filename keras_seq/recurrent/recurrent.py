"""Run a cell along time."""

import inspect

import keras
from keras import ops
from keras.tree import map_structure

from keras_seq.cells.cell import RecurrentCell
from keras_seq.cells.linear_cell import LinearCell
from keras_seq.recurrent.driver import Driver
from keras_seq.recurrent.fused import run_fused
from keras_seq.recurrent.linear_scan import run_linear
from keras_seq.recurrent.loop import run_loop


@keras.saving.register_keras_serializable(package="keras_seq")
class Recurrent(Driver):
    """Run a recurrent cell along the time axis.

    What a cell of keras-seq computes from the inputs alone is computed for all steps at once, before the loop. Any
    other cell that works in `keras.layers.RNN` works here too. On TensorFlow, `ElmanCell`, `LSTMCell` and `GRUCell`
    with their usual activations run in a loop with a hand-derived gradient, which equals automatic differentiation and
    is faster.

    Args:
        cell: A `RecurrentCell`, or any layer with `state_size`, `output_size` and `call(inputs, states)`.
        return_sequences: Whether to return the outputs of all steps, not only the last. Defaults to `False`.
        return_state: Whether to return the final states after the output. Defaults to `False`.
        go_backwards: Whether to run from the last step to the first; sequences come out in the order of processing,
            as in `keras.layers.RNN`. Defaults to `False`.
        unroll: Whether to write the loop out in the graph, which needs a static number of steps. Defaults to `False`.
        zero_output_for_mask: Whether masked steps put out zeros, not the output before them. Defaults to `False`.
        return_alignments: Whether to return, after the output, where the attention of the cell looked. Defaults to
            `False`.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        initial_state: Optional state or list of states `[batch, state_size]`. Defaults to the cell's initial state. The
            states of an attention may be left out.
        mask: Optional boolean tensor `[batch, time]`, false where a step is padding.
        training: Whether the layer runs in training mode.
        memory: Optional tensor `[batch, memory_time, memory_features]` for a cell that looks at one.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several:
            that step begins from the initial state of the cell, whatever was before. A masked step starts none.

    Output shape:
        `[batch, time, output_size]` with `return_sequences`, else `[batch, output_size]`; with `return_alignments`
        followed by the weights `[batch, time, memory_time]` or `[batch, memory_time]`, a list of them where the cell
        has a list of attentions; with `return_state` followed by each final state `[batch, state_size]`.

    Masking:
        A masked step leaves the state as it is, wherever it stands. A row that is padded on the left, on the right or
        in between gives the same numbers as the row without padding; a row with no valid step gives zeros and its
        initial state.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LSTMCell(64), return_sequences=True)
    >>> layer(np.random.random((32, 10, 8))).shape
    (32, 10, 64)
    """

    inner = ("cell",)

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        unroll=False,
        zero_output_for_mask=False,
        return_alignments=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not callable(cell) or not hasattr(cell, "state_size"):
            raise ValueError(
                f"Argument `cell` must be a cell, with `state_size` and `call(inputs, states)`. Received: {cell!r}"
            )
        if return_alignments and not getattr(cell, "alignment_size", None):
            raise ValueError(f"`return_alignments=True` needs a cell with an attention. Received: cell={cell!r}")
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.return_alignments = return_alignments

    @property
    def state_size(self) -> list[int]:
        """Sizes of the cell's states."""
        size = self.cell.state_size
        return [size] if isinstance(size, int) else list(size)

    @property
    def output_size(self) -> int:
        """Size of the cell's output; for a cell that does not say, that of its first state."""
        return getattr(self.cell, "output_size", None) or self.state_size[0]

    @property
    def output_count(self) -> int:
        """How many outputs come before the states: with `return_alignments` two."""
        return 2 if self.return_alignments else 1

    def build(self, sequences_shape, initial_state_shape=None, memory_shape=None):
        """Build the cell for sequences `[batch, time, features]`, and for a memory if it looks at one."""
        if len(sequences_shape) != 3:
            raise ValueError(
                f"Expected sequences of shape [batch, time, features]. Received: shape={tuple(sequences_shape)}"
            )
        if isinstance(self.cell, keras.layers.Layer) and not self.cell.built:
            with_memory = memory_shape is not None and "memory_shape" in inspect.signature(self.cell.build).parameters
            keywords = {"memory_shape": memory_shape} if with_memory else {}
            self.cell.build((sequences_shape[0], sequences_shape[2]), **keywords)
            self.cell.built = True
        self.built = True

    def get_initial_state(self, batch_size, constants=None):
        """Return the list of states that a sequence starts from."""
        if not hasattr(self.cell, "get_initial_state"):
            return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]
        states = self.cell.get_initial_state(batch_size=batch_size, **_if_any(constants))
        return list(states) if isinstance(states, (list, tuple)) else [states]

    def in_order_of_processing(self, sequence):
        """A sequence or its mask `[batch, time, ...]`, from the first step that was processed to the last."""
        return map_structure(lambda part: ops.flip(part, axis=1), sequence) if self.go_backwards else sequence

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
        """Run the cell; see `Driver.run`."""
        if self.unroll and sequences.shape[1] is None:
            raise ValueError(f"`unroll=True` needs a static number of time steps. Received: {sequences.shape}")
        batch = ops.shape(sequences)[0]
        constants = None
        if isinstance(self.cell, RecurrentCell):
            constants = self.cell.constants(batch, training, memory, memory_mask)
        states = self.initial_states(batch, initial_state, constants)
        options = {"reverse": self.go_backwards, "keep_all": keep_all, "zero_masked": self.zero_output_for_mask}
        if isinstance(self.cell, LinearCell) and not self.unroll and reset is None:
            result = run_linear(self.cell, sequences, states, mask=mask, training=training, **options)
            if result is not None:
                return result
        sequences = ops.transpose(sequences, (1, 0, 2))  # [time, batch, features]
        if mask is not None:
            mask = ops.transpose(ops.cast(mask, "bool"), (1, 0))  # [time, batch]
        options["mask"] = mask
        plain = self.unroll
        if reset is not None:
            reset = options["reset"] = self._resets(reset, mask)
            plain = plain or (self.go_backwards and mask is not None)  # a masked step may reset there
        result = None if plain else run_fused(self.cell, sequences, states, training=training, **options)
        if result is None:
            step, inputs = self._step_function(sequences, training, constants)
            initial_output = ops.zeros((batch, self.output_size), dtype=self._output_dtype())
            if self.return_alignments:
                initial_output = (initial_output, self.cell.alignments(self.initial_states(batch, None, constants)))
            if reset is not None:
                options["reset_states"] = self.initial_states(batch, None, constants)
            result = run_loop(step, inputs, states, initial_output, unroll=self.unroll, **options)
        outputs, last, states = result
        if outputs is not None:
            outputs = map_structure(lambda steps: ops.swapaxes(steps, 0, 1), outputs)
        return outputs, last, states

    def initial_states(self, batch_size, initial_state, constants=None):
        """The states to start from: those that are given, and the cell's own where there is none or None."""
        states = self.get_initial_state(batch_size, constants)
        if initial_state is None:
            return states
        given = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        if not 0 <= len(states) - len(given) <= getattr(self.cell, "optional_states", 0):
            raise ValueError(
                f"The cell has {len(self.state_size)} states of sizes {self.state_size}. "
                f"Received: initial_state with {len(given)} tensors"
            )
        pairs = zip(given, states, strict=False)
        cast = [start if state is None else ops.cast(state, start.dtype) for state, start in pairs]
        return cast + states[len(given) :]

    def _resets(self, reset, mask):
        """Where the state is reset, `[time, batch]`, in the direction in which the cell runs."""
        reset = ops.transpose(ops.cast(reset, "bool"), (1, 0))
        if self.go_backwards:  # what starts a document for a reader from the front ends it for one from the back
            return ops.concatenate([reset[1:], ops.zeros_like(reset[:1])], axis=0)
        return reset if mask is None else ops.logical_and(reset, mask)

    def _output_dtype(self):
        return getattr(self.cell, "compute_dtype", self.compute_dtype)

    def _step_function(self, sequences, training, constants):
        cell = self.cell
        if isinstance(cell, RecurrentCell):
            keywords = {"training": training, **_if_any(constants)}
            projected = cell.project_sequences(sequences, training, constants)
            if not self.return_alignments:
                return lambda x, states: cell.step(x, states, **keywords), projected

            def step_and_align(x, states):
                output, states = cell.step(x, states, **keywords)
                return (output, cell.alignments(states)), states

            return step_and_align, projected
        keywords = {"training": training} if getattr(cell, "_call_has_training_arg", False) else {}

        def step(x, states):
            output, states = cell(x, states, **keywords)
            return output, states if isinstance(states, (list, tuple)) else [states]

        return step, sequences

    def compute_output_shape(self, sequences_shape):
        """Shape of the output, then of the alignments and the states where they are asked for."""
        shapes = super().compute_output_shape(sequences_shape)
        if not self.return_alignments:
            return shapes
        lead = tuple(sequences_shape[:2]) if self.return_sequences else (sequences_shape[0],)
        sizes = self.cell.alignment_size
        alignments = [(*lead, *size) for size in sizes] if isinstance(sizes, list) else (*lead, *sizes)
        return (shapes[0], alignments, *shapes[2:])

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "return_alignments": self.return_alignments,
        }


def _if_any(constants):
    return {} if constants is None else {"constants": constants}

"""What an encoder hands to a decoder."""

from typing import Any, NamedTuple


class Memory(NamedTuple):
    """What a recurrent encoder makes of a batch of sequences; the same as `Driver.run` returns.

    Attributes:
        outputs: Tensor `[batch, memory_time, features]`, the outputs of all steps.
        last: Tensor `[batch, features]`, the output of the last valid step; where the encoder reads in both directions,
            of the last step of each.
        states: List of the final states `[batch, size]`.
    """

    outputs: Any
    last: Any
    states: Any


def steps_of(memory):
    """The steps `[batch, memory_time, features]` of a memory, a tensor or a `Memory`; or the mask of these.

    Where no mask is given, Keras makes a `Memory` of masks of what is attached to the tensors of a `Memory`.
    """
    return memory[0] if isinstance(memory, (list, tuple)) else memory


def steps_shape(memory_shape):
    """The shape of the steps of a memory, given the shape of a tensor or those of a `Memory`."""
    return tuple(memory_shape[0]) if isinstance(memory_shape[0], (list, tuple)) else tuple(memory_shape)

"""What can be seen of a recurrent cell while it reads: its gates and states, with a sentence on each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """A gate or a state of a cell, one number a unit and step.

    Attributes:
        name: Its name among the outputs of a signature.
        title: Its name for people.
        meaning: What it does, in a sentence.
        signed: Whether it has two sides; a gate is from 0 to 1.
    """

    name: str
    title: str
    meaning: str
    signed: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell to be looked at.

    Attributes:
        title: Its name for people.
        meaning: How it remembers, in a sentence.
        gates: `gates(cell, projected, h)` gives its gates in the order of `quantities`, from the projected inputs and
            the output of the step before, `[..., units]`.
        quantities: The gates, then the states after a step, in the order of the cell.
    """

    title: str
    meaning: str
    gates: Callable[[Any, Any, Any], list[Any]]
    quantities: tuple[Quantity, ...]


STATE = Quantity("state", "State", "What it knows after each character, handed on to the next one.", signed=True)


def _no_gates(cell: Any, projected: Any, h: Any) -> list[Any]:
    return []


def _lstm(cell: Any, projected: Any, h: Any) -> list[Any]:
    from keras import ops

    i, f, _, o = ops.split(projected + ops.matmul(h, cell.recurrent_kernel), 4, axis=-1)
    return [cell.recurrent_activation(gate) for gate in (f, i, o)]


def _gru(cell: Any, projected: Any, h: Any) -> list[Any]:
    from keras import ops

    inner = ops.matmul(h, cell.recurrent_kernel) + cell.recurrent_bias()
    z, r, _ = ops.split(projected, 3, axis=-1)
    h_z, h_r, _ = ops.split(inner, 3, axis=-1)
    return [cell.recurrent_activation(z + h_z), cell.recurrent_activation(r + h_r)]


def _sru(cell: Any, projected: Any, h: Any) -> list[Any]:
    from keras import ops

    _, f, r, _ = ops.split(projected, 4, axis=-1)
    return [ops.sigmoid(f), ops.sigmoid(r)]


def _min_gru(cell: Any, projected: Any, h: Any) -> list[Any]:
    from keras import ops

    z, _ = ops.split(projected, 2, axis=-1)
    return [ops.sigmoid(z)]


CELLS: dict[str, Cell] = {
    "elman": Cell(
        "Elman",
        "No gates: every character rewrites the whole state, so it must be written down anew at each step.",
        _no_gates,
        (STATE,),
    ),
    "irnn": Cell(
        "IRNN",
        "No gates either, but it starts out copying its state: new characters are added to what is there.",
        _no_gates,
        (STATE,),
    ),
    "lstm": Cell(
        "LSTM",
        "A memory beside the state: three gates decide what is kept in it, what is added, and what is shown.",
        _lstm,
        (
            Quantity("forget_gate", "Forget gate", "Near 1 the memory is kept, near 0 it is let go."),
            Quantity("input_gate", "Input gate", "Near 1 the new character is written into the memory."),
            Quantity("output_gate", "Output gate", "Near 1 the memory is shown, near 0 it is kept to itself."),
            STATE,
            Quantity(
                "memory", "Memory", "What it keeps; it fades no faster than the forget gate lets it.", signed=True
            ),
        ),
    ),
    "gru": Cell(
        "GRU",
        "One state and two gates: what is kept of it leaves that much less room for what is new.",
        _gru,
        (
            Quantity("update_gate", "Update gate", "Near 1 the old state is kept, near 0 it is replaced."),
            Quantity("reset_gate", "Reset gate", "Near 0 the new state is thought of as if there had been no old one."),
            STATE,
        ),
    ),
    "sru": Cell(
        "SRU",
        "Gates that see the character alone and not the state: all of them can be computed at once.",
        _sru,
        (
            Quantity("forget_gate", "Forget gate", "Near 1 the memory is kept, near 0 it is replaced."),
            Quantity("reset_gate", "Reset gate", "Near 1 the memory is shown, near 0 the character itself."),
            Quantity("memory", "Memory", "What it keeps from character to character.", signed=True),
        ),
    ),
    "min_gru": Cell(
        "minGRU",
        "A GRU cut down to one gate, which sees the character alone: it runs in parallel over the whole text.",
        _min_gru,
        (
            Quantity("update_gate", "Update gate", "Near 1 the state is replaced, near 0 it is kept."),
            STATE,
        ),
    ),
}


def look_inside(name: str, cell: Any, inputs: Any) -> dict[str, Any]:
    """The gates and states of a cell over a sequence.

    Args:
        name: A key of `CELLS`.
        cell: The built cell.
        inputs: `[batch, time, features]`.

    Returns:
        For each of the cell's quantities `[batch, time, units]`.
    """
    from keras import ops

    known = CELLS[name]
    projected = cell.project_inputs(ops.transpose(inputs, (1, 0, 2)))
    start = cell.get_initial_state(batch_size=ops.shape(inputs)[0])

    def step(states: Any, step_inputs: Any) -> tuple[Any, Any]:
        _, states = cell.step(step_inputs, states, training=False)
        return states, states

    _, states = ops.scan(step, start, projected)
    before = ops.concatenate([start[0][None], states[0][:-1]], axis=0)
    found = [*known.gates(cell, projected, before), *states]
    return {
        quantity.name: ops.transpose(values, (1, 0, 2))
        for quantity, values in zip(known.quantities, found, strict=True)
    }


def last_output(cell: Any, inputs: Any) -> Any:
    """The output `[batch, units]` of a cell after the last step of `[batch, time, features]`, one step at a time."""
    from keras import ops

    def step(carried: tuple[Any, list[Any]], step_inputs: Any) -> tuple[tuple[Any, list[Any]], None]:
        return cell.step(step_inputs, carried[1], training=False), None

    start = cell.get_initial_state(batch_size=ops.shape(inputs)[0])
    (output, _), _ = ops.scan(step, (start[0], start), cell.project_inputs(ops.transpose(inputs, (1, 0, 2))))
    return output


def described(names: Sequence[str]) -> list[dict[str, Any]]:
    """The cells and their quantities as plain values, for a model's metadata."""
    return [
        {
            "name": name,
            "title": CELLS[name].title,
            "meaning": CELLS[name].meaning,
            "quantities": [asdict(quantity) for quantity in CELLS[name].quantities],
        }
        for name in names
    ]

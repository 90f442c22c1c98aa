"""The time loop: a step function along the first axis, on every backend."""

import keras
from keras import ops
from keras.tree import map_structure


def run_loop(
    step,
    inputs,
    states,
    initial_output,
    mask=None,
    reverse=False,
    keep_all=True,
    zero_masked=False,
    unroll=False,
    reset=None,
    reset_states=None,
):
    """Run `step` along time.

    A masked step changes nothing: the states stay, and its output is the output of the step before it
    (`initial_output` before the first valid step), or zero with `zero_masked`.

    Args:
        step: Function `(inputs_t, states) -> (output_t, states)` of tensors `[batch, ...]`; the output may be a nest.
        inputs: Tensor `[time, batch, ...]`.
        states: List of tensors `[batch, ...]`.
        initial_output: Tensor `[batch, ...]`, or a nest of them, what counts as the output before the first step.
        mask: Optional boolean tensor `[time, batch]`, true where a step is valid.
        reverse: Whether to run from the last step to the first. Outputs stay at the place of their inputs.
        keep_all: Whether the outputs of all steps are wanted; without, only the last one is kept in memory.
        zero_masked: Whether the outputs of masked steps are zero.
        unroll: Whether to write the loop out, which needs a known number of steps.
        reset: Optional boolean tensor `[time, batch]`, true where a row starts anew: the step begins from
            `reset_states`, whatever was before.
        reset_states: List of tensors `[batch, ...]`, needed with `reset`.

    Returns:
        `(outputs, last, states)`: outputs `[time, batch, ...]` or None without `keep_all`; the output of the last valid
        step of each row `[batch, ...]`; the list of final states. Outputs and last are nests where the output is one.
    """

    def masked_step(last, states, inputs_t, mask_t, reset_t):
        if reset_t is not None:
            states = [where_valid(reset_t, new, old) for new, old in zip(reset_states, states, strict=True)]
        output, new_states = step(inputs_t, states)
        if mask_t is None:
            return output, output, list(new_states)
        new_states = [where_valid(mask_t, new, old) for new, old in zip(new_states, states, strict=True)]
        last = map_structure(lambda new, old: where_valid(mask_t, new, old), output, last)
        if zero_masked:
            output = map_structure(lambda new: where_valid(mask_t, new, ops.zeros_like(new)), output)
        return output if zero_masked else last, last, new_states

    backend = keras.backend.backend()
    if unroll or backend not in ("tensorflow", "jax"):
        run = _write_out
    elif backend == "jax":
        run = _scan
    else:
        from keras_seq.recurrent.loop_tensorflow import while_loop as run
    return run(masked_step, initial_output, list(states), (inputs, mask, reset), reverse, keep_all)


def where_valid(mask, new, old):
    """Choose by a mask `[batch]` between two tensors `[batch, ...]`."""
    return ops.where(ops.reshape(mask, (-1,) + (1,) * (len(new.shape) - 1)), new, old)


def _write_out(masked_step, last, states, sequences, reverse, keep_all):
    """A loop in Python: the only one that PyTorch has, and `unroll=True` elsewhere."""
    length = sequences[0].shape[0]
    outputs = [None] * length
    for t in reversed(range(length)) if reverse else range(length):
        step_inputs = [None if sequence is None else sequence[t] for sequence in sequences]
        outputs[t], last, states = masked_step(last, states, *step_inputs)
    if not keep_all:
        return None, last, states
    if not length:
        return map_structure(lambda none: ops.expand_dims(none, 0)[:0], last), last, states
    return map_structure(lambda *steps: ops.stack(steps), *outputs), last, states


def _scan(masked_step, last, states, sequences, reverse, keep_all):
    """JAX's own scan."""
    import jax

    def body(carry, step_inputs):
        output, last, states = masked_step(*carry, *step_inputs)
        return (last, states), output if keep_all else None

    (last, states), outputs = jax.lax.scan(body, (last, states), sequences, reverse=reverse)
    return outputs, last, states

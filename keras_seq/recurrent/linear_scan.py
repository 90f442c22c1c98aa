"""Recurrences that are linear in their state, in parallel over time.

    c_t = a_t * c_{t-1} + b_t

Everything but this product and sum is computed for all steps at once: the projections and gates before it, the outputs
after it. Two steps in a row are one step of the same kind, `(a_2 a_1, a_2 b_1 + b_2)`, so that on an accelerator the
recurrence itself takes log2(time) rounds, an associative scan. A processor with few cores has no use for that much
parallel work, which costs more in all: there, a loop over two operations is faster.
"""

import keras
from keras import ops

from keras_seq.recurrent.chunked import chunked_scan, run_chunked


def run_linear(cell, sequences, states, mask, reverse, keep_all, zero_masked, training):
    """Run a `LinearCell` along `sequences`, or return None where its step needs the state before.

    Args:
        cell: A built `LinearCell`.
        sequences: Tensor `[batch, time, features]`.
        states: List of the states to start from, `[batch, state_size]`.
        mask: Optional boolean tensor `[batch, time]`.
        reverse: Whether to run from the last step to the first. Outputs stay at the place of their inputs.
        keep_all: Whether the outputs of all steps are wanted.
        zero_masked: Whether the outputs of masked steps are zero, not the output before them.
        training: Whether the layer runs in training mode.

    Returns:
        `(outputs, last, states)` as from `keras_seq.recurrent.loop.run_loop`, but with outputs `[batch, time, units]`.
    """
    mask = None if mask is None else ops.cast(mask, "bool")
    options = (mask, reverse, keep_all, zero_masked, training)
    result = run_chunked(cell, sequences, states, *options)
    return result if result or not cell.linear else _run(cell, sequences, states, *options)


def _run(cell, sequences, states, mask, reverse, keep_all, zero_masked, training):
    """The same for any linear cell, on every backend."""
    mask = None if mask is None else ops.transpose(mask, (1, 0))
    projected, further = cell.project_from(ops.transpose(sequences, (1, 0, 2)), states[1:], mask, reverse)
    a, b = cell.coefficients(projected)
    if mask is None:
        c = linear_scan(a, b, states[0], reverse, training)
        outputs = cell.read_out(projected, [c])
        last = _end(outputs, ops.zeros_like(outputs[:1]), reverse)
    else:
        valid = ops.expand_dims(mask, -1)  # [time, batch, 1]
        a, b = ops.where(valid, a, ops.ones_like(a)), ops.where(valid, b, ops.zeros_like(b))
        c = linear_scan(a, b, states[0], reverse, training)
        outputs = ops.where(valid, cell.read_out(projected, [c]), ops.zeros_like(c))
        # That a masked step repeats the output before it is a linear recurrence too.
        repeat = ops.broadcast_to(ops.cast(ops.logical_not(valid), outputs.dtype), ops.shape(outputs))
        held = linear_scan(repeat, outputs, ops.zeros_like(states[0]), reverse, training)
        last = _end(held, ops.zeros_like(outputs[:1]), reverse)
        outputs = outputs if zero_masked else held
    final = _end(c, ops.expand_dims(states[0], 0), reverse)
    return ops.transpose(outputs, (1, 0, 2)) if keep_all else None, last, [final, *further]


def linear_scan(a, b, initial, reverse=False, training=False):
    """All states of `c_t = a_t * c_{t-1} + b_t`.

    Args:
        a: Tensor `[time, batch, units]`.
        b: Tensor of the same shape.
        initial: Tensor `[batch, units]`, the state before the first step.
        reverse: Whether the last step is the first.
        training: Whether a gradient is likely to be asked for.

    Returns:
        Tensor `[time, batch, units]`.
    """
    if has_accelerator() and a.shape[0] is not None:
        first = -1 if reverse else 0
        start = ops.expand_dims(a[first] * initial, 0)
        rest = ops.zeros_like(b[:-1])
        b = b + ops.concatenate([rest, start] if reverse else [start, rest], axis=0)
        return ops.associative_scan(_join, (a, b), reverse=reverse, axis=0)[1]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return chunked_scan(a, b, initial, reverse, training)
    if backend == "jax":
        import jax

        def step(c, coefficients):
            c = coefficients[0] * c + coefficients[1]
            return c, c

        return jax.lax.scan(step, initial, (a, b), reverse=reverse)[1]
    states, c = [None] * a.shape[0], initial
    for t in reversed(range(a.shape[0])) if reverse else range(a.shape[0]):
        states[t] = c = a[t] * c + b[t]
    return ops.stack(states) if states else b


def has_accelerator() -> bool:
    """Whether the backend computes on something other than the processor."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend == "torch":
        from keras.src.backend.torch.core import get_device

        return get_device() not in ("cpu", "meta")
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


def _join(one, two):
    """Two steps in a row as one."""
    return two[0] * one[0], two[0] * one[1] + two[1]


def _end(steps, start, reverse):
    """The last of all steps `[time, batch, units]` that are run, or `start` `[1, batch, units]` where there is none."""
    return ops.concatenate([steps, start], axis=0)[0] if reverse else ops.concatenate([start, steps], axis=0)[-1]

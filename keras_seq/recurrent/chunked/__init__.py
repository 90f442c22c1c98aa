"""Linear recurrences a few dozen steps at a time, with a hand-derived gradient; TensorFlow only.

A time loop over whole steps pays for its matrix products being small; one pass over the whole sequence an operation
pays for memory that is slower than the processor. In between, in chunks of a few dozen steps, the products are large
and what they give is still in the cache when the gates, the recurrence and the outputs are computed from it. Per step,
the loop itself does two or three operations. It knows no batch size and no number of steps in advance, and needs no
compiler.
"""

import keras
from keras import ops


def run_chunked(cell, sequences, states, mask, reverse, keep_all, zero_masked, training):
    """Run `cell` along `sequences`, or return None where this cell or backend has no such loop.

    Arguments and results are those of `keras_seq.recurrent.linear_scan.run_linear`.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    from keras_seq.recurrent.chunked.cell_steps import steps_of
    from keras_seq.recurrent.chunked.loop import ChunkedLoop

    steps = steps_of(cell)
    if steps is None:
        return None
    options = (keep_all, zero_masked, training)
    if steps.projects:
        loop = ChunkedLoop(steps, cell.compute_dtype, reverse)
        outputs, last, final = loop.run(sequences, states[0], mask, *options)
        return outputs, last, [final]
    mask = None if mask is None else ops.transpose(mask, (1, 0))
    projected, further = cell.project_from(ops.transpose(sequences, (1, 0, 2)), states[1:], mask, reverse)
    loop = ChunkedLoop(steps, cell.compute_dtype, reverse, time_major=True)
    outputs, last, final = loop.run(projected, states[0], mask, *options)
    return ops.transpose(outputs, (1, 0, 2)) if keep_all else None, last, [final, *further]


def chunked_scan(a, b, initial, reverse, training):
    """All states `[time, batch, units]` of `c_t = a_t * c_{t-1} + b_t`; see `linear_scan`."""
    import tensorflow as tf

    from keras_seq.recurrent.chunked.loop import ChunkedLoop
    from keras_seq.recurrent.chunked.steps import ScanSteps

    loop = ChunkedLoop(ScanSteps(a.shape[-1]), a.dtype, reverse, time_major=True)
    return loop.run(tf.concat([a, b], axis=-1), initial, None, True, False, training)[0]

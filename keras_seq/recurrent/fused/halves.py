"""Two loops side by side, each over half of the batch."""

import tensorflow as tf


def run_halves(loop, sequences, states, mask, keep_all, zero_masked, training, reset):
    """The same as `loop.run`, a `FusedLoop`'s, with the arguments that it takes."""
    half = tf.shape(sequences)[1] // 2 if sequences.shape[1] is None else sequences.shape[1] // 2
    results = []
    for rows in (slice(None, half), slice(half, None)):
        own_mask, own_reset = (None if tensor is None else tensor[:, rows] for tensor in (mask, reset))
        own_states = [state[rows] for state in states]
        results.append(loop.run(sequences[:, rows], own_states, own_mask, keep_all, zero_masked, training, own_reset))
    (outputs, last, final), (more_outputs, more_last, more_final) = results
    if keep_all:
        outputs = tf.concat([outputs, more_outputs], axis=1)
    final = [tf.concat(pair, axis=0) for pair in zip(final, more_final, strict=True)]
    return outputs, tf.concat([last, more_last], axis=0), final

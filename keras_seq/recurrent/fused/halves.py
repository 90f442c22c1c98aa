"""Two loops side by side, each over half of the batch.

Within a step the processors of a machine meet after every operation. Two loops do not wait for each other, so that one
computes its products while the other is at work on its gates; this pays where the products of a step are large.
"""

import os

import tensorflow as tf

_LEAST_PRODUCTS = 64 * 128 * 128 * 4  # of a step; below this two loops cost more than the meeting of one
_USUAL_BATCH = 64  # stands for a batch whose size the graph does not know


def halves_pay(steps, units, batch):
    """Whether a batch of `batch` rows (None: not known) is better run in halves.

    Never on a GPU, nor where TensorFlow computes every operation in one thread: whoever asked for that has divided the
    batch already, as `keras-seq train --training.shards` does.
    """
    if tf.config.threading.get_intra_op_parallelism_threads() == 1 or (os.cpu_count() or 1) < 2:
        return False
    batch = _USUAL_BATCH if batch is None else batch
    if batch < 2 or steps.gates * batch * units**2 < _LEAST_PRODUCTS:
        return False
    return not tf.config.list_logical_devices("GPU")


def run_halves(make_loop, sequences, states, mask, keep_all, zero_masked, training, reset):
    """The arguments and results of `FusedLoop.run`; `make_loop()` gives a loop for each half."""
    half = tf.shape(sequences)[1] // 2 if sequences.shape[1] is None else sequences.shape[1] // 2
    results = []
    for rows in (slice(None, half), slice(half, None)):
        own_mask, own_reset = (None if tensor is None else tensor[:, rows] for tensor in (mask, reset))
        own_states = [state[rows] for state in states]
        results.append(
            make_loop().run(sequences[:, rows], own_states, own_mask, keep_all, zero_masked, training, own_reset)
        )
    (outputs, last, final), (more_outputs, more_last, more_final) = results
    if keep_all:
        outputs = tf.concat([outputs, more_outputs], axis=1)
    final = [tf.concat(pair, axis=0) for pair in zip(final, more_final, strict=True)]
    return outputs, tf.concat([last, more_last], axis=0), final

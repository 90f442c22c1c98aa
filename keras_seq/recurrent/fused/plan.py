"""In which way a loop runs fastest on this machine."""

import os
from typing import NamedTuple

import tensorflow as tf

from keras_seq.recurrent.linear_scan import has_accelerator

_USUAL_BATCH = 64  # stands for a batch whose size the graph does not know
_FOR_HALVES = 64 * 128 * 128 * 4  # products in a step from which two loops side by side pay
_FOR_COMPILED_HALVES = _FOR_HALVES // 2
_FOR_FORWARD_HALVES = 64 * 128 * 128 * 3  # the same without training
_FOR_XLA = 32 * 128 * 128  # products in a step, and steps, from which compiling the loop pays
_STEPS_FOR_XLA = 50
_MOST_UNITS_FOR_XLA = 256


class Plan(NamedTuple):
    """How to run a loop, and that of its gradient.

    Attributes:
        halves: Whether to run two loops side by side, each over half of the batch. Within a step the processors of a
            machine meet after every operation; two loops do not wait for each other.
        compiled: Whether XLA compiles the loops of training. It does a step of a small cell in less time than
            TensorFlow takes to start the operations; the products of large ones are slower. It compiles anew for every
            size.
    """

    halves: bool = False
    compiled: bool = False


def plan(steps, units, shape, dtype, training):
    """The plan for sequences of `shape` `[time, batch, features]`, None where the graph does not know a size.

    Always the plain way on a GPU. No halves where TensorFlow computes every operation in one thread: whoever asked for
    that has divided the batch already, as `keras-seq train --training.shards` does. Without training, never compiled,
    since an exported model must not need XLA, and in halves only where the batch is known: what serves batches of any
    size serves single sequences most of all.
    """
    if has_accelerator():
        return Plan()
    length, batch = shape[:2]
    products = steps.gates * (_USUAL_BATCH if batch is None else batch) * units**2
    sizes_known = length is not None and batch is not None and not tf.executing_eagerly()
    compiled = (
        training
        and sizes_known
        and length >= _STEPS_FOR_XLA
        and products >= _FOR_XLA
        and units <= _MOST_UNITS_FOR_XLA
        and dtype == "float32"
        and tf.test.is_built_with_xla()
    )
    one_thread = tf.config.threading.get_intra_op_parallelism_threads() == 1 or (os.cpu_count() or 1) < 2
    if training:
        divisible, enough = batch != 1, _FOR_COMPILED_HALVES if compiled else _FOR_HALVES
    else:
        divisible, enough = batch not in (None, 1), _FOR_FORWARD_HALVES
    return Plan(divisible and not one_thread and products >= enough, compiled)

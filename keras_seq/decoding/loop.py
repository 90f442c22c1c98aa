"""The loop of decoding: a body until nothing is left to do, on every backend."""

import keras
from keras import ops


def run_steps(body, carry, length):
    """Run `body` for at most `length` steps, and at least for one.

    Args:
        body: Function `(time, carry) -> (carry, record, going)`, with `time` a scalar int32 tensor, `carry` the nest
            that it was given, `record` a nest of tensors or None, and `going` a boolean scalar: whether to go on.
        carry: Nest of tensors.
        length: Integer, or on TensorFlow also a scalar tensor.

    Returns:
        `(steps, carry, records)`: the number of steps that were run; what the last one carried; the records of all
        steps `[length, ...]`, zero for steps that were not run.
    """
    return _loop()(body, carry, length)


def _loop():
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            from keras_seq.decoding.loop_tensorflow import while_loop

            return while_loop
    elif backend == "jax":
        import jax

        if not jax.config.jax_disable_jit:
            return _jax_while_loop
    return _python_loop


def _python_loop(body, carry, length):
    """A loop in Python, where tensors have values."""
    length, going = int(length), True
    records: list = []
    while going and len(records) < length:
        carry, record, going = body(ops.convert_to_tensor(len(records), dtype="int32"), carry)
        going = bool(going)
        records.append(record)

    def stack(*tensors):
        if tensors[0] is None:
            return None
        return ops.stack([*tensors, *[ops.zeros_like(tensors[0])] * (length - len(records))])

    return ops.convert_to_tensor(len(records), dtype="int32"), carry, keras.tree.map_structure(stack, *records)


def _jax_while_loop(body, carry, length):
    """JAX's own loop."""
    import jax

    _, record, _ = jax.eval_shape(body, jax.ShapeDtypeStruct((), "int32"), carry)
    records = jax.tree.map(lambda item: jax.numpy.zeros((length, *item.shape), item.dtype), record)

    def next_step(loop):
        time, carry, records, _ = loop
        carry, record, going = body(time, carry)
        write = jax.lax.dynamic_update_index_in_dim
        records = jax.tree.map(lambda all_steps, item: write(all_steps, item, time, 0), records, record)
        return time + 1, carry, records, going

    start = (jax.numpy.int32(0), carry, records, jax.numpy.bool_(True))
    steps, carry, records, _ = jax.lax.while_loop(lambda loop: (loop[0] < length) & loop[3], next_step, start)
    return steps, carry, records

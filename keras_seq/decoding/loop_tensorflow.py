"""The loop of decoding as a `tf.while_loop`."""

import tensorflow as tf


def while_loop(body, carry, length):
    """Run `body` in a graph; see `keras_seq.decoding.loop.run_steps`."""
    carry = tf.nest.map_structure(tf.convert_to_tensor, carry)
    # What a step records is known only once it is traced; this graph is thrown away.
    trace = tf.function(lambda: body(tf.constant(0), carry)[1], autograph=False).get_concrete_function()
    record = trace.structured_outputs
    records = [
        tf.TensorArray(item.dtype, size=length, element_shape=item.shape)
        for item in tf.nest.flatten(record)
        if item is not None
    ]

    def next_step(time, going, carry, records):
        new_carry, record, going = body(time, carry)
        for new, old in zip(tf.nest.flatten(new_carry), tf.nest.flatten(carry), strict=True):
            new.set_shape(old.shape)
        items = [item for item in tf.nest.flatten(record) if item is not None]
        records = [array.write(time, item) for array, item in zip(records, items, strict=True)]
        return time + 1, going, new_carry, records

    steps, _, carry, records = tf.while_loop(
        lambda time, going, *_: going,
        next_step,
        (tf.constant(0), tf.constant(True), carry, records),
        maximum_iterations=length,
    )
    stacked = iter([array.stack() for array in records])
    return steps, carry, tf.nest.map_structure(lambda item: None if item is None else next(stacked), record)

"""The time loop as a `tf.while_loop`."""

import tensorflow as tf
from keras.tree import map_structure


def while_loop(masked_step, last, states, sequences, reverse, keep_all):
    """Run `masked_step` along the first axis of all `sequences`; see `keras_seq.recurrent.loop.run_loop`."""
    inputs = sequences[0]
    length = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    arrays = [None if sequence is None else unstack(sequence) for sequence in sequences]
    size = length if keep_all else 0
    outputs = map_structure(lambda one: tf.TensorArray(one.dtype, size=size, element_shape=one.shape), last)

    def body(count, last, states, outputs):
        t = length - 1 - count if reverse else count
        step_inputs = [None if array is None else array.read(t) for array in arrays]
        output, new_last, new_states = masked_step(last, states, *step_inputs)
        map_structure(lambda new, old: new.set_shape(old.shape), (new_last, list(new_states)), (last, list(states)))
        if keep_all:
            outputs = map_structure(lambda array, one: array.write(t, one), outputs, output)
        return count + 1, new_last, new_states, outputs

    _, last, states, outputs = tf.while_loop(
        lambda count, *_: count < length, body, (tf.constant(0), last, states, outputs), maximum_iterations=length
    )
    return map_structure(lambda array: array.stack(), outputs) if keep_all else None, last, states


def unstack(tensor):
    """A TensorArray of the slices of a tensor along its first axis."""
    length = tf.shape(tensor)[0] if tensor.shape[0] is None else tensor.shape[0]
    array = tf.TensorArray(tensor.dtype, size=length, element_shape=tensor.shape[1:], clear_after_read=False)
    return array.unstack(tensor)

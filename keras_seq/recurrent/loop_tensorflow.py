"""The time loop as a `tf.while_loop`."""

import tensorflow as tf


def while_loop(masked_step, last, states, inputs, mask, reverse, keep_all):
    """Run `masked_step` along the first axis of `inputs`; see `keras_seq.recurrent.loop.run_loop`."""
    length = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    inputs_array = unstack(inputs)
    mask_array = None if mask is None else unstack(mask)
    outputs = tf.TensorArray(last.dtype, size=length if keep_all else 0, element_shape=last.shape)

    def body(count, last, states, outputs):
        t = length - 1 - count if reverse else count
        mask_t = None if mask_array is None else mask_array.read(t)
        output, new_last, new_states = masked_step(last, states, inputs_array.read(t), mask_t)
        for new, old in zip(new_states, states, strict=True):
            new.set_shape(old.shape)
        return count + 1, new_last, new_states, outputs.write(t, output) if keep_all else outputs

    _, last, states, outputs = tf.while_loop(
        lambda count, *_: count < length, body, (tf.constant(0), last, states, outputs), maximum_iterations=length
    )
    return outputs.stack() if keep_all else None, last, states


def unstack(tensor):
    """A TensorArray of the slices of a tensor along its first axis."""
    length = tf.shape(tensor)[0] if tensor.shape[0] is None else tensor.shape[0]
    array = tf.TensorArray(tensor.dtype, size=length, element_shape=tensor.shape[1:], clear_after_read=False)
    return array.unstack(tensor)

"""The loop over chunks, forward and backward."""

import tensorflow as tf

CHUNK = 20  # steps of a chunk, at most


class ChunkedLoop:
    """Runs the `Steps` of a cell along time, a chunk of steps at a time.

    While training, the forward loop keeps what the backward loop needs, and the gradient is the hand-derived one.
    Otherwise nothing is kept, so that long texts can be served, and automatic differentiation gives the same gradient
    if one is asked for. In half precision the matrix products are in the compute dtype; states and gates are float32.

    Within the loop a sequence is in the order of processing and its rows are `step * batch + sequence`. A chunk is
    gathered from the tensors as they come, so that no whole sequence is transposed: memory is what costs here.

    Args:
        steps: The `Steps` of the cell.
        dtype: The compute dtype of the cell.
        reverse: Whether to run from the last step to the first.
        time_major: Whether sequences are `[time, batch, ...]`, not `[batch, time, ...]`.
    """

    def __init__(self, steps, dtype, reverse, time_major=False):
        self.steps = steps
        self.dtype = tf.as_dtype(dtype)
        self.state_dtype = tf.float32 if self.dtype.size < 4 else self.dtype
        self.reverse = reverse
        self.time_major = time_major

    def run(self, sequences, initial, mask, keep_all, zero_masked, training):
        """Run along `sequences` `[batch, time, features]`; arguments and results are otherwise those of `run_loop`."""
        self.keep_all, self.zero_masked = keep_all, zero_masked
        sequences = tf.cast(sequences, self.dtype)
        mask = None if mask is None else tf.reshape(mask, [-1, 1])
        arguments = [sequences, tf.cast(initial, self.dtype), *self.steps.weights]
        function = self._differentiable(mask) if training else lambda *given: self._forward(given, mask, save=False)[0]
        outputs, last, final = function(*arguments)
        if keep_all and mask is None:
            # Taken from the outputs, so that a gradient that nobody asks for costs nothing; a sum, since there may be
            # no step at all.
            step = slice(None, 1) if self.reverse else slice(-1, None)
            last = tf.reduce_sum(
                outputs[step] if self.time_major else outputs[:, step], axis=0 if self.time_major else 1
            )
        return outputs if keep_all else None, last, final

    def _differentiable(self, mask):
        """The forward loop as a function of tensors with a gradient of its own."""

        @tf.custom_gradient
        def function(*arguments):
            results, saved = self._forward(arguments, mask, save=True)

            def gradient(*upstream):
                @tf.custom_gradient
                def first_order(*inputs):
                    arguments, first_upstream = inputs[:-3], inputs[-3:]
                    gradients = self._backward(arguments, mask, saved, first_upstream)
                    return gradients, second_order(inputs)

                return first_order(*arguments, *upstream)

            return results, gradient

        def second_order(inputs):
            """What was saved counts as constant, so the gradient of a gradient is that of a loop that saves nothing."""

            def gradient(*upstream):
                arguments, first_upstream = inputs[:-3], inputs[-3:]
                with tf.GradientTape() as outer:
                    outer.watch(inputs)
                    with tf.GradientTape() as inner:
                        inner.watch(arguments)
                        results, _ = self._forward(arguments, mask, save=False)
                    wanted = slice(0 if self.keep_all else 1, None)
                    first = inner.gradient(
                        results[wanted], arguments, first_upstream[wanted], unconnected_gradients="zero"
                    )
                return outer.gradient(first, inputs, upstream, unconnected_gradients="zero")

            return gradient

        return function

    def _forward(self, arguments, mask, save):
        """Return `(outputs, last, final)` and what is saved, a list a segment.

        Without `keep_all` the outputs are empty.
        """
        sequences, initial, *weights = arguments
        steps, rows = self.steps, _Rows(self, sequences)
        flat, state = _flat(sequences), self._wide(initial)
        last, pieces, saved = tf.zeros_like(state), [], []
        for size, count, done in rows.segments:

            def body(i, c, last, outputs, kept, size=size, done=done):
                places, shape = rows.of_chunk(done + i * size, size), c.shape
                x, valid = tf.gather(flat, places), None if mask is None else tf.gather(mask, places)
                gates = [self._wide(gate) for gate in steps.project(x, weights)]
                h, c, to_keep = steps.forward(gates, c, valid, size, weights)
                h, last = self._hold(h, valid, last, size)
                outputs = [array.write(i, tf.cast(h, self.dtype)) for array in outputs]
                if save:
                    kept = [array.write(i, value) for array, value in zip(kept, to_keep, strict=True)]
                return i + 1, tf.ensure_shape(c, shape), tf.ensure_shape(last, shape), outputs, kept

            outputs = [_array(count, self.dtype)] if self.keep_all else []
            kept = [_array(count, self.state_dtype) for _ in range(steps.saved)] if save else []
            loop = (tf.constant(0), state, last, outputs, kept)
            _, state, last, outputs, kept = tf.while_loop(lambda i, *_, count=count: i < count, body, loop)
            pieces += [_stacked(array, count, steps.units) for array in outputs]
            saved.append(kept)
        outputs = rows.restored(pieces, steps.units) if self.keep_all else tf.zeros([0], self.dtype)
        return (outputs, tf.cast(last, self.dtype), tf.cast(state, self.dtype)), saved

    def _backward(self, arguments, mask, saved, upstream):
        """The gradients of the arguments: of the sequences, of the initial state and of each weight."""
        sequences, initial, *weights = arguments
        d_outputs, d_last, d_final = upstream
        steps, rows = self.steps, _Rows(self, sequences)
        flat, d_outputs = _flat(sequences), _flat(d_outputs) if self.keep_all else None
        k, held, pieces = self._wide(d_final), self._wide(d_last), []
        transposed = steps.transposed(weights)
        sums = [tf.zeros(weight.shape, self.state_dtype) for weight in weights]
        for (size, count, done), kept in reversed(list(zip(rows.segments, saved, strict=True))):

            def body(j, k, held, d_inputs, sums, size=size, count=count, done=done, kept=kept):
                i = count - 1 - j
                places = rows.of_chunk(done + i * size, size)
                x, valid = tf.gather(flat, places), None if mask is None else tf.gather(mask, places)
                dh = None if d_outputs is None else self._wide(tf.gather(d_outputs, places))
                dh, held = self._hold_gradient(dh, valid, held, size)
                d_gates, k, d_more = steps.backward(dh, k, [array.read(i) for array in kept], size, weights)
                d_gates = [tf.cast(d, self.dtype) for d in d_gates]
                dx, d_weights = steps.project_gradient(x, d_gates, transposed)
                sums = [total + self._wide(d) for total, d in zip(sums, [*d_weights, *d_more], strict=True)]
                k, held = tf.ensure_shape(k, initial.shape), tf.ensure_shape(held, initial.shape)
                return j + 1, k, held, d_inputs.write(i, dx), sums

            loop = (tf.constant(0), k, held, _array(count, self.dtype), sums)
            _, k, held, d_inputs, sums = tf.while_loop(lambda j, *_, count=count: j < count, body, loop)
            pieces.append(_stacked(d_inputs, count, sequences.shape[-1]))
        d_sequences = rows.restored(pieces[::-1], sequences.shape[-1])
        return d_sequences, tf.cast(k, self.dtype), *[tf.cast(total, self.dtype) for total in sums]

    def _hold(self, h, valid, last, size):
        """The outputs of a chunk with those of masked steps in place, and the output of the last valid step."""
        hs = tf.split(h, size)
        if valid is None:
            return h, hs[-1]
        held, valids = [], tf.split(valid, size)
        for t in range(size):
            last = tf.where(valids[t], hs[t], last)
            held.append(last)
        return tf.where(valid, h, tf.zeros_like(h)) if self.zero_masked else tf.concat(held, axis=0), last

    def _hold_gradient(self, dh, valid, held, size):
        """The gradient of the outputs of the valid steps; `held` is what steps after the chunk give to the last one."""
        if valid is None and dh is not None:
            return dh, held
        none = tf.zeros_like(held)
        if valid is None:
            return tf.concat([none] * (size - 1) + [held], axis=0), none
        ds = [none] * size if dh is None else tf.split(dh, size)
        valids = tf.split(valid, size)
        for t in reversed(range(size)):
            total = ds[t] + held
            ds[t] = tf.where(valids[t], total, none)
            held = tf.where(valids[t], none, held if self.zero_masked else total)
        return tf.concat(ds, axis=0), held

    def _wide(self, tensor):
        return tf.cast(tensor, self.state_dtype)


class _Rows:
    """Where the rows of the chunks are in the sequences, and how the sequences are cut into chunks."""

    def __init__(self, loop, sequences):
        self.reverse, self.time_major = loop.reverse, loop.time_major
        axes = (1, 0) if self.time_major else (0, 1)
        self.static = [sequences.shape[axis] for axis in axes]
        shape = tf.shape(sequences)
        self.batch, self.length = (
            shape[axis] if static is None else static for axis, static in zip(axes, self.static, strict=True)
        )
        self.segments = self._segments(self.static[1])

    def _segments(self, length):
        """Runs of chunks of one size, in the order of processing: `(steps of a chunk, chunks, steps before)`."""
        if length is None:
            chunks = self.length // CHUNK
            return [(CHUNK, chunks, 0), (1, self.length - chunks * CHUNK, chunks * CHUNK)]
        chunks = -(-length // CHUNK)
        size, longer = divmod(length, max(chunks, 1))
        segments = [(size + 1, longer, 0), (size, chunks - longer, longer * (size + 1))]
        return [segment for segment in segments if segment[0] * segment[1]]

    def of_chunk(self, start, size):
        """The rows of the steps from `start` in the tensors as they come, each step's together."""
        steps, sequences = start + tf.range(size), tf.range(self.batch)
        steps = tf.expand_dims(self.length - 1 - steps if self.reverse else steps, 1)
        rows = steps * self.batch + sequences if self.time_major else sequences * self.length + steps
        return tf.reshape(rows, [-1])

    def restored(self, pieces, width):
        """What the segments gave, in the order of processing, as one tensor of the shape of the sequences."""
        batch, length = self.static
        shape = [length, batch, width] if self.time_major else [batch, length, width]
        rows = tf.concat(pieces, axis=0) if len(pieces) > 1 else pieces[0]
        rows = tf.reshape(rows, [self.length, self.batch, width])
        rows = tf.reverse(rows, [0]) if self.reverse else rows
        return tf.ensure_shape(rows if self.time_major else tf.transpose(rows, (1, 0, 2)), shape)


def _flat(tensor):
    return tf.reshape(tensor, [-1, tensor.shape[-1]])


def _array(length, dtype):
    # Kept after reading, since a persistent tape runs the backward loop again.
    return tf.TensorArray(dtype, size=length, element_shape=[None, None], clear_after_read=False)


def _stacked(array, count, width):
    """The chunks `[count * rows, width]` of an array, which has no shape where a text is too short for any."""
    joined = lambda: tf.reshape(array.stack(), [-1, width])  # noqa: E731
    return joined() if isinstance(count, int) else tf.cond(count > 0, joined, lambda: tf.zeros([0, width], array.dtype))

"""The loop over levels as a `tf.while_loop`, with a gradient of its own."""

import tensorflow as tf


def run_levels(steps, weights, rows, messages, levels):
    """Compute the inner nodes; see `_write_out` in `keras_seq.trees.loop`.

    Automatic differentiation would keep every intermediate result of every level. Here the backward loop keeps the
    states and the messages and computes the rest again; the gradients of the weights and of the rows are one step
    backward over all nodes after the loop.
    """
    loop = _Loop(steps, levels)
    sizes = (len(weights), len(rows))

    @tf.custom_gradient
    def function(*tensors):
        weights, rows, messages = _divide(tensors, sizes)
        states, received = loop.forward(weights, rows, messages)
        return tuple(states), lambda *upstream: loop.backward(weights, rows, states, received, upstream)

    return list(function(*weights, *rows, *messages))


def executing_eagerly() -> bool:
    """Whether tensors have values."""
    return tf.executing_eagerly()


def with_checked_positions(positions, arity):
    """The positions; at run time an error if a node has more children than `arity`."""
    message = f"The cell reads {arity} children of a node; these trees have nodes of more."
    with tf.control_dependencies([tf.debugging.assert_less(positions, arity, message)]):
        return tf.identity(positions)


class _Loop:
    """Forward and backward over the levels of one batch."""

    def __init__(self, steps, levels):
        self.steps = steps
        self.places = steps.cell.places
        self.starts = levels.starts
        self.parent = levels.parent
        self.place = levels.parent * self.places + (0 if steps.cell.arity is None else levels.position)
        self.count = levels.count

    def forward(self, weights, rows, messages):
        """States of all inner nodes, and the messages they received, those of leaves and of inner nodes."""
        steps, starts = self.steps, self.starts
        below = [tf.zeros((0, size), messages[0].dtype) for size in steps.cell.state_sizes]

        def body(level, below, states, received):
            start, stop = starts[level], starts[level + 1]
            first = starts[tf.maximum(level - 1, 0)]
            here = [row[start:stop] for row in rows]
            sent = steps.message(below, self._of_parents(here, first, start), weights)
            target = self.place[first:start] - start * self.places
            total = [
                leaves[start:stop] + self._gather(message, target, stop - start)
                for leaves, message in zip(messages, sent, strict=True)
            ]
            new = steps.compose(here, total, weights)
            states = [array.write(level, state) for array, state in zip(states, new, strict=True)]
            received = [array.write(level, message) for array, message in zip(received, total, strict=True)]
            return level + 1, new, states, received

        state_arrays = [self._array(state) for state in below]
        _, _, states, received = tf.while_loop(
            lambda level, *_: level < self.count,
            body,
            (tf.constant(0), below, state_arrays, [self._array(message) for message in messages]),
            shape_invariants=(
                tf.TensorShape([]),
                [tf.TensorShape([None, state.shape[1]]) for state in below],
                [tf.TensorShape(None)] * len(below),
                [tf.TensorShape(None)] * len(messages),
            ),
        )
        return [array.concat() for array in states], [array.concat() for array in received]

    def backward(self, weights, rows, states, received, upstream):
        """Gradients of the weights, the rows and the messages of leaves, from those of the states."""
        steps, starts = self.steps, self.starts
        upstream = [tf.convert_to_tensor(d) for d in upstream]  # what was gathered has sparse gradients

        def body(level, from_above, d_states, d_received):
            start, stop = starts[level], starts[level + 1]
            first = starts[tf.maximum(level - 1, 0)]
            here = [row[start:stop] for row in rows]
            total = [message[start:stop] for message in received]
            d_new = [d[start:stop] + above for d, above in zip(upstream, from_above, strict=True)]
            with tf.GradientTape() as tape:
                tape.watch(total)
                new = steps.compose(here, total, weights)
            d_total = tape.gradient(new, total, d_new, unconnected_gradients="zero")
            target = self.place[first:start] - start * self.places
            d_below = [self._spread(d, target) for d in d_total]
            if not steps.sends_states:
                below = [state[first:start] for state in states]
                of_parents = self._of_parents(here, first, start)
                with tf.GradientTape() as tape:
                    tape.watch(below)
                    sent = steps.message(below, of_parents, weights)
                d_below = tape.gradient(sent, below, d_below, unconnected_gradients="zero")
            d_states = [array.write(level, d) for array, d in zip(d_states, d_new, strict=True)]
            d_received = [array.write(level, d) for array, d in zip(d_received, d_total, strict=True)]
            return level - 1, d_below, d_states, d_received

        last = self.count - 1
        nothing = [tf.zeros_like(d[: starts[last + 1] - starts[tf.maximum(last, 0)]]) for d in upstream]
        *_, d_states, d_received = tf.while_loop(
            lambda level, *_: level >= 0,
            body,
            (last, nothing, [self._array(d) for d in upstream], [self._array(message) for message in received]),
            shape_invariants=(
                tf.TensorShape([]),
                [tf.TensorShape([None, d.shape[1]]) for d in upstream],
                [tf.TensorShape(None)] * len(upstream),
                [tf.TensorShape(None)] * len(received),
            ),
        )
        d_states, d_received = [array.concat() for array in d_states], [array.concat() for array in d_received]
        gradients = self._outside(weights, rows, states, received, d_states, d_received)
        return [*gradients, *d_received]

    def _outside(self, weights, rows, states, received, d_states, d_received):
        """Gradients of the weights and the rows: one step backward for all inner nodes together."""
        steps, arguments = self.steps, [*weights, *rows]
        results, upstream = [], []
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            results += steps.compose(rows, received, weights)
            upstream += d_states
            if not steps.sends_states:  # the roots, which have no parent, make up the last level
                senders = self.starts[tf.maximum(self.count - 1, 0)]
                of_parents = [tf.gather(row, self.parent[:senders]) for row in rows]
                results += steps.message([state[:senders] for state in states], of_parents, weights)
                upstream += [self._spread(d, self.place[:senders]) for d in d_received]
        return tape.gradient(results, arguments, upstream, unconnected_gradients="zero")

    def _of_parents(self, here, first, start):
        return [tf.gather(row, self.parent[first:start] - start) for row in here]

    def _gather(self, message, target, nodes):
        size = message.shape[-1]
        summed = tf.math.unsorted_segment_sum(message, target, nodes * self.places)
        return tf.reshape(summed, [-1, self.places, size])

    def _spread(self, d_received, target):
        return tf.gather(tf.reshape(d_received, [-1, d_received.shape[-1]]), target)

    def _array(self, like):
        """An array of one tensor a level, and an empty one at its end: no levels at all can be joined as well."""
        shape = like.shape[1:]
        array = tf.TensorArray(like.dtype, self.count + 1, infer_shape=False, element_shape=[None, *shape])
        return array.write(self.count, tf.zeros([0, *shape], like.dtype))


def _divide(tensors, sizes):
    weights, rows = sizes
    return list(tensors[:weights]), list(tensors[weights : weights + rows]), list(tensors[weights + rows :])

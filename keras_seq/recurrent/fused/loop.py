"""The loop over hand-derived steps, forward and backward."""

import tensorflow as tf

from keras_seq.recurrent.loop_tensorflow import unstack


class FusedLoop:
    """Runs the `Steps` of a cell along time.

    While training, the forward loop keeps what the backward loop needs, and the gradient is the hand-derived one.
    Otherwise nothing is kept, and automatic differentiation gives the same gradient if one is asked for.

    In half precision the matrix products are in the compute dtype; states and gates are float32 inside of the loop.

    Args:
        steps: The `Steps` of the cell.
        cell: A built `ElmanCell`, `LSTMCell` or `GRUCell`.
        reverse: Whether to run from the last step to the first.
        compiled: Whether XLA compiles the loops of training; sizes must be known then.
    """

    def __init__(self, steps, cell, reverse, compiled=False):
        self.steps = steps
        self.compiled = compiled
        self.units = cell.units
        self.reverse = reverse
        self.dtype = tf.as_dtype(cell.compute_dtype)
        self.state_dtype = tf.float32 if self.dtype.size < 4 else self.dtype
        kernel, recurrent_kernel = cell.computed(cell.kernel), cell.computed(cell.recurrent_kernel)
        # Without a bias a zero one costs nothing that can be measured, and leaves one signature.
        input_bias = cell.input_bias() if cell.use_bias else tf.zeros([kernel.shape[1]], self.dtype)
        recurrent_bias = cell.recurrent_bias() if hasattr(cell, "recurrent_bias") else None
        self.has_recurrent_bias = recurrent_bias is not None
        self.state_count = len(cell.state_sizes)
        self.weights = [kernel, recurrent_kernel, input_bias, *([recurrent_bias] if self.has_recurrent_bias else [])]

    def run(self, sequences, states, mask, keep_all, zero_masked, training, reset=None):
        """Run along `sequences` `[time, batch, features]`; arguments and results are those of `run_loop`."""
        sequences = tf.cast(sequences, self.dtype)
        goes_on = None if reset is None else tf.logical_not(reset)  # [time, batch], as the mask
        if training:
            outputs, *final = self._differentiable(mask, goes_on)(sequences, *self.weights, *states)
        else:
            outputs, final, _ = self._forward(sequences, self.weights, states, mask, goes_on, keep_all, save=False)
        last = final[0]
        if mask is not None:
            mask = tf.expand_dims(mask, -1)
            # Before the first valid step the output is zero, whatever state the row starts from.
            if keep_all:
                seen = mask if zero_masked else tf.cumsum(tf.cast(mask, tf.int32), axis=0, reverse=self.reverse) > 0
                outputs = tf.where(seen, outputs, tf.zeros_like(outputs))
            last = tf.where(tf.reduce_any(mask, axis=0), last, tf.zeros_like(last))
        return outputs if keep_all else None, last, list(final)

    def _differentiable(self, mask, goes_on):
        """The forward loop as a function of tensors with a gradient of its own."""
        weight_count = len(self.weights)

        def forward(arguments, save):
            weights, states = list(arguments[1 : weight_count + 1]), list(arguments[weight_count + 1 :])
            outputs, final, saved = self._forward(arguments[0], weights, states, mask, goes_on, True, save)
            return [outputs, *final], saved

        @tf.custom_gradient
        def function(*arguments):
            results, saved = forward(arguments, save=True)

            def gradient(*upstream):
                @tf.custom_gradient
                def first_order(*inputs):
                    given, upstream = inputs[: len(arguments)], inputs[len(arguments) :]
                    gradients = self._backward(given, mask, goes_on, results[0], saved, upstream)
                    return gradients, second_order(inputs)

                return first_order(*arguments, *upstream)

            return results, gradient

        def second_order(inputs):
            """What was saved counts as constant, so the gradient of a gradient is that of a loop that saves nothing."""

            def gradient(*upstream):
                arguments, first_upstream = (
                    inputs[: weight_count + 1 + self.state_count],
                    inputs[-1 - self.state_count :],
                )
                with tf.GradientTape() as outer:
                    outer.watch(inputs)
                    with tf.GradientTape() as inner:
                        inner.watch(arguments)
                        results, _ = forward(arguments, save=False)
                    first = inner.gradient(results, arguments, first_upstream, unconnected_gradients="zero")
                return outer.gradient(first, inputs, upstream, unconnected_gradients="zero")

            return gradient

        return function

    def _forward(self, sequences, weights, states, mask, goes_on, keep_all, save):
        """Return `(outputs, final states, saved)`, the last a list of tensors or TensorArrays over time."""
        input_bias, recurrent_bias = self._biases(weights)
        inputs = self._project(sequences, weights[0], input_bias)
        matrices = tf.split(weights[1], self.steps.gates, axis=-1)
        wide = [self._wide(state) for state in states]
        run = self._in_one_program(self._run_forward) if save else self._run_forward
        outputs, final, saved = run(inputs, wide, matrices, recurrent_bias, mask, goes_on, keep_all, save)
        return outputs, [tf.cast(state, self.dtype) for state in final], saved

    def _run_forward(self, inputs, states, matrices, recurrent_bias, mask, goes_on, keep_all, save):
        """Return the outputs and the final states, in the dtype of the states, and what is saved."""
        steps, length, batch = self.steps, _length(inputs[0]), inputs[0].shape[1]
        inputs = [unstack(tensor) for tensor in inputs]
        masks = None if mask is None else unstack(mask)
        goes_on = None if goes_on is None else unstack(goes_on)
        outputs = [self._array(length, batch, self.dtype)] if keep_all else []
        saved = [self._array(length, batch, self.state_dtype) for _ in range(steps.saved)] if save else []

        def body(count, states, outputs, saved):
            t = length - 1 - count if self.reverse else count
            x = [self._wide(array.read(t)) for array in inputs]
            states = _unless_reset(goes_on, t, states)
            new_states, to_save = steps.forward(x, states, matrices, recurrent_bias, self._product)
            if masks is not None:
                valid = masks.read(t)
                new_states = [_rows(valid, new, old) for new, old in zip(new_states, states, strict=True)]
            for new, old in zip(new_states, states, strict=True):
                new.set_shape(old.shape)
            outputs = [array.write(t, tf.cast(new_states[0], self.dtype)) for array in outputs]
            if save:
                saved = [array.write(t, value) for array, value in zip(saved, to_save, strict=True)]
            return count + 1, new_states, outputs, saved

        start = (tf.constant(0), states, outputs, saved)
        _, final, outputs, saved = _while(length, body, start)
        if save and self.compiled:  # no TensorArray leaves what XLA compiles
            saved = [array.stack() for array in saved]
        return outputs[0].stack() if keep_all else None, final, saved

    def _backward(self, arguments, mask, goes_on, outputs, saved, upstream):
        """The gradients of the arguments: of the sequences, of each weight and of each initial state."""
        sequences, weights, states = (
            arguments[0],
            arguments[1 : len(self.weights) + 1],
            arguments[len(self.weights) + 1 :],
        )
        d_outputs, *d_final = upstream
        gates = self.steps.gates
        matrices = [tf.transpose(matrix) for matrix in tf.split(weights[1], gates, axis=-1)]
        masks = None if mask is None else tf.expand_dims(tf.cast(mask, self.state_dtype), -1)
        wide = [self._wide(d) for d in d_final]
        run = self._in_one_program(self._run_backward)
        d_states, d_inputs, factors = run(d_outputs, wide, saved, matrices, masks, goes_on)

        d_inputs = [self._flat(tensor) for tensor in d_inputs]  # [time * batch, units], one a gate
        factors = [self._flat(tensor) for tensor in factors]
        flat = self._flat(sequences)
        contract = self._contraction(outputs, states[0], goes_on)
        d_matrices, d_products = self.steps.weight_gradients(contract, d_inputs, factors)
        d_weights = [
            tf.concat([tf.matmul(flat, d, transpose_a=True) for d in d_inputs], axis=-1),
            tf.concat(d_matrices, axis=-1),
            tf.concat([tf.reduce_sum(d, axis=0) for d in d_inputs], axis=0),
        ]
        if self.has_recurrent_bias:
            d_weights.append(tf.concat([tf.reduce_sum(d, axis=0) for d in d_products], axis=0))
        kernels = tf.split(weights[0], gates, axis=-1)
        d_flat = tf.add_n([tf.matmul(d, tf.transpose(k)) for d, k in zip(d_inputs, kernels, strict=True)])
        return tf.reshape(d_flat, tf.shape(sequences)), *d_weights, *[tf.cast(d, self.dtype) for d in d_states]

    def _run_backward(self, d_outputs, gradients, saved, matrices, masks, goes_on):
        """Return the gradients of the initial states and, over time, of the projected inputs and the factors."""
        steps, length, batch = self.steps, _length(d_outputs), d_outputs.shape[1]
        d_outputs = unstack(d_outputs)
        saved = [unstack(tensor) for tensor in saved] if self.compiled else saved
        masks = None if masks is None else unstack(masks)
        goes_on = None if goes_on is None else unstack(goes_on)
        d_inputs = [self._array(length, batch, self.dtype) for _ in range(steps.gates)]
        factors = [self._array(length, batch, self.dtype) for _ in range(steps.factors)]

        def body(count, gradients, d_inputs, factors):
            t = count if self.reverse else length - 1 - count
            gradients = [gradients[0] + self._wide(d_outputs.read(t)), *gradients[1:]]
            passed = gradients
            if masks is not None:  # a masked step hands the gradient of its states on as it is
                valid = masks.read(t)
                gradients = [gradient * valid for gradient in gradients]
            d_x, before, further = steps.backward(
                gradients, [array.read(t) for array in saved], matrices, self._product
            )
            if masks is not None:
                before = [b + (p - g) for b, p, g in zip(before, passed, gradients, strict=True)]
            before = _unless_reset(goes_on, t, before)
            d_inputs = [array.write(t, tf.cast(d, self.dtype)) for array, d in zip(d_inputs, d_x, strict=True)]
            factors = [array.write(t, tf.cast(f, self.dtype)) for array, f in zip(factors, further, strict=True)]
            return count + 1, before, d_inputs, factors

        _, d_states, d_inputs, factors = _while(length, body, (tf.constant(0), gradients, d_inputs, factors))
        return d_states, [array.stack() for array in d_inputs], [array.stack() for array in factors]

    def _in_one_program(self, run):
        """`run`, compiled as a whole where that is wanted."""
        if not self.compiled:
            return run
        program = tf.function(run, jit_compile=True, autograph=False)

        def call(*arguments):
            # Else tapes within tapes would have it prepared for a gradient that is not taken through it.
            stop = lambda one: tf.stop_gradient(one) if tf.is_tensor(one) else one  # noqa: E731
            return program(*tf.nest.map_structure(stop, arguments))

        return call

    def _biases(self, weights):
        """The bias of the projected inputs, one a gate, and of the gates whose recurrent bias stays in the step."""
        inputs = tf.split(weights[2], self.steps.gates)
        if not self.has_recurrent_bias:
            return inputs, []
        recurrent = tf.split(weights[3], self.steps.gates)
        folded = self.steps.folded
        inputs = [x + r for x, r in zip(inputs[:folded], recurrent[:folded], strict=True)] + inputs[folded:]
        return inputs, [self._wide(r) for r in recurrent[folded:]]

    def _project(self, sequences, kernel, biases):
        """The projected inputs `[time, batch, units]`, one a gate."""
        flat, shape = self._flat(sequences), tf.shape(sequences)
        kernels = tf.split(kernel, self.steps.gates, axis=-1)
        projected = [tf.matmul(flat, k) + b for k, b in zip(kernels, biases, strict=True)]
        static = [*sequences.shape[:2], self.units]
        return [tf.ensure_shape(tf.reshape(x, [shape[0], shape[1], self.units]), static) for x in projected]

    def _contraction(self, outputs, initial, goes_on):
        """The function that sums `h_{t-1}^T gradient_t` over all steps, for gradients `[time * batch, units]`.

        The first step's state is the initial one; two products save a copy of all states moved by one step.
        """
        batch = tf.shape(initial)[0]
        before = outputs[1:] if self.reverse else outputs[:-1]
        if goes_on is not None:
            steps, first_step = (goes_on[:-1], -1) if self.reverse else (goes_on[1:], 0)
            before = tf.where(tf.expand_dims(steps, -1), before, tf.zeros_like(before))
            initial = _rows(goes_on[first_step], initial, tf.zeros_like(initial))
        before = self._flat(before)

        def contract(gradient):
            split = tf.shape(gradient)[0] - batch if self.reverse else batch
            first, rest = (gradient[split:], gradient[:split]) if self.reverse else (gradient[:split], gradient[split:])
            return tf.matmul(before, rest, transpose_a=True) + tf.matmul(initial, first, transpose_a=True)

        return contract

    def _product(self, tensor, matrix):
        return self._wide(tf.matmul(tf.cast(tensor, self.dtype), matrix))

    def _wide(self, tensor):
        return tf.cast(tensor, self.state_dtype)

    def _flat(self, tensor):
        return tf.reshape(tensor, [-1, tensor.shape[-1]])

    def _array(self, length, batch, dtype):
        # Kept after reading, since a persistent tape runs the backward loop again.
        return tf.TensorArray(dtype, size=length, element_shape=[batch, self.units], clear_after_read=False)


def _unless_reset(goes_on, t, states):
    """The states, or zeros in the rows that step `t` resets; also of the gradients that go back to them."""
    return states if goes_on is None else [_rows(goes_on.read(t), state, tf.zeros_like(state)) for state in states]


def _rows(chosen, tensor, other):
    """The rows of `tensor` where `chosen` `[batch]` is true, else those of `other`.

    `tf.where` would broadcast a column, for which it has no fast way.
    """
    return tf.raw_ops.Select(condition=chosen, x=tensor, y=other)


def _length(tensor):
    return tf.shape(tensor)[0] if tensor.shape[0] is None else tensor.shape[0]


def _while(length, body, start):
    return tf.while_loop(lambda count, *_: count < length, body, start)

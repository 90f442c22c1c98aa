"""Compiled functions and gradients, on every backend."""

import keras
import numpy as np
from keras import ops

BACKEND = keras.backend.backend()


def compiled(function):
    """A function of tensors, compiled where the backend has graphs."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


def gradients(function, layer, inputs):
    """The gradients of a function of inputs by the inputs and by each weight of the layer."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(autograph=False)
        def differentiate(inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                loss = function(inputs)
            return tape.gradient(loss, [inputs, *[w.value for w in layer.trainable_variables]])

        return [np.array(g) for g in differentiate(tf.constant(inputs))]
    if BACKEND == "jax":
        import jax

        def loss(inputs, weights):
            with keras.StatelessScope(state_mapping=zip(layer.trainable_variables, weights, strict=True)):
                return function(inputs)

        d_inputs, d_weights = jax.jit(jax.grad(loss, (0, 1)))(inputs, [w.value for w in layer.trainable_variables])
        return [np.array(g) for g in (d_inputs, *d_weights)]
    inputs = ops.convert_to_tensor(inputs).requires_grad_()
    weights = [w.value for w in layer.trainable_variables]
    function(inputs).backward()
    return [g.grad.detach().numpy() for g in (inputs, *weights)]

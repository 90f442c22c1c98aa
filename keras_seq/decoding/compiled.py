"""A function of a layer's weights, compiled."""

import keras


def compiled(function, layer, jit_compile=False):
    """Compile a function that uses the weights of a layer, for tensors of any batch.

    On TensorFlow the result is a `tf.function`, which is traced again only for inputs of other ranks; on JAX it is
    jitted, anew for every shape, and sees the weights as they are at each call; PyTorch runs it as it is.

    Args:
        function: Function of tensors, such as one that calls `decode`. It must not change the weights.
        layer: The layer or model.
        jit_compile: Whether XLA compiles the graph of TensorFlow. Defaults to `False`.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False, reduce_retracing=True, jit_compile=jit_compile)
    if backend == "jax":
        import jax

        @jax.jit
        def stateless(values, arguments):
            with keras.StatelessScope(state_mapping=list(zip(layer.variables, values, strict=True))):
                return function(*arguments)

        return lambda *arguments: stateless([variable.value for variable in layer.variables], arguments)
    return function

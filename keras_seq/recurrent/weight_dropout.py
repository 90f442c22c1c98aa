"""Dropout of recurrent weights."""

import contextlib

import keras


@contextlib.contextmanager
def dropped_weights(layer, rate, seed_generator):
    """Within this block the recurrent kernels of a layer lack a random share of their entries.

    DropConnect (Wan et al. 2013) on hidden-to-hidden weights, as in Merity et al. (2018), "Regularizing and Optimizing
    LSTM Language Models". One mask holds for all rows and steps of the block, so that every loop over time runs as fast
    as without it. The weights themselves do not change; the gradient of a dropped entry is 0.

    Args:
        layer: Layer whose weights called `recurrent_kernel` are meant, however deep.
        rate: Fraction of the entries, from 0 to below 1. With 0 nothing happens.
        seed_generator: `keras.random.SeedGenerator`.
    """
    kernels = [weight for weight in layer.trainable_weights if weight.name == "recurrent_kernel"] if rate else []
    if not kernels:
        yield
        return
    # All of the layer's variables, since JAX's training step is within such a scope already, which this one hides.
    values = {id(variable): variable.value for variable in layer.variables}
    for kernel in kernels:
        values[id(kernel)] = keras.random.dropout(kernel.value, rate, seed=seed_generator)
    given = [(variable, values[id(variable)]) for variable in layer.variables]
    with keras.StatelessScope(state_mapping=given) as scope:
        before = dict(scope.state_mapping)
        yield
    # What else the block has changed are the states of random generators.
    for variable in layer.variables:
        value = scope.get_current_value(variable)
        if value is not before[id(variable)]:
            variable.assign(value)

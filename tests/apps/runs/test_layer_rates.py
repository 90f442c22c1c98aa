"""Rates that differ by layer, and layers that join later."""

import keras
import numpy as np
import tensorflow as tf

from apps.runs.layer_rates import LayerRates


def steps_of(rate, unfreeze, count):
    """How far each of three weights has moved after each step of Adam, whose steps are all 0.1 at first."""
    weights = [keras.Variable(np.zeros(2, "float32"), name=f"w{i}") for i in range(3)]
    optimizer = keras.optimizers.Adam(0.1, beta_1=0.0)
    optimizer.build(weights)
    rates = LayerRates([[weight] for weight in weights], rate, unfreeze)

    @tf.function
    def step():
        before, number = rates.before(), tf.identity(optimizer.iterations.value)
        optimizer.apply([tf.ones(2), 100.0 * tf.ones(2), 0.01 * tf.ones(2)], weights)
        rates.after(before, number)

    found = []
    for _ in range(count):
        step()
        found.append([-float(weight.numpy()[0]) for weight in weights])
    return np.diff(np.array([[0, 0, 0], *found]), axis=0)


def test_each_layer_takes_a_share_of_the_step_above_it():
    moved = steps_of(0.5, 0, 3)
    np.testing.assert_allclose(moved, np.tile([0.1, 0.05, 0.025], (3, 1)), rtol=1e-3)


def test_layers_join_one_after_the_other():
    moved = steps_of(1.0, 2, 6) > 0.05
    np.testing.assert_array_equal(moved[:, 0], True)
    np.testing.assert_array_equal(moved[:, 1], np.arange(6) >= 2)
    np.testing.assert_array_equal(moved[:, 2], np.arange(6) >= 4)

import keras
import numpy as np
import pytest
from cases import Case

import keras_seq


def test_starts_from_a_multiple_of_the_identity():
    for scale in (1.0, 0.01):
        cell = keras_seq.IRNNCell(3, scale=scale)
        cell.build((None, 4))
        np.testing.assert_allclose(cell.get_weights()[1], scale * np.eye(3), rtol=1e-6)


def test_adds_up_its_inputs_at_first(numpy):
    x = np.random.default_rng(0).uniform(size=(2, 50, 3)).astype("float32")
    layer = keras_seq.Recurrent(keras_seq.IRNNCell(3, kernel_initializer="identity"), return_sequences=True)
    np.testing.assert_allclose(numpy(layer(x)), np.cumsum(x, axis=1), rtol=1e-5)


def test_takes_no_other_recurrent_initializer():
    with pytest.raises(TypeError, match="recurrent_initializer"):
        keras_seq.IRNNCell(3, recurrent_initializer="orthogonal")
    assert "recurrent_initializer" not in keras_seq.IRNNCell(3).get_config()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the fused loop is TensorFlow's")
def test_runs_in_the_fused_loop():
    import tensorflow as tf

    from keras_seq.recurrent.fused import run_fused

    case = Case("irnn", dtype="float64")
    x = tf.constant(np.swapaxes(case.sequences, 0, 1), dtype="float64")
    state = tf.constant(case.states[0], dtype="float64")
    assert run_fused(case.cell, x, [state], None, False, True, False, True) is not None
    weights = [variable.value for variable in case.cell.trainable_variables]
    gradients = []
    for unroll in (False, True):  # written out, the equations are differentiated automatically
        layer = keras_seq.Recurrent(case.cell, return_sequences=True, unroll=unroll, dtype="float64")
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(case.sequences, initial_state=[state], training=True) ** 2)
        gradients.append(tape.gradient(loss, weights))
    for ours, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9)

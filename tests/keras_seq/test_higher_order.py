import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


def test_of_order_one_it_is_elman(numpy):
    cell, elman = keras_seq.HigherOrderCell(3, order=1), keras_seq.ElmanCell(3)
    cell.build((None, 4))
    elman.build((None, 4))
    kernel, recurrent_kernel, bias = cell.get_weights()
    elman.set_weights([kernel, recurrent_kernel[0], bias])
    got, expected = (keras_seq.Recurrent(one, return_sequences=True)(X) for one in (cell, elman))
    np.testing.assert_allclose(numpy(got), numpy(expected), atol=1e-6)


def test_the_states_are_the_last_outputs_the_oldest_last(numpy):
    layer = keras_seq.Recurrent(keras_seq.HigherOrderCell(3, order=3), return_sequences=True, return_state=True)
    outputs, *states = numpy(layer(X))
    for back, state in enumerate(states):
        np.testing.assert_array_equal(state, outputs[:, -1 - back])


def test_wrong_orders_are_refused():
    with pytest.raises(ValueError, match=r"`order` must be a positive integer. Received"):
        keras_seq.HigherOrderCell(3, order=0)

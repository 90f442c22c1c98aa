import keras
import numpy as np
import pytest

import keras_seq

STOCK = {
    keras_seq.ElmanCell: keras.layers.SimpleRNNCell,
    keras_seq.LSTMCell: keras.layers.LSTMCell,
    keras_seq.GRUCell: keras.layers.GRUCell,
}


def test_keras_cell_gives_its_weights_over_unchanged(case, numpy):
    options = {"reset_after": case.cell.reset_after} if case.name.startswith("gru") else {}
    if "relu" in case.name:
        options["activation"] = "relu"
    stock = STOCK[type(case.cell)](case.cell.units, **options)
    stock.build((None, case.sequences.shape[-1]))
    assert [w.name for w in stock.weights] == [w.name for w in case.cell.weights]
    assert [w.shape for w in stock.weights] == [w.shape for w in case.cell.weights]
    stock.set_weights(case.weights)
    x = case.sequences[:, 0]
    for ours, theirs in zip(
        keras.tree.flatten(numpy(case.cell(x, case.states))),
        keras.tree.flatten(numpy(stock(x, case.states))),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_initial_weights_follow_keras(case):
    cell = case.make(kernel_initializer="ones", bias_initializer="zeros")
    cell.build((None, 4))
    stock = STOCK[type(cell)](
        cell.units, kernel_initializer="ones", **({} if cell.gates != 3 else {"reset_after": cell.reset_after})
    )
    stock.build((None, 4))
    np.testing.assert_array_equal(cell.get_weights()[0], stock.get_weights()[0])
    np.testing.assert_array_equal(cell.get_weights()[2], stock.get_weights()[2])


def test_cell_without_bias(case, numpy):
    cell = case.make(use_bias=False)
    cell.build((None, case.sequences.shape[-1]))
    assert [w.name for w in cell.weights] == ["kernel", "recurrent_kernel"]
    cell.set_weights(case.weights[:2])
    output, _ = numpy(cell(case.sequences[:, 0], case.states))
    no_bias = [*case.weights[:2], np.zeros_like(case.weights[2])]
    np.testing.assert_allclose(output, case.step(no_bias, case.sequences[:, 0], case.states)[0], atol=1e-6)


@pytest.mark.parametrize("units", [0, -1, 2.5, "8", True])
def test_wrong_units_are_refused(units):
    with pytest.raises(ValueError, match=r"`units` must be a positive integer. Received"):
        keras_seq.LSTMCell(units)


def test_unknown_feature_size_is_refused():
    with pytest.raises(ValueError, match="must be known"):
        keras_seq.GRUCell(3).build((None, None))

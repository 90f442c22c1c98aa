import numpy as np
import pytest
from keras import ops

import keras_seq


def layers(kinds=("gru", "lstm", "both"), units=4):
    make = {
        "gru": lambda: keras_seq.Recurrent(keras_seq.GRUCell(units)),
        "lstm": lambda: keras_seq.Recurrent(keras_seq.LSTMCell(units)),
        "both": lambda: keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(units)), merge_mode="sum"),
    }
    return [make[kind]() for kind in kinds]


X = np.random.default_rng(2).normal(size=(3, 6, 4)).astype("float32")


@pytest.mark.parametrize("residual", [False, True])
def test_equals_the_layers_one_by_one(mask, residual, numpy):
    stack = keras_seq.Stacked(layers(), residual=residual, return_sequences=True)
    whole = numpy(stack(X, mask=mask))
    x = X
    for layer in stack.layers:
        y = numpy(layer.run(x, mask=mask)[0])
        x = y + x if residual else y
    np.testing.assert_allclose(whole, x, atol=1e-6)


def test_dense_layers_read_all_that_is_below(mask, numpy):
    stack = keras_seq.Stacked(layers(), dense=True, return_sequences=True)
    whole = numpy(stack(X, mask=mask))
    below = [X]
    for layer in stack.layers:
        below.append(numpy(layer.run(np.concatenate(below, axis=-1), mask=mask)[0]))
    np.testing.assert_allclose(whole, below[-1], atol=1e-6)
    assert keras_seq.Stacked.from_config(stack.get_config()).dense


def test_a_stack_may_be_a_layer(mask, numpy):
    inner = keras_seq.Stacked(layers(("gru", "lstm")), return_sequences=True)
    stack = keras_seq.Stacked([inner, *layers(("both",))], dense=True, return_sequences=True, return_state=True)
    outputs, *states = numpy(stack(X, mask=mask))
    below, *inner_states = numpy(inner.run(X, mask=mask))[0], *numpy(inner.run(X, mask=mask)[2])
    above = stack.layers[1].run(np.concatenate([X, below], axis=-1), mask=mask)
    np.testing.assert_allclose(outputs, numpy(above[0]), atol=1e-6)
    for one, other in zip(states, [*inner_states, *numpy(above[2])], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    again = keras_seq.Stacked.from_config(stack.get_config())
    assert isinstance(again.layers[0], keras_seq.Stacked)


def test_residual_connection_needs_equal_sizes(numpy):
    stack = keras_seq.Stacked(layers(units=5), residual=True, return_sequences=True)
    first = numpy(stack.layers[0].run(ops.convert_to_tensor(X))[0]) if stack(X) is not None else None
    second = numpy(stack.layers[1].run(ops.convert_to_tensor(first))[0]) + first
    third = numpy(stack.layers[2].run(ops.convert_to_tensor(second))[0]) + second
    np.testing.assert_allclose(numpy(stack(X)), third, atol=1e-6)  # the bottom layer maps 4 to 5 features: no residual


def test_states_go_in_and_come_out(numpy):
    stack = keras_seq.Stacked(layers(("gru", "lstm")), return_sequences=True, return_state=True)
    whole, *final = numpy(stack(X))
    first, *states = stack(X[:, :4])
    second, *end = numpy(stack(X[:, 4:], initial_state=states))
    assert len(states) == 3
    np.testing.assert_allclose(np.concatenate([numpy(first), second], axis=1), whole, atol=1e-6)
    for a, b in zip(end, final, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_variational_dropout_has_one_mask_for_all_steps(numpy):
    """The layer above an all-ones layer sees each feature at all steps or at none."""
    stack = keras_seq.Stacked(layers(("gru", "gru"), units=64), dropout=0.5, return_sequences=True, seed=3)
    stack(X)
    dropped = numpy(stack._drop(ops.ones((3, 6, 64))))
    assert np.all(dropped == dropped[:, :1])
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert len({row.tobytes() for row in dropped[:, 0]}) == 3  # another mask for each sequence


def test_dropout_acts_in_training_only(numpy):
    stack = keras_seq.Stacked(layers(("gru", "gru")), dropout=0.5)
    plain = numpy(stack(X))
    np.testing.assert_array_equal(numpy(stack(X, training=False)), plain)
    assert not np.allclose(numpy(stack(X, training=True)), plain)


def test_single_layer_is_that_layer(numpy):
    stack = keras_seq.Stacked(layers(("lstm",)), dropout=0.9)
    np.testing.assert_allclose(numpy(stack(X, training=True)), numpy(stack.layers[0](X)), atol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="must list"):
        keras_seq.Stacked([])
    with pytest.raises(ValueError, match="must list"):
        keras_seq.Stacked([keras_seq.LSTMCell(3)])
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        keras_seq.Stacked(layers(), dropout=1.0)
    with pytest.raises(ValueError, match="return_sequences=True"):
        keras_seq.Stacked(layers(), residual=True)

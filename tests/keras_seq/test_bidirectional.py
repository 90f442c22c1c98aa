import keras
import numpy as np
import pytest

import keras_seq

MODES = ["concat", "sum", "mul", "ave", None]


def pair(case, mode, **options):
    layer = keras_seq.Bidirectional(keras_seq.Recurrent(case.make(), **options), merge_mode=mode)
    layer.build((None, None, 4))
    layer.set_weights([case.rng.normal(size=w.shape) for w in layer.weights])
    return layer


@pytest.mark.parametrize(("mode", "sequences"), [("concat", False), (None, False), ("concat", True)])
def test_equals_keras_bidirectional(case, mask, mode, sequences, numpy):
    compare_with_keras(case, mask, mode, sequences, numpy)


@pytest.mark.parametrize("mode", MODES[1:])
def test_outputs_are_merged_as_by_keras(case, mode, numpy):
    mask = np.array([[True, False, True, True, False, True], [True] * 6, [False, True, True, False, False, False]])
    compare_with_keras(case, mask, mode, True, numpy)


def compare_with_keras(case, mask, mode, sequences, numpy):
    # Keras' wrapper makes masked outputs zero; ours leaves that to the layer.
    ours = pair(case, mode, return_sequences=sequences, zero_output_for_mask=True)
    forward = keras.layers.RNN(ours.forward_layer.cell, return_sequences=sequences)
    backward = keras.layers.RNN(ours.backward_layer.cell, return_sequences=sequences, go_backwards=True)
    theirs = keras.layers.Bidirectional(forward, merge_mode=mode, backward_layer=backward)
    theirs.build((None, None, 4))
    theirs.set_weights(ours.get_weights())
    got, expected = numpy((ours(case.sequences, mask=mask), theirs(case.sequences, mask=mask)))
    for a, b in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("mode", MODES)
def test_states_are_merged_as_outputs_are(case, mode, numpy):
    layer = pair(case, mode, return_state=True)
    output, *states = numpy(layer(case.sequences))
    f_last, *f_states = numpy(layer.forward_layer(case.sequences))
    b_last, *b_states = numpy(layer.backward_layer(case.sequences))
    merge = {
        "concat": lambda a, b: [np.concatenate([a, b], axis=-1)],
        "sum": lambda a, b: [a + b],
        "mul": lambda a, b: [a * b],
        "ave": lambda a, b: [(a + b) / 2],
    }
    if mode is None:
        expected = [f_last, b_last, *f_states, *b_states]
    else:
        expected = [x for a, b in zip([f_last, *f_states], [b_last, *b_states], strict=True) for x in merge[mode](a, b)]
    for a, b in zip([output, *states], expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert [s.shape[-1] for s in states[-len(layer.state_size) :]] == layer.state_size


def test_initial_states_reach_both_directions(case, numpy):
    layer = pair(case, None, return_state=True)
    empty = np.zeros((3, 6), bool)  # no valid step: the states come out as they went in
    states = [*case.states, *[s + 1 for s in case.states]]
    _, _, *out = numpy(layer(case.sequences, initial_state=states, mask=empty))
    for a, b in zip(out, states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_directions_have_weights_of_their_own():
    layer = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(3)))
    layer.build((None, None, 4))
    forward, backward = layer.forward_layer.get_weights(), layer.backward_layer.get_weights()
    assert len(layer.weights) == 6
    assert not np.allclose(forward[0], backward[0])


def test_wrong_arguments_are_refused():
    cell = keras_seq.LSTMCell(3)
    with pytest.raises(ValueError, match="`Recurrent` layer"):
        keras_seq.Bidirectional(cell)
    with pytest.raises(ValueError, match="merge_mode"):
        keras_seq.Bidirectional(keras_seq.Recurrent(cell), merge_mode="add")
    with pytest.raises(ValueError, match="go_backwards=False"):
        keras_seq.Bidirectional(keras_seq.Recurrent(cell, go_backwards=True))
    with pytest.raises(ValueError, match="go_backwards=True"):
        keras_seq.Bidirectional(keras_seq.Recurrent(cell), backward_layer=keras_seq.Recurrent(cell))

import itertools

import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(4).normal(size=(3, 10, 4)).astype("float32")


def make(length, **options):
    layer = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(3)))
    return keras_seq.Segmented(layer, length, **options)


@pytest.mark.parametrize("length", [1, 3, 5, 10, 20])
def test_equals_the_layer_on_each_segment(length, numpy):
    segmented = make(length)
    outputs = numpy(segmented(X))
    for start in range(0, 10, length):
        part = numpy(segmented.layer.run(X[:, start : start + length])[0])
        np.testing.assert_allclose(outputs[:, start : start + length], part, atol=1e-6)


def test_padding_does_not_change_the_numbers(numpy):
    segmented = make(4)
    mask = np.arange(10)[None] < np.array([[10], [6], [3]])
    outputs = numpy(segmented(X, mask=mask))
    for row, steps in enumerate((10, 6, 3)):
        alone = numpy(segmented(X[row : row + 1, :steps]))
        np.testing.assert_allclose(outputs[row, :steps], alone[0], atol=1e-6)


@pytest.mark.usefixtures("uncompiled")
def test_shift_moves_the_cuts_while_training_only(numpy):
    segmented = make(4, seed=1)
    still = numpy(segmented(X))
    np.testing.assert_array_equal(numpy(segmented(X, training=False)), still)
    seen = set()
    for _ in range(20):
        outputs = numpy(segmented(X, training=True))
        for before in range(3):  # 10 steps in segments of 4 leave room for 2 steps of padding in front
            cuts = [0, *range(4 - before, 10, 4), 10]
            parts = [numpy(segmented.layer.run(X[:, a:b])[0]) for a, b in itertools.pairwise(cuts)]
            if np.allclose(outputs, np.concatenate(parts, axis=1), atol=1e-6):
                seen.add(before)
                break
        else:
            pytest.fail("the outputs belong to no shift")
    assert seen == {0, 1, 2}


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="segment_length"):
        make(0)
    with pytest.raises(ValueError, match="layer"):
        keras_seq.Segmented(keras_seq.LSTMCell(3), 4)
    with pytest.raises(ValueError, match="starts anew"):
        make(4)(X, initial_state=[np.zeros((3, 3), "float32")])

"""A beam search whose width is a tensor: what it finds, and on how many sequences it works."""

import numpy as np
import pytest
import tensorflow as tf

from apps.translation_beam import AdjustableBeamSearch
from keras_seq.decoding import BeamSearch, decode

END = 0
SEARCH = {"start_tokens": 1, "end_token": END, "max_length": 9}


@pytest.fixture(scope="module")
def step():
    """A decoder that knows the last token alone; for an alignment it says how many sequences it was asked about."""
    table = tf.constant(np.random.default_rng(1).normal(size=(40, 40)), tf.float32)

    def step(tokens, state):
        asked = tf.fill([tf.shape(tokens)[0], 1], tf.cast(tf.shape(tokens)[0], tf.float32))
        return tf.gather(table, tokens) - state, state, asked

    return step


@pytest.fixture(scope="module")
def adjustable(step):
    @tf.function(input_signature=[tf.TensorSpec([None, 1]), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)])
    def search(state, width, wanted):
        return decode(step, state, strategy=AdjustableBeamSearch(10, width, wanted, 0.8), **SEARCH)._asdict()

    return lambda batch, width, wanted=1: search(tf.zeros([batch, 1]), tf.constant(width), tf.constant(wanted))


@pytest.mark.parametrize("width", range(1, 11))
def test_it_is_the_search_of_that_width(step, adjustable, width):
    found = adjustable(3, width, width)
    expected = decode(step, tf.zeros([3, 1]), strategy=BeamSearch(width, 0.8, sequences=width), **SEARCH)
    assert found["ids"].numpy().tolist() == expected.ids.numpy().tolist()
    np.testing.assert_allclose(found["scores"], expected.scores, rtol=1e-5)
    assert found["steps"] == expected.steps
    steps = int(expected.steps)
    assert (found["step_parents"][:, :steps].numpy() == expected.step_parents[:, :steps].numpy()).all()


@pytest.mark.parametrize("width", [1, 4, 10])
def test_it_works_on_no_more_sequences(adjustable, width):
    """A search of width 1 had worked on ten sequences a sentence, for several times the time."""
    assert tf.reduce_max(adjustable(3, width)["alignments"]) == 3 * width

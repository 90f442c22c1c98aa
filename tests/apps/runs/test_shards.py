"""A batch computed in parts: the same numbers as in one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.runs.shards import Pass, in_shards
from apps.runs.steps import Steps
from keras_seq.cells import GRUCell
from keras_seq.models import LanguageModel, RecurrentDecoder
from keras_seq.training import TruncatedBPTT

WORDS = 11


@pytest.mark.parametrize("weighted", [False, True], ids=["rows", "weights"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("rows", [1, 2, 7, 8])
def test_loss_gradients_outputs_and_state_are_those_of_the_whole(rows, count, weighted):
    random = np.random.default_rng(rows)
    table = tf.Variable(random.normal(size=(WORDS, 3)).astype(np.float32))
    kernel = tf.Variable(random.normal(size=(3, 4)).astype(np.float32))
    unused = tf.Variable(1.0)

    def compute(inputs, targets, weights, state):
        with tf.GradientTape() as tape:
            outputs = tf.tanh(tf.gather(table, inputs["words"]) + state[0][:, None]) @ kernel
            losses = tf.keras.losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True)
            weights = tf.ones_like(losses) if weights is None else weights
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
            total = loss + tf.reduce_sum(kernel**2)
        gradients = tape.gradient(total, [table, kernel, unused])
        assert isinstance(gradients[0], tf.IndexedSlices)
        return Pass(total, loss, gradients, {"logits": outputs}, (state[0] + outputs[:, -1, :3],))

    batch = (
        {"words": random.integers(0, WORDS, (rows, 5))},
        random.integers(0, 4, (rows, 5)),
        random.uniform(0.1, 1.0, (rows, 5)).astype(np.float32) if weighted else None,
        (random.normal(size=(rows, 3)).astype(np.float32),),
    )
    batch = tf.nest.map_structure(lambda array: array if array is None else tf.constant(array), batch)
    whole, parts = (in_shards(number, compute, *batch) for number in (1, count))
    assert whole.gradients[2] is None
    assert parts.gradients[2] is None
    assert isinstance(parts.gradients[0], tf.IndexedSlices)
    for name in ("total", "loss", "outputs", "state"):
        tf.nest.map_structure(
            lambda one, other: np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6),
            getattr(whole, name),
            getattr(parts, name),
        )
    for one, other in zip(whole.gradients[:2], parts.gradients[:2], strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(other), tf.convert_to_tensor(one), rtol=1e-5, atol=1e-6)


def losses_of_streams(shards, dropout=0.0):
    """The losses of three windows of five streams, each with the state that the one before has left."""
    keras.utils.set_random_seed(3)
    decoder = RecurrentDecoder(WORDS, [GRUCell(6)], embedding_size=4, dropout=dropout, seed=1)
    model = TruncatedBPTT(LanguageModel(decoder))
    model.build((None, None))
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    steps = Steps(model, loss, loss, None, list, optimizer, None, shards=shards)
    tokens = np.random.default_rng(0).integers(0, WORDS, (5, 3 * 7 + 1))
    data = tf.data.Dataset.from_tensor_slices(
        (np.stack([tokens[:, i : i + 7] for i in (0, 7, 14)]), np.stack([tokens[:, i + 1 : i + 8] for i in (0, 7, 14)]))
    )
    steps.compile(data.element_spec, None)
    steps.start_training_epoch()
    return [steps.train(batch) for batch in data]


def test_states_are_carried_in_parts():
    np.testing.assert_allclose(losses_of_streams(2), losses_of_streams(1), rtol=1e-5)


def test_noise_is_the_same_every_time():
    assert losses_of_streams(2, dropout=0.5) == losses_of_streams(2, dropout=0.5)

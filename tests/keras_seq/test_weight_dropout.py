"""Dropout of recurrent weights: the layer with some entries at 0, and nothing else."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.recurrent.weight_dropout import dropped_weights

IDS = np.random.default_rng(3).integers(1, 9, (4, 6))
MASK = np.random.default_rng(1).random((5, 20)) < 0.5


def make(cell=None, rate=0.4, **options):
    cell = cell or keras_seq.LSTMCell(5)
    decoder = keras_seq.RecurrentDecoder(9, cell, embedding_size=4, weight_dropout=rate, seed=7, **options)
    model = keras_seq.LanguageModel(decoder)
    model.build()
    return model


def kernels(model):
    return [weight for weight in model.trainable_weights if weight.name == "recurrent_kernel"]


def test_equals_the_layer_with_these_entries_at_zero(monkeypatch, numpy):
    model = make()
    kernel = kernels(model)[0]
    whole = numpy(kernel)
    plain = numpy(model(IDS)[0])
    monkeypatch.setattr(keras.random, "dropout", lambda x, rate, seed=None: x * ops.cast(MASK, x.dtype))
    dropped = numpy(model(IDS, training=True)[0])
    np.testing.assert_array_equal(numpy(kernel), whole)
    np.testing.assert_allclose(numpy(model(IDS)[0]), plain, atol=1e-6)
    kernel.assign(whole * MASK)
    np.testing.assert_allclose(numpy(model(IDS)[0]), dropped, atol=1e-6)
    assert not np.allclose(dropped, plain, atol=1e-3)


def test_each_batch_has_its_own_mask_and_its_rows_share_it(numpy):
    model = make()
    same = np.repeat(IDS[:1], 3, axis=0)
    one, two = (numpy(model(same, training=True)[0]) for _ in range(2))
    np.testing.assert_allclose(one[0], one[2], atol=1e-6)
    assert not np.allclose(one, two, atol=1e-4)


def test_other_random_generators_go_on(numpy):
    """Masks that the cell draws within the block are new in each batch, and only the first kernel's block is meant."""
    cell = keras_seq.VariationalDropoutCell(keras_seq.GRUCell(5), input_dropout=0.5, seed=3)
    layer = keras_seq.Recurrent(cell, return_sequences=True)
    x = np.ones((2, 3, 4), "float32")
    layer.build(x.shape)
    generator = keras.random.SeedGenerator(1)
    found = []
    for _ in range(2):
        with dropped_weights(layer, 1e-9, generator):
            found.append(numpy(layer(x, training=True)))
    assert not np.allclose(found[0], found[1], atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="TruncatedBPTT.fit needs TensorFlow or PyTorch")
def test_trains_in_a_graph():
    model = keras_seq.TruncatedBPTT(make(rate=0.3))
    model.compile(keras.optimizers.Adam(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    text = np.tile(np.arange(1, 5), 26)
    inputs, targets = text[:-1][:100].reshape(4, 25), text[1:][:100].reshape(4, 25)
    history = model.fit(np.tile(inputs, (20, 1)), np.tile(targets, (20, 1)), batch_size=4, epochs=4, verbose=0)
    assert history.history["loss"][-1] < 0.5 < history.history["loss"][0]


def test_rates_and_config():
    assert make(rate=0.4).decoder.get_config()["weight_dropout"] == 0.4
    with pytest.raises(ValueError, match="weight_dropout"):
        make(rate=1.0)
    with dropped_weights(keras_seq.Recurrent(keras_seq.GRUCell(2)), 0.0, None):
        pass

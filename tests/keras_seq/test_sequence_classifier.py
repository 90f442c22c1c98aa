import keras
import numpy as np
import pytest

import keras_seq

IDS = np.array([[5, 8, 2, 0, 0], [7, 0, 0, 0, 0], [3, 4, 5, 6, 7], [0, 0, 0, 0, 0]])


def encoder():
    return keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(3), return_sequences=True))


def make(**options):
    options = {"encoder": encoder(), "pooling": keras_seq.MaxPooling(), "embedding_size": 4} | options
    return keras_seq.SequenceClassifier(10, options.pop("classes", 3), **options)


@pytest.mark.parametrize("with_encoder", [True, False])
def test_padding_does_not_change_the_logits(with_encoder, numpy):
    model = make(encoder=encoder() if with_encoder else None)
    logits = numpy(model(IDS))
    assert logits.shape == (4, 3)
    for row, length in enumerate((3, 1, 5)):
        np.testing.assert_allclose(logits[row], numpy(model(IDS[row : row + 1, :length]))[0], atol=1e-6)
    assert np.all(np.isfinite(logits))


def test_classify_after_embed_is_the_call(numpy):
    model = make()
    np.testing.assert_allclose(numpy(model.classify(model.embed(IDS), IDS != 0)), numpy(model(IDS)), atol=1e-6)


def test_word_dropout_drops_whole_words(numpy):
    model = make(word_dropout=0.5, embedding_size=16)
    model(IDS)
    ids = np.full((8, 50), 3)
    dropped = numpy(model.embed(ids, training=True))
    zero = np.all(dropped == 0, axis=-1)
    assert 0.3 < zero.mean() < 0.7
    vector = numpy(model.embed(ids))[0, 0]
    np.testing.assert_allclose(dropped[~zero], np.broadcast_to(vector * 2, dropped[~zero].shape), rtol=1e-5)


def test_dropouts_act_in_training_only(numpy):
    model = make(word_dropout=0.3, embedding_dropout=0.3, output_dropout=0.3)
    plain = numpy(model(IDS))
    np.testing.assert_array_equal(numpy(model(IDS, training=False)), plain)
    assert not np.allclose(numpy(model(IDS, training=True)), plain)


def test_learns_which_word_decides():
    """A sequence's class is the one marked word among noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 256)
    ids = rng.integers(4, 30, (256, 12))
    ids[np.arange(256), rng.integers(0, 12, 256)] = 2 + labels
    keras.utils.set_random_seed(0)
    model = keras_seq.SequenceClassifier(30, 2, embedding_size=8, encoder=encoder(), pooling=keras_seq.MaxPooling())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # JAX compiles a step once; without XLA it would compile its scan at every call.
    jit_compile = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"], jit_compile=jit_compile)
    model.fit(ids, labels, epochs=8, batch_size=32, verbose=0)
    assert model.evaluate(ids, labels, verbose=0)[1] > 0.95


def test_encoder_to_one_vector_needs_no_pooling(numpy):
    for encoder in (
        keras_seq.Sliced(keras_seq.GRUCell(3), slices=2, levels=1),
        keras_seq.Recurrent(keras_seq.GRUCell(3)),
    ):
        model = make(encoder=encoder, pooling=None)
        logits = numpy(model(IDS))
        vectors = encoder(model.embed(IDS), mask=IDS != 0)
        np.testing.assert_allclose(logits, numpy(model.head(vectors)), atol=1e-6)


def test_half_precision_gives_float32_logits(numpy):
    model = make(dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model(IDS).dtype) == "float32"


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        make(classes=1)

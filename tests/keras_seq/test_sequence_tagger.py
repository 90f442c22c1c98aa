import keras
import numpy as np
import pytest

import keras_seq

IDS = np.array([[5, 8, 2, 0, 0], [7, 0, 0, 0, 0], [3, 4, 5, 6, 7]])


def encoder(**options):
    return keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(3), return_sequences=True, **options))


def forward(**options):
    return keras_seq.Recurrent(keras_seq.GRUCell(3), return_sequences=True, return_state=True, **options)


def make(**options):
    return keras_seq.SequenceTagger(10, 4, **({"encoder": encoder(), "embedding_size": 4} | options))


@pytest.mark.parametrize("with_encoder", [True, False])
def test_padding_does_not_change_the_logits(with_encoder, numpy):
    model = make(encoder=encoder() if with_encoder else None)
    logits = numpy(model(IDS))
    assert logits.shape == (3, 5, 4)
    for row, length in enumerate((3, 1, 5)):
        alone = numpy(model(IDS[row : row + 1, :length]))[0]
        np.testing.assert_allclose(logits[row, :length], alone, atol=1e-6)


def test_is_the_head_over_the_encoder(numpy):
    model = make()
    features = model.encoder(model.embed(IDS), mask=IDS != 0)
    np.testing.assert_allclose(numpy(model(IDS)), numpy(model.head(features)), atol=1e-6)


def test_loss_and_accuracy_leave_padding_out(numpy):
    model = make()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"], jit_compile=keras.backend.backend() == "jax")
    tags = np.array([[1, 2, 3, 0, 0], [1, 0, 0, 0, 0], [0, 1, 2, 3, 0]])
    measured = model.evaluate(IDS, tags, verbose=0)
    other = tags.copy()
    other[IDS == 0] = 3
    np.testing.assert_allclose(model.evaluate(IDS, other, verbose=0), measured, rtol=1e-6)
    logits = numpy(model(IDS))[IDS != 0]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    expected = -logs[np.arange(9), tags[IDS != 0]].mean()
    np.testing.assert_allclose(measured, [expected, (logits.argmax(-1) == tags[IDS != 0]).mean()], rtol=1e-5)


def test_state_goes_in_and_comes_out_for_any_batch(numpy):
    model = make(encoder=forward())
    ids = np.random.default_rng(0).integers(1, 10, (3, 8))
    whole, (end,) = numpy(model(ids))
    first, state = model(ids[:, :3])
    second, (last,) = numpy(model(ids[:, 3:], initial_state=state))
    np.testing.assert_allclose(np.concatenate([numpy(first), second], axis=1), whole, atol=1e-6)
    np.testing.assert_allclose(last, end, atol=1e-6)
    one, _ = numpy(model(ids[:1, 3:], initial_state=[state[0][:1]]))
    np.testing.assert_allclose(one, second[:1], atol=1e-6)


def test_reset_starts_documents_anew(numpy):
    model = make(encoder=forward())
    ids = np.random.default_rng(1).integers(1, 10, (2, 6))
    reset = np.array([[0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1]], bool)
    logits, _ = numpy(model(ids, reset=reset))
    np.testing.assert_allclose(logits[0, 2:], numpy(model(ids[:1, 2:])[0])[0], atol=1e-6)
    np.testing.assert_allclose(logits[1, 5:], numpy(model(ids[1:, 5:])[0])[0], atol=1e-6)


def test_dropouts_act_in_training_only(numpy):
    model = make(word_dropout=0.3, embedding_dropout=0.3, output_dropout=0.3)
    plain = numpy(model(IDS))
    np.testing.assert_array_equal(numpy(model(IDS, training=False)), plain)
    assert not np.allclose(numpy(model(IDS, training=True)), plain)


def test_learns_to_look_both_ways():
    """The tag of a step is whether the step before or the one after is a 1, which no single direction can know."""
    ids = np.random.default_rng(0).integers(1, 4, (128, 8))
    tags = np.zeros_like(ids)
    tags[:, 1:] |= ids[:, :-1] == 1
    tags[:, :-1] |= ids[:, 1:] == 1
    keras.utils.set_random_seed(0)
    both = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(16), return_sequences=True))
    model = keras_seq.SequenceTagger(4, 2, embedding_size=8, encoder=both)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    jit_compile = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"], jit_compile=jit_compile)
    model.fit(ids, tags, epochs=10, batch_size=32, verbose=0)
    assert model.evaluate(ids, tags, verbose=0)[1] > 0.95


def test_half_precision_gives_float32_logits():
    model = make(dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model(IDS).dtype) == "float32"


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        keras_seq.SequenceTagger(10, 1)
    with pytest.raises(ValueError, match="return_sequences=True"):
        make(encoder=keras_seq.Recurrent(keras_seq.GRUCell(3)))(IDS)

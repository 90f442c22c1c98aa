"""Language models: windows with the state carried = the whole text; stepping = reading; rows that begin anew."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.decoding import decode

IDS = np.random.default_rng(3).integers(1, 11, (3, 12))


def make(cell=keras_seq.LSTMCell, **options):
    decoder = keras_seq.RecurrentDecoder(11, [cell(5), cell(6)], embedding_size=4, **options)
    model = keras_seq.LanguageModel(decoder)
    model.build()
    for weight in model.weights:
        weight.assign(np.random.default_rng(weight.shape[0]).normal(size=weight.shape) * 0.5)
    return model


@pytest.mark.parametrize("cell", [keras_seq.LSTMCell, keras_seq.GRUCell, keras_seq.SLSTMCell])
def test_windows_that_go_on_equal_the_whole_text(cell, numpy):
    model = make(cell)
    whole, final = model(IDS)
    state, parts = None, []
    for window in (IDS[:, :5], IDS[:, 5:6], IDS[:, 6:]):
        logits, state = model(window, initial_state=state)
        parts.append(numpy(logits))
    np.testing.assert_allclose(np.concatenate(parts, 1), numpy(whole), atol=1e-5)
    for got, expected in zip(keras.tree.flatten(state), keras.tree.flatten(final), strict=True):
        np.testing.assert_allclose(numpy(got), numpy(expected), atol=1e-5)
    assert not np.allclose(numpy(model(IDS[:, 6:])[0]), parts[2], atol=1e-3)


def test_equals_the_decoder_alone(numpy):
    model = make()
    np.testing.assert_allclose(numpy(model(IDS)[0]), numpy(model.decoder(IDS)), atol=1e-6)


def test_steps_after_reading_equal_reading_on(numpy):
    model = make()
    whole = numpy(model(IDS)[0])
    _, state = model(IDS[:, :7])
    state = model.stepping_state(state, 3)
    for time in range(7, 12):
        logits, state, _ = model.decoder.step(ops.convert_to_tensor(IDS[:, time]), state)
        np.testing.assert_allclose(numpy(logits), whole[:, time], atol=1e-5)


def test_masked_prompts_of_different_lengths_are_read_as_by_themselves(numpy):
    model = make()
    lengths = [12, 4, 7]
    mask = np.arange(12) < np.array(lengths)[:, None]
    _, state = model(IDS, mask=mask)
    for row, length in enumerate(lengths):
        _, alone = model(IDS[row : row + 1, :length])
        for got, expected in zip(keras.tree.flatten(state), keras.tree.flatten(alone), strict=True):
            np.testing.assert_allclose(numpy(got)[row], numpy(expected)[0], atol=1e-5)


def test_a_reset_forgets_what_was_before(numpy):
    model = make()
    reset = np.zeros((3, 12), bool)
    reset[1, 5] = True
    logits = numpy(model(IDS, reset=reset)[0])
    whole = numpy(model(IDS)[0])
    np.testing.assert_allclose(logits[[0, 2]], whole[[0, 2]], atol=1e-6)
    np.testing.assert_allclose(logits[1, 5:], numpy(model(IDS[1:2, 5:])[0])[0], atol=1e-5)
    assert not np.allclose(logits[1, 5:], whole[1, 5:], atol=1e-3)


def test_generation_goes_on_from_the_prompt(numpy):
    """Greedy decoding after a prompt = the most probable token after reading all that was written so far."""
    model = make()
    _, state = model(IDS[:, :-1])
    start = ops.convert_to_tensor(IDS[:, -1].astype("int32"))
    decoded = decode(model.stepper(), model.stepping_state(state, 3), start, None, 4)
    text = IDS
    for time in range(4):
        best = numpy(model(text)[0])[:, -1].argmax(-1)
        np.testing.assert_array_equal(numpy(decoded.ids)[:, 0, time], best)
        text = np.concatenate([text, best[:, None]], axis=1)


def test_a_transformer_has_no_state(numpy):
    model = keras_seq.LanguageModel(keras_seq.TransformerDecoder(11, size=8, layers=1, heads=2))
    logits, state = model(IDS)
    assert state == [] == model.get_initial_state(3)
    np.testing.assert_allclose(numpy(logits), numpy(model.decoder(IDS)), atol=1e-6)
    with pytest.raises(ValueError, match="begin anew"):
        model(IDS, reset=np.zeros((3, 12), bool))
    with pytest.raises(ValueError, match="goes on"):
        model.stepping_state([], 3)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="TruncatedBPTT.fit needs TensorFlow or PyTorch")
def test_learns_a_text_in_windows():
    """The next character of 'abcdabcd...' is certain, whatever the window."""
    model = keras_seq.TruncatedBPTT(
        keras_seq.LanguageModel(keras_seq.RecurrentDecoder(6, keras_seq.GRUCell(12), embedding_size=6, dropout=0.1))
    )
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    text = np.tile(np.arange(1, 5), 60)
    inputs, targets = text[:-1][: 4 * 50].reshape(4, 50), text[1:][: 4 * 50].reshape(4, 50)
    windows = np.concatenate(np.split(inputs, 10, axis=1)), np.concatenate(np.split(targets, 10, axis=1))
    history = model.fit(*windows, batch_size=4, epochs=25, verbose=0)
    assert history.history["loss"][-1] < 0.1


def test_what_is_no_decoder_is_refused():
    with pytest.raises(ValueError, match="must be a `Decoder`"):
        keras_seq.LanguageModel(keras_seq.LSTMCell(3))

"""The cache of a language model: its equation by loops in NumPy; windows, steps, masks and resets are one reading."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.decoding import decode

RANDOM = np.random.default_rng(5)
IDS = RANDOM.integers(1, 5, (3, 14))
SETTINGS = {"share": 0.4, "sharpness": 6.0, "closeness": 0.3}


def make(size=6, cell=keras_seq.LSTMCell, **settings):
    decoder = keras_seq.RecurrentDecoder(7, [cell(5), cell(6)], embedding_size=4)
    model = keras_seq.CachedLanguageModel(
        keras_seq.LanguageModel(decoder), keras_seq.ContinuousCache(size, **{**SETTINGS, **settings})
    )
    model.build()
    for weight in model.weights:
        weight.assign(np.random.default_rng(weight.shape[0]).normal(size=weight.shape))
    return model


def by_hand(model, ids, numpy):
    """The log-probabilities [time, vocabulary] of one text, token by token, from the model without its cache."""
    plain = keras_seq.LanguageModel(model.decoder)
    states, _ = plain.features(ids[None])
    logits = numpy(model.decoder.score(states))[0].astype("float64")
    states = numpy(states)[0].astype("float64")
    states /= np.linalg.norm(states, axis=-1, keepdims=True)
    cache, result = model.cache, []
    for now, scores in enumerate(logits):
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        found, total = np.zeros(len(scores)), np.exp(cache.sharpness * cache.closeness)
        for i in range(max(1, now + 1 - cache.size), now + 1):
            weight = np.exp(cache.sharpness * states[now] @ states[i - 1])
            found[ids[i]] += weight
            total += weight
        share = cache.share * found.sum() / total
        result.append((1 - share) * probabilities + cache.share * found / total)
    return np.log(result)


@pytest.mark.parametrize("size", [1, 6, 50])
def test_equals_the_equation(size, numpy):
    model = make(size)
    scores = numpy(model(IDS)[0])
    for row, ids in enumerate(IDS):
        np.testing.assert_allclose(scores[row], by_hand(model, ids, numpy), atol=1e-5)
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("size", [1, 6, 50])
@pytest.mark.parametrize("cell", [keras_seq.LSTMCell, keras_seq.GRUCell])
def test_windows_and_steps_equal_the_whole_text(size, cell, numpy):
    """Windows shorter and longer than the cache; then one token at a time."""
    model = make(size, cell)
    whole, state, parts = numpy(model(IDS)[0]), None, []
    for window in (IDS[:, :2], IDS[:, 2:3], IDS[:, 3:11]):
        scores, state = model(window, initial_state=state)
        parts.append(numpy(scores))
    stepping, step = model.stepping_state(state, 3), model.stepper()
    for time in range(11, 13):
        scores, stepping, _ = step(ops.convert_to_tensor(IDS[:, time].astype("int32")), stepping)
        parts.append(numpy(scores)[:, None])
    scores, _ = model(IDS[:, 13:], initial_state=model.state_of(stepping))
    np.testing.assert_allclose(np.concatenate([*parts, numpy(scores)], axis=1), whole, atol=1e-5)


def test_masked_steps_are_not_there(numpy):
    """Wherever they stand: what is read afterwards is the same as without them."""
    model = make()
    mask = np.ones((3, 9), bool)
    mask[0, 6:], mask[1, [0, 3, 8]], mask[2] = False, False, False
    _, state = model(IDS[:, :9], mask=mask)
    after = numpy(model(IDS[:, 9:], initial_state=state)[0])
    for row in range(3):
        kept = np.concatenate([IDS[row, :9][mask[row]], IDS[row, 9:]])[None]
        np.testing.assert_allclose(after[row], numpy(model(kept)[0])[0, -5:], atol=1e-5)


def test_a_reset_forgets_the_cache_too(numpy):
    model = make()
    reset = np.zeros((3, 14), bool)
    reset[1, 5], reset[2, 0], reset[2, [3, 10]] = True, True, True
    scores = numpy(model(IDS, reset=reset)[0])
    whole = numpy(model(IDS)[0])
    np.testing.assert_allclose(scores[0], whole[0], atol=1e-6)
    np.testing.assert_allclose(scores[1, :5], whole[1, :5], atol=1e-6)
    np.testing.assert_allclose(scores[1, 5:], numpy(model(IDS[1:2, 5:])[0])[0], atol=1e-5)
    np.testing.assert_allclose(scores[2, 3:10], numpy(model(IDS[2:, 3:10])[0])[0], atol=1e-5)
    # The document that a window ends in goes on in the next one.
    _, state = model(IDS[:, :12], reset=reset[:, :12])
    np.testing.assert_allclose(numpy(model(IDS[:, 12:], initial_state=state)[0]), scores[:, 12:], atol=1e-5)
    assert not np.allclose(scores[1, 5:], whole[1, 5:], atol=1e-3)


def test_a_token_that_has_been_there_is_more_probable(numpy):
    """In a text of one word, over and over, the cache adds to what follows; far from its past, nothing."""
    model = make(50, share=0.9, sharpness=60.0, closeness=0.9)
    text = np.tile([1, 2, 3, 4], 4)[None]
    scores, plain, _ = model.both(text)
    chosen = [numpy(one)[0, np.arange(8, 15), text[0, 9:]] for one in (scores, ops.log_softmax(plain))]
    assert (chosen[0] > chosen[1]).all()
    far = make(50, closeness=1.0, sharpness=5000.0)
    scores, plain, _ = far.both(IDS)
    np.testing.assert_allclose(numpy(scores)[:, :3], numpy(ops.log_softmax(plain))[:, :3], atol=1e-4)


def test_writes_on_from_a_prompt(numpy):
    """Greedy decoding = the most probable token after reading all that was written so far."""
    model = make(share=0.8)
    _, state = model(IDS[:, :-1])
    start = ops.convert_to_tensor(IDS[:, -1].astype("int32"))
    decoded = decode(model.stepper(), model.stepping_state(state, 3), start, None, 4)
    text = IDS
    for time in range(4):
        best = numpy(model(text)[0])[:, -1].argmax(-1)
        np.testing.assert_array_equal(numpy(decoded.ids)[:, 0, time], best)
        text = np.concatenate([text, best[:, None]], axis=1)


def test_does_not_look_in_training(numpy):
    model = make()
    np.testing.assert_allclose(numpy(model(IDS, training=True)[0]), numpy(model.decoder(IDS)), atol=1e-6)


def test_saves_with_its_weights(tmp_path, numpy):
    model = make()
    model(IDS)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again(IDS)[0]), numpy(model(IDS)[0]), atol=1e-6)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="`share`"):
        keras_seq.ContinuousCache(10, share=1.0)
    transformer = keras_seq.LanguageModel(keras_seq.TransformerDecoder(11, size=8, layers=1, heads=2))
    with pytest.raises(ValueError, match="over a `RecurrentDecoder`"):
        keras_seq.CachedLanguageModel(transformer, keras_seq.ContinuousCache(10))

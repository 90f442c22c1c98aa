"""Whole models from a sequence to a sequence."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.attention import key_value_cache
from keras_seq.decoding import BeamSearch, Greedy, Sampling
from keras_seq.models import Memory

SOURCE = np.array([[4, 5, 6, 0], [7, 8, 0, 0], [6, 4, 9, 5]], "int32")
TARGETS = np.array([[2, 5, 6, 7, 0], [2, 8, 9, 0, 0], [2, 4, 5, 6, 7]], "int32")
WORDS = 10


def recurrent(cell=keras_seq.GRUCell, units=3, **options):
    return keras_seq.Recurrent(cell(units), **options)


def stack():
    return keras_seq.Stacked([keras_seq.Bidirectional(recurrent()), recurrent(keras_seq.LSTMCell)])


ENCODERS = {
    "none": lambda: None,
    "cell": lambda: keras_seq.LSTMCell(3),
    "recurrent": recurrent,
    "bidirectional": lambda: keras_seq.Bidirectional(recurrent(keras_seq.LSTMCell)),
    "stacked": stack,
    "sliced": lambda: keras_seq.Sliced(recurrent(), slices=2, levels=1),
    "transformer": lambda: keras_seq.TransformerEncoder(1, heads=2),
    "pooled": lambda: keras_seq.Sliced(recurrent(), slices=2, levels=0),
}
DECODERS = {
    "context": lambda: keras_seq.RecurrentDecoder(WORDS, keras_seq.GRUCell(4), 6, use="both"),
    "attention": lambda: keras_seq.RecurrentDecoder(
        WORDS, [keras_seq.GRUCell(4), keras_seq.LSTMCell(5)], 6, attention=keras_seq.AdditiveAttention(3)
    ),
    "transformer": lambda: keras_seq.TransformerDecoder(WORDS, 6, layers=1, heads=2),
}


def model_of(encoder, decoder, **options):
    model = keras_seq.EncoderDecoder(WORDS, ENCODERS[encoder](), DECODERS[decoder](), **options)
    model.build()
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) if w.dtype == "float32" else w for w in model.get_weights()])
    return model


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_any_encoder_with_any_decoder(encoder, decoder, numpy):
    model = model_of(encoder, decoder)
    logits = numpy(model((SOURCE, TARGETS)))
    assert logits.shape == (3, 5, WORDS)
    # A row gives the same numbers without its padding and by itself.
    alone = numpy(model((SOURCE[1:2, :2], TARGETS[1:2, :3])))
    np.testing.assert_allclose(alone[0], logits[1, :3], atol=2e-5)
    # The decoder sees the source.
    assert np.abs(numpy(model((SOURCE[::-1].copy(), TARGETS))) - logits)[0].max() > 1e-4


@pytest.mark.parametrize("decoder", DECODERS)
def test_greedy_decoding_equals_teacher_forcing_on_its_own_output(decoder, numpy):
    model = model_of("bidirectional", decoder)
    decoded = numpy(model.decode(SOURCE, max_length=6))
    ids, lengths = decoded.ids[:, 0], decoded.lengths[:, 0]
    inputs = np.concatenate([np.full((3, 1), 2), ids[:, :-1]], axis=1).astype("int32")
    logits = numpy(model((SOURCE, inputs)))
    scores = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(logits[row, :length].argmax(axis=-1), ids[row, :length])
        total = scores[row, np.arange(length), ids[row, :length]].sum()
        np.testing.assert_allclose(decoded.log_probabilities[row, 0], total, atol=1e-4)


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_decoding_function_is_the_same_compiled(decoder, numpy):
    model = model_of("recurrent", decoder)
    eager = numpy(model.decode(SOURCE, BeamSearch(3, sequences=2), max_length=6))
    function = model.decoding_function(BeamSearch(3, sequences=2), max_length=6)
    if keras.backend.backend() == "jax":
        import jax

        with jax.disable_jit(False):
            compiled = numpy(function(SOURCE))
    else:
        compiled = numpy(function(SOURCE))
    np.testing.assert_array_equal(compiled.ids, eager.ids)
    np.testing.assert_allclose(compiled.scores, eager.scores, atol=1e-5)
    if decoder != "context":
        np.testing.assert_allclose(compiled.alignments, eager.alignments, atol=1e-5)
        assert not np.any(eager.alignments[1, :, :, 2:])  # no weight on padding


@pytest.mark.parametrize("strategy", [Greedy(), BeamSearch(3, sequences=2)])
def test_long_outputs_have_a_past(strategy, numpy, monkeypatch):
    """Beams move, and blocks of keys and values join the past: the same sequences as with one block for all steps."""
    model = model_of("recurrent", "transformer")
    whole = numpy(model.decode(SOURCE, strategy, max_length=9))
    monkeypatch.setattr(key_value_cache, "SHORT", 0)
    monkeypatch.setattr(key_value_cache, "BLOCK", 2)
    function = model.decoding_function(strategy, max_length=9)
    for decoded in (numpy(model.decode(SOURCE, strategy, max_length=9)), numpy(function(SOURCE))):
        assert decoded.steps > 6
        np.testing.assert_array_equal(decoded.ids, whole.ids)
        np.testing.assert_allclose(decoded.scores, whole.scores, atol=1e-5)


def test_the_decoding_function_follows_the_weights_and_the_seed(numpy):
    model = model_of("recurrent", "transformer")
    function = model.decoding_function(Sampling(), max_length=6)
    first = numpy(function(SOURCE, 3).ids)
    np.testing.assert_array_equal(numpy(function(SOURCE, 3).ids), first)
    assert np.any(numpy(function(SOURCE, 4).ids) != first)
    greedy = model.decoding_function(Greedy(), max_length=6)
    before = numpy(greedy(SOURCE).log_probabilities)
    model.set_weights([w + 0.3 if w.dtype == "float32" else w for w in model.get_weights()])
    after = numpy(greedy(SOURCE).log_probabilities)
    np.testing.assert_allclose(after, numpy(model.decode(SOURCE, max_length=6).log_probabilities), atol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_encode(numpy):
    model = model_of("stacked", "attention")
    memory, mask = model.encode(SOURCE)
    assert isinstance(memory, Memory)
    np.testing.assert_array_equal(numpy(mask), SOURCE != 0)
    outputs, last, states = model.encoder.run(model.embedding(SOURCE), mask=SOURCE != 0)
    for ours, theirs in zip(keras.tree.flatten(memory), [outputs, last, *states], strict=True):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs))


@pytest.mark.parametrize("decoder", DECODERS)
def test_keras_file(decoder, numpy, tmp_path):
    sampling = keras_seq.ScheduledSampling("constant", k=0.5)
    model = model_of("bidirectional", decoder, dropout=0.1, scheduled_sampling=sampling)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.scheduled_sampling.get_config() == sampling.get_config()
    np.testing.assert_array_equal(numpy(loaded((SOURCE, TARGETS))), numpy(model((SOURCE, TARGETS))))


def test_one_embedding_for_both_sides(numpy):
    model = model_of("transformer", "transformer", shared_embedding=True)
    assert [w.path for w in model.weights if "embedding" in w.path] == [model.decoder.embedding.embeddings.path]
    assert numpy(model((SOURCE, TARGETS))).shape == (3, 5, WORDS)


def test_the_mask_reaches_loss_and_metrics():
    model = model_of("recurrent", "context")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"], jit_compile=keras.backend.backend() == "jax")
    labels = np.where(TARGETS, 3, 0)
    given = model.evaluate((SOURCE, TARGETS), labels, verbose=0)
    padded = np.pad(TARGETS, ((0, 0), (0, 4)))
    longer = model.evaluate((SOURCE, padded), np.pad(labels, ((0, 0), (0, 4))), verbose=0)
    np.testing.assert_allclose(longer, given, rtol=1e-5)


@pytest.mark.parametrize("decoder", ["attention", "transformer"])
def test_learns_to_reverse(decoder, numpy):
    """Sequences of up to four digits; the attention finds the way back."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 5, 1000)
    places = np.arange(5)[None]
    source = np.where(places < lengths[:, None], rng.integers(4, WORDS, (1000, 5)), 0)
    back = np.take_along_axis(source, (lengths[:, None] - 1 - places) % 5, axis=1)
    targets = np.where(places < lengths[:, None], back, np.where(places == lengths[:, None], 3, 0))
    inputs = np.concatenate([np.full((1000, 1), 2), np.where(targets == 3, 0, targets)[:, :-1]], axis=1)
    if decoder == "attention":
        encoder = keras_seq.Bidirectional(recurrent(units=24))
        attention = keras_seq.AdditiveAttention(24)
        parts = encoder, keras_seq.RecurrentDecoder(WORDS, keras_seq.GRUCell(32), attention=attention)
    else:
        parts = keras_seq.TransformerEncoder(1, 2), keras_seq.TransformerDecoder(WORDS, 32, layers=1, heads=2)
    model = keras_seq.EncoderDecoder(WORDS, *parts)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss, jit_compile=keras.backend.backend() == "jax")
    model.fit((source[:900], inputs[:900]), targets[:900], epochs=12, batch_size=45, verbose=0)
    decoded = numpy(model.decode(source[900:], BeamSearch(2), max_length=5))
    assert (decoded.ids[:, 0] == targets[900:]).all(axis=1).mean() > 0.9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras_seq.EncoderDecoder(9, None, keras_seq.GRUCell(3)), "`decoder` must be a `Decoder`"),
        (lambda: keras_seq.EncoderDecoder(9, "gru", DECODERS["context"]()), "`encoder` must be a cell or a layer"),
        (
            lambda: keras_seq.EncoderDecoder(9, None, DECODERS["context"](), shared_embedding=True),
            "needs one vocabulary",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_sources_of_any_length_are_traced_once():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow alone traces")
    model = model_of("recurrent", "attention")
    count = []
    encode = model.encode
    model.encode = lambda source: count.append(1) or encode(source)
    function = model.decoding_function(max_length=3)
    for length in (2, 3, 4):
        function(SOURCE[:length, :length])
    assert len(count) <= 2
    assert ops.shape(function(SOURCE).ids) == (3, 1, 3)

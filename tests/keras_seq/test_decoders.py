"""The contract of a decoder, for all of them: stepping through the targets gives the scores of teacher forcing."""

import functools

import keras
import numpy as np
import numpy_cells
import pytest
from cases import CELLS
from keras import ops

import keras_seq
from keras_seq.models import Memory

RNG = np.random.default_rng(5)
VOCABULARY, SIZE = 11, 6
TARGETS = np.array([[2, 5, 6, 7, 0], [2, 8, 9, 4, 5]], "int32")
MASK = np.array([[1, 1, 1, 0], [0, 1, 0, 1]], bool)
OUTPUTS = RNG.normal(size=(2, 4, 3)).astype("float32")
MEMORIES = {
    "none": None,
    "steps": OUTPUTS,
    "gru": Memory(OUTPUTS, OUTPUTS[:, 2], [OUTPUTS[:, 2]]),
    "lstm": Memory(OUTPUTS, OUTPUTS[:, 2], [OUTPUTS[:, 2], OUTPUTS[:, 1]]),
}
CELL = {"gru": keras_seq.GRUCell, "lstm": keras_seq.LSTMCell}


def recurrent(*kinds, units=SIZE, **options):
    return lambda: keras_seq.RecurrentDecoder(VOCABULARY, [CELL[kind](units) for kind in kinds], **options)


def transformer(**options):
    return lambda: keras_seq.TransformerDecoder(VOCABULARY, SIZE, heads=3, **options)


def attending(attention):
    return lambda: keras_seq.RecurrentDecoder(VOCABULARY, keras_seq.GRUCell(SIZE), attention=attention())


DECODERS = {
    "last_start": (recurrent("lstm"), "lstm"),
    "last_start_copied": (recurrent("lstm", units=3), "lstm"),
    "last_start_of_steps": (recurrent("gru"), "steps"),
    "last_every_step": (recurrent("lstm", use="every_step"), "lstm"),
    "last_both": (recurrent("gru", "lstm", use="both"), "lstm"),
    "dense_start": (recurrent("gru", context="dense"), "lstm"),
    "dense_every_step": (recurrent("gru", context="dense", use="every_step", context_size=2), "steps"),
    "dense_both": (recurrent("lstm", "gru", context="dense", use="both", dropout=0.5), "gru"),
    "pooled_start": (recurrent("lstm", context="pooled", tied_embeddings=True), "gru"),
    "pooled_every_step": (recurrent("gru", context="pooled", use="every_step", embedding_size=2), "steps"),
    "pooled_both": (recurrent("gru", context="pooled", use="both", pooling=keras_seq.AttentivePooling(2)), "gru"),
    "attention_alone": (recurrent("gru", use="attention"), "gru"),
    "attention_top": (recurrent("gru", "lstm", attention=keras_seq.AdditiveAttention(3)), "gru"),
    "attention_bottom": (
        recurrent("lstm", "gru", attention=keras_seq.AdditiveAttention(3), attention_layer="bottom", use="both"),
        "lstm",
    ),
    "attention_before": (
        lambda: keras_seq.RecurrentDecoder(
            VOCABULARY,
            keras_seq.AttentionCell(keras_seq.GRUCell(SIZE), keras_seq.AdditiveAttention(3), attention_before=True),
            context="dense",
        ),
        "gru",
    ),
    "two_attentions": (
        attending(lambda: [keras_seq.AdditiveAttention(3), keras_seq.MultiplicativeAttention("general")]),
        "gru",
    ),
    "coverage": (attending(lambda: keras_seq.CoverageAttention(3)), "gru"),
    "multi_head": (attending(lambda: keras_seq.MultiHeadAttention(2)), "gru"),
    "language_model": (recurrent("lstm", "gru"), "none"),
    "transformer": (transformer(), "steps"),
    "transformer_of_memory": (transformer(), "gru"),
    "transformer_post_norm": (transformer(pre_norm=False, tied_embeddings=False), "steps"),
    "transformer_learned": (transformer(positions="learned", max_length=8), "steps"),
    "transformer_relative": (transformer(positions="relative", max_distance=2), "steps"),
    "transformer_rotary": (transformer(positions="rotary", layers=1, hidden_size=5), "steps"),
    "transformer_language_model": (transformer(dropout=0.3), "none"),
}


def randomise(layer, rng):
    """Other weights than those of a fresh layer: biases too are not zero."""
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) if w.dtype == "float32" else w for w in layer.get_weights()])


@functools.cache
def built(name):
    make, memory = DECODERS[name]
    decoder, memory = make(), MEMORIES[memory]
    decoder(TARGETS, memory)
    randomise(decoder, np.random.default_rng(0))
    return decoder, memory


def stepped(decoder, memory, mask, targets=TARGETS):
    """The logits of all steps, and the last alignment."""
    state, logits, step = decoder.start(memory, mask, batch_size=len(targets), max_length=7), [], decoder.stepper()
    for t in range(targets.shape[1]):
        scores, new, alignment = step(ops.convert_to_tensor(targets[:, t]), state)
        keras.tree.assert_same_structure(state, new)
        for old, now in zip(keras.tree.flatten(state), keras.tree.flatten(new), strict=True):
            assert old is None or (tuple(old.shape) == tuple(now.shape) and old.shape[0] == len(targets))
        logits.append(scores)
        state = new
    return ops.stack(logits, axis=1), alignment


@pytest.mark.parametrize("name", DECODERS)
def test_stepping_equals_teacher_forcing(name, numpy):
    decoder, memory = built(name)
    for mask in [None] if memory is None else [None, MASK]:
        whole = numpy(decoder(TARGETS, memory, memory_mask=mask))
        assert whole.shape == (2, 5, VOCABULARY)
        logits, alignment = stepped(decoder, memory, mask)
        np.testing.assert_allclose(numpy(logits), whole, atol=2e-5)
        if alignment is not None:
            alignment = numpy(alignment)
            np.testing.assert_allclose(alignment.sum(axis=1), 1, atol=1e-5)
            assert mask is None or not np.any(alignment[~mask])


@pytest.mark.parametrize("name", [name for name in DECODERS if name.startswith("transformer")])
def test_a_prompt_read_at_once_equals_one_that_is_stepped(name, numpy):
    decoder, memory = built(name)
    for mask in [None] if memory is None else [None, MASK]:
        whole = numpy(decoder(TARGETS, memory, memory_mask=mask))
        for lengths in ([3, 1], [0, 4]):
            state = decoder.start(memory, mask, batch_size=2, max_length=7)
            after = decoder.prefill(ops.convert_to_tensor(TARGETS), state, ops.convert_to_tensor(lengths, "int32"))
            keras.tree.assert_same_structure(state, after)
            logits, _, _ = decoder.step(ops.convert_to_tensor(TARGETS[[0, 1], lengths]), after)
            np.testing.assert_allclose(numpy(logits), whole[[0, 1], lengths], atol=2e-5)


@pytest.mark.parametrize("name", DECODERS)
def test_no_step_depends_on_later_ones(name, numpy):
    decoder, memory = built(name)
    whole = numpy(decoder(TARGETS, memory))
    np.testing.assert_allclose(numpy(decoder(TARGETS[:, :3], memory)), whole[:, :3], atol=2e-5)
    changed = np.where(np.arange(5) == 2, 3, TARGETS)
    assert np.abs(numpy(decoder(changed, memory)) - whole)[:, 2:].max() > 1e-3


@pytest.mark.parametrize("name", [name for name, (_, memory) in DECODERS.items() if memory != "none"])
def test_padding_of_the_memory_changes_nothing(name, numpy):
    decoder, memory = built(name)

    def padded(steps):
        return np.concatenate([steps, np.full_like(steps[:, :2], 7)], axis=1)

    longer = Memory(padded(memory[0]), *memory[1:]) if isinstance(memory, tuple) else padded(memory)
    mask = np.array([[1, 1, 1, 1, 0, 0]] * 2, bool)
    np.testing.assert_allclose(
        numpy(decoder(TARGETS, longer, memory_mask=mask)), numpy(decoder(TARGETS, memory)), atol=2e-5
    )


@pytest.mark.parametrize("name", DECODERS)
def test_config_and_weights_come_back(name, numpy):
    decoder, memory = built(name)
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder))
    other(TARGETS, memory)
    other.set_weights(decoder.get_weights())
    assert other.get_config() == decoder.get_config()
    np.testing.assert_array_equal(numpy(other(TARGETS, memory)), numpy(decoder(TARGETS, memory)))


@pytest.mark.parametrize("name", ["dense_both", "transformer_language_model"])
def test_dropout_while_training_alone(name, numpy):
    decoder, memory = built(name)
    assert np.abs(numpy(decoder(TARGETS, memory, training=True)) - numpy(decoder(TARGETS, memory))).max() > 1e-3
    np.testing.assert_array_equal(numpy(decoder(TARGETS, memory)), numpy(decoder(TARGETS, memory)))


def test_dropout_without_that_of_embeddings_takes_outputs_alone(numpy):
    decoder = recurrent("gru", dropout=0.5, embedding_dropout=0.0, seed=3)()
    decoder(TARGETS)
    whole, dropped = numpy(decoder.features(TARGETS)), numpy(decoder.features(TARGETS, training=True))
    kept = (dropped != 0)[:, :1]  # one mask for all steps
    np.testing.assert_allclose(dropped, np.where(kept, 2 * whole, 0), rtol=1e-5)
    assert 0 < kept.mean() < 1
    decoder = recurrent("gru", embedding_dropout=0.5, seed=3)()
    decoder(TARGETS)
    dropped = numpy(decoder.features(TARGETS, training=True))
    assert (dropped != 0).all()
    assert np.abs(dropped - numpy(decoder.features(TARGETS))).max() > 1e-3


def test_the_equations_with_a_context(numpy):
    """Cho et al. (2014), in NumPy: c = tanh(h_T W + b), s_0 = tanh(c V + d), and c is an input of every step."""
    decoder = keras_seq.RecurrentDecoder(VOCABULARY, keras_seq.LSTMCell(SIZE), 4, context="dense", use="both")
    memory = MEMORIES["gru"]
    decoder(TARGETS, memory)
    randomise(decoder, RNG)
    context = np.tanh(memory.last @ decoder.context.dense.get_weights()[0] + decoder.context.dense.get_weights()[1])
    kernel, bias = decoder.bridge.dense.get_weights()
    states = np.split(np.tanh(context @ kernel + bias), 2, axis=1)
    embedding, (head, head_bias) = decoder.embedding.get_weights()[0], decoder.head.get_weights()
    weights, logits = decoder.cells[0].get_weights(), []
    for t in range(5):
        x = np.concatenate([embedding[TARGETS[:, t]], context], axis=1)
        h, states = numpy_cells.lstm(weights, x, states)
        logits.append(h @ head + head_bias)
    np.testing.assert_allclose(numpy(decoder(TARGETS, memory)), np.stack(logits, axis=1), atol=1e-5)


def test_the_last_state_is_handed_on_as_it_is(numpy):
    decoder = recurrent("lstm", units=3)()
    memory = MEMORIES["lstm"]
    decoder(TARGETS, memory)
    state = decoder.start(memory)
    for ours, theirs in zip(state["layers"][0]["states"], memory.states, strict=True):
        np.testing.assert_array_equal(numpy(ours), theirs)


@pytest.mark.parametrize("name", CELLS)
def test_any_cell_after_any_encoder(name, numpy):
    """States of other sizes are bridged, those that only make sense together are left alone."""
    entry = CELLS[name]
    make = functools.partial(entry.make, 3, **entry.options)
    decoder = keras_seq.RecurrentDecoder(VOCABULARY, make(), use="initial_state" if name != "mlstm" else "every_step")
    memory, other = (Memory(x, x[:, 2], [x[:, 2, :2], x[:, 1]]) for x in (OUTPUTS, -OUTPUTS))
    whole = numpy(decoder(TARGETS, memory))
    np.testing.assert_allclose(numpy(stepped(decoder, memory, None)[0]), whole, atol=1e-5)
    assert np.abs(numpy(decoder(TARGETS, other)) - whole).max() > 1e-4
    # After an encoder of the same cell the states are the encoder's.
    encoder = keras_seq.Recurrent(make())
    encoder.build((None, None, 3))
    memory = Memory(*encoder.run(OUTPUTS))
    decoder = keras_seq.RecurrentDecoder(VOCABULARY, make(), embedding_size=3)
    decoder(TARGETS, memory)
    for ours, theirs in zip(decoder.start(memory)["layers"][0]["states"], memory.states, strict=True):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs))


def test_mask_of_the_targets_reaches_the_loss(numpy):
    decoder, memory = built("transformer")
    logits = decoder(TARGETS, memory)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = numpy(loss(np.full((2, 5), 3), logits))
    scores = numpy(logits)
    scores = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found, -scores[..., 3][TARGETS != 0].mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recurrent("gru", use="always")(), "`use` must be one of"),
        (lambda: recurrent("gru", context="first")(), "`context` must be one of"),
        (lambda: recurrent("gru", attention_layer="middle")(), "`attention_layer` must be one of"),
        (lambda: recurrent("gru", pooling=keras_seq.MaxPooling())(), "`pooling` belongs to"),
        (lambda: recurrent("gru", dropout=1.0)(), r"in \[0, 1\)"),
        (lambda: recurrent("gru", embedding_dropout=-0.1)(), r"embedding_dropout=-0.1"),
        (lambda: keras_seq.RecurrentDecoder(9, "gru"), "`cells` must be a cell"),
        (lambda: keras_seq.RecurrentDecoder(9, keras_seq.MLSTMCell(4))(TARGETS, OUTPUTS), "No state of the decoder's"),
        (
            lambda: recurrent("gru", tied_embeddings=True, embedding_size=2)()(TARGETS),
            "needs outputs of the size of the embeddings",
        ),
        (lambda: built("transformer")[0](TARGETS), "built with a memory"),
        (lambda: built("language_model")[0](TARGETS, OUTPUTS), "built without a memory"),
        (lambda: built("language_model")[0].start(), "needs `batch_size`"),
        (lambda: built("transformer")[0].start(OUTPUTS), "needs `max_length`"),
        (lambda: transformer(positions="absolute")(), "`positions` must be one of"),
        (lambda: transformer(layers=0)(), "`layers` must be a positive integer"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

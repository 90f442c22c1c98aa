"""Scheduled sampling: the schedules, what a decoder is given, and training with it."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq

TARGETS = np.array([[2, 5, 6, 7, 0], [2, 8, 9, 4, 5]], "int32")
MEMORY = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"decay": "constant", "k": 0.3}, lambda i: 0.3),
        ({"decay": "linear", "k": 0.9, "c": 0.01, "epsilon": 0.2}, lambda i: max(0.2, 0.9 - 0.01 * i)),
        ({"decay": "exponential", "k": 0.98}, lambda i: 0.98**i),
        ({"decay": "inverse_sigmoid", "k": 20.0}, lambda i: 20 / (20 + np.exp(i / 20))),
    ],
)
def test_schedules(options, expected, numpy):
    sampling = keras_seq.ScheduledSampling(**options)
    for step in (0, 1, 30, 200, 1500):
        np.testing.assert_allclose(numpy(sampling.probability(step)), expected(step), rtol=1e-5, atol=1e-12)


def recurrent():
    return keras_seq.RecurrentDecoder(
        10, [keras_seq.LSTMCell(4), keras_seq.GRUCell(6)], attention=keras_seq.AdditiveAttention(4)
    )


def transformer():
    return keras_seq.TransformerDecoder(10, 6, heads=2)


def built(make):
    decoder, rng = make(), np.random.default_rng(0)
    decoder(TARGETS, MEMORY)
    decoder.set_weights([rng.normal(size=w.shape) if w.dtype == "float32" else w for w in decoder.get_weights()])
    return decoder


def run(decoder, k, **options):
    return keras_seq.ScheduledSampling("constant", k=k, **options).run(decoder, TARGETS, MEMORY, None, k)


@pytest.mark.parametrize("make", [recurrent, transformer])
def test_true_tokens_alone_are_teacher_forcing(make, numpy):
    decoder = built(make)
    np.testing.assert_allclose(numpy(run(decoder, 1.0)), numpy(decoder(TARGETS, MEMORY)), atol=2e-5)


def test_own_tokens_alone_are_greedy_decoding(numpy):
    decoder = built(recurrent)
    logits = numpy(run(decoder, 0.0, draw="best"))
    inputs = np.concatenate([TARGETS[:, :1], logits[:, :-1].argmax(axis=-1)], axis=1).astype("int32")
    inputs[0, 4] = 0  # padding stays padding
    np.testing.assert_allclose(logits, numpy(decoder(inputs, MEMORY)), atol=2e-5)
    decoded = keras_seq.decoding.decode(decoder.step, decoder.start(MEMORY), 2, None, 4)
    np.testing.assert_array_equal(logits[:, :4].argmax(axis=-1), numpy(decoded.ids)[:, 0])


def test_a_transformers_own_tokens_are_those_of_a_first_run(numpy):
    decoder = built(transformer)
    first = numpy(decoder(TARGETS, MEMORY)).argmax(axis=-1)
    inputs = np.concatenate([TARGETS[:, :1], first[:, :-1]], axis=1).astype("int32")
    inputs[TARGETS == 0] = 0
    found = numpy(run(decoder, 0.0, draw="best"))
    np.testing.assert_allclose(found, numpy(decoder(inputs, MEMORY)), atol=2e-5)


@pytest.mark.parametrize("k", [0.25, 0.75])
def test_tokens_are_drawn_with_the_right_frequencies(k, numpy):
    """A decoder that always expects 3 (with probability 3/4) or 7 is given these, and the true token 5 with k."""
    given = []

    class Fixed:
        vocabulary_size, steps_in_training = 10, False

        def __call__(self, targets, memory, memory_mask=None, training=False):
            given.append(numpy(targets))
            logits = np.full(10, -1e9, "float32")
            logits[[3, 7]] = np.log([0.75, 0.25])
            return ops.broadcast_to(ops.convert_to_tensor(logits), (*targets.shape, 10))

    targets = np.full((200, 50), 5, "int32")
    keras_seq.ScheduledSampling("constant", k=k, seed=1).run(Fixed(), targets, None, None, k)
    inputs = given[1]
    assert np.all(inputs[:, 0] == 5)
    for token, expected in ((5, k), (3, 0.75 * (1 - k)), (7, 0.25 * (1 - k))):
        deviation = np.sqrt(expected * (1 - expected) / inputs[:, 1:].size)
        assert abs((inputs[:, 1:] == token).mean() - expected) < 4 * deviation


@pytest.mark.parametrize("make", [recurrent, transformer])
def test_training_with_it(make, numpy):
    """The loss falls, and the schedule moves on by one with each training step."""
    keras.utils.set_random_seed(0)
    sampling = keras_seq.ScheduledSampling("inverse_sigmoid", k=10.0, seed=2)
    model = keras_seq.EncoderDecoder(10, keras_seq.GRUCell(6), make(), scheduled_sampling=sampling)
    source = np.array([[4, 5, 6, 7], [7, 8, 9, 0]] * 4, "int32")
    inputs = np.array([[2, 4, 5, 6], [2, 7, 8, 0]] * 4, "int32")
    targets = np.array([[4, 5, 6, 3], [7, 8, 3, 0]] * 4, "int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, jit_compile=False)
    before = model.evaluate((source, inputs), targets, verbose=0)
    model.fit((source, inputs), targets, epochs=20, batch_size=8, verbose=0)
    assert int(numpy(model.training_steps)) == 20
    assert model.evaluate((source, inputs), targets, verbose=0) < 0.6 * before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": "quadratic"}, "`decay` must be one of"),
        ({"draw": "worst"}, "`draw` must be one of"),
        ({"decay": "exponential", "k": 1.0}, "above 0 and below 1"),
        ({"decay": "inverse_sigmoid", "k": 0.5}, "at least 1"),
        ({"decay": "constant", "k": 2.0}, "from 0 to 1"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        keras_seq.ScheduledSampling(**options)

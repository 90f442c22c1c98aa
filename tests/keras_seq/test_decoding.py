"""The one loop of decoding: what every strategy shares."""

import contextlib
import string

import keras
import numpy as np
import pytest
from keras import ops
from numpy_decoding import Decoder, Search, log_softmax, sequences_of

from keras_seq.decoding import (
    BeamSearch,
    DiverseBeamSearch,
    Ensemble,
    Greedy,
    MinimumLength,
    NGramBlocking,
    RepetitionPenalty,
    Sampling,
    TopKSampling,
    TopPSampling,
    decode,
    ensemble,
)

END = 2
STRATEGIES = {
    "greedy": Greedy(),
    "sampling": Sampling(0.8, sequences=2),
    "top_k": TopKSampling(3),
    "top_p": TopPSampling(0.7),
    "beam": BeamSearch(3, sequences=2),
    "penalties": BeamSearch(4, length_penalty=0.6, coverage_penalty=0.2),
    "diverse": DiverseBeamSearch(4, groups=2),
}
LETTERS = "_" + string.ascii_lowercase  # "_" ends a word


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param]


def run(decoder, strategy, max_length=6, rows=slice(None), **options):
    mask = decoder.memory_mask[rows]
    options = {"end_token": END, "seed": 5, "memory_mask": mask, **options}
    return decode(decoder.step, decoder.start(rows), 1, max_length=max_length, strategy=strategy, **options)


def assert_equal(one, other, atol=1e-5):
    for name, got, expected in zip(one._fields, one, other, strict=True):
        if got is not None or expected is not None:
            np.testing.assert_allclose(got, expected, atol=atol, rtol=1e-5, err_msg=name)


def spelling(words):
    """A step function that writes the word of each row, letter by letter, and its state."""
    letters = np.array([[LETTERS.index(letter) for letter in word] for word in words], "int32")

    def step(tokens, state):
        letter = ops.take_along_axis(state["word"], ops.expand_dims(state["place"], 1), axis=1)[:, 0]
        place = ops.minimum(state["place"] + 1, letters.shape[1] - 1)
        return 20.0 * ops.one_hot(letter, len(LETTERS)), {"place": place, "word": state["word"]}, None

    return step, {"place": np.zeros(len(words), "int32"), "word": letters}


def test_greedy_spells(numpy):
    words = ["keras____", "sequences", "a________", "_________"]
    decoded = decode(*spelling(words), 0, end_token=0, max_length=9)
    ids, lengths, steps = numpy((decoded.ids, decoded.lengths, decoded.steps))
    assert ["".join(LETTERS[i] for i in row[0]) for row in ids] == words
    assert list(lengths[:, 0]) == [6, 9, 2, 1]
    assert list(numpy(decoded.finished)[:, 0]) == [True, False, True, True]
    assert steps == 9
    assert decoded.alignments is None


def test_every_strategy_spells_what_is_sure(strategy, numpy):
    """Each row has its own word; a beam with the state of another row would spell that one's."""
    if strategy is STRATEGIES["penalties"]:
        strategy = BeamSearch(4, length_penalty=0.6)  # there is no memory here
    words = ["beam_", "tree_", "zoo__"]
    ids = numpy(decode(*spelling(words), 0, end_token=0, max_length=5, strategy=strategy, seed=1).ids)
    assert ["".join(LETTERS[i] for i in row[0]) for row in ids] == words


def test_greedy_takes_the_best_token(numpy):
    decoder = Decoder(vocabulary=5, batch=4, seed=3, memory_lengths=[4, 3, 2, 1])
    decoded = numpy(run(decoder, Greedy(), pad_token=9))
    for row in range(4):
        (tokens,) = sequences_of(decoded, row)
        total = 0.0
        for place, token in enumerate(tokens):
            log_probabilities = log_softmax(decoder.following(row, tokens[:place])[0])
            assert token == log_probabilities.argmax()
            total += log_probabilities[token]
        assert tokens[-1] == END or len(tokens) == 6
        np.testing.assert_allclose(decoded.scores[row, 0], total, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            decoded.alignments[row, 0, : len(tokens)], decoder.following(row, tokens[:-1])[1], atol=1e-5
        )
        assert (decoded.ids[row, 0, len(tokens) :] == 9).all()
        assert (decoded.alignments[row, 0, len(tokens) :] == 0).all()


def test_a_batch_equals_its_rows_one_at_a_time(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=5, seed=18, memory_lengths=[4, 3, 2, 1, 4])
    seeds = np.array([3, 1, 4, 1, 5])
    options = {"constraints": [MinimumLength(2), NGramBlocking(2), RepetitionPenalty(1.3)]}
    whole = numpy(run(decoder, strategy, seed=seeds, **options))
    for row in range(5):
        alone = numpy(run(decoder, strategy, rows=slice(row, row + 1), seed=seeds[row : row + 1], **options))
        steps = int(alone.steps)
        assert steps <= whole.steps
        for name in ("ids", "lengths", "scores", "log_probabilities", "finished", "alignments"):
            np.testing.assert_allclose(getattr(whole, name)[row], getattr(alone, name)[0], atol=1e-5, err_msg=name)
        for name in ("step_tokens", "step_parents", "step_scores"):
            np.testing.assert_allclose(
                getattr(whole, name)[row, :steps], getattr(alone, name)[0, :steps], atol=1e-5, err_msg=name
            )


def compiled(function):
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False)
    if backend == "jax":
        import jax

        return jax.jit(function)
    pytest.skip("PyTorch has the one loop in Python")


def with_jit():
    """The suite runs JAX without compiling; what is about compiling needs it."""
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit(False)


def test_a_graph_equals_eager(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=3, seed=18, memory_lengths=[4, 3, 2])
    options = {"constraints": [MinimumLength(2), NGramBlocking(2), RepetitionPenalty(1.3)]}
    eager = run(decoder, strategy, **options)
    with with_jit():
        graph = compiled(lambda: run(decoder, strategy, **options))()
    assert_equal(numpy(eager), numpy(graph))
    for one, other in zip(eager, graph, strict=True):
        assert keras.backend.standardize_dtype(one.dtype) == keras.backend.standardize_dtype(other.dtype)


def test_the_loop_ends_with_the_last_sequence():
    """A step is run only while some sequence can grow."""
    calls = []
    step, state = spelling(["keras____", "jax______"])

    def counting(tokens, state):
        calls.append(1)
        return step(tokens, state)

    for strategy in (Greedy(), Sampling(), BeamSearch(2), BeamSearch(2, length_penalty=0.5)):
        calls.clear()
        decoded = decode(counting, state, 0, end_token=0, max_length=9, strategy=strategy, seed=0)
        assert len(calls) == int(decoded.steps) == 6


def test_beams_move_with_their_states(numpy):
    """The state is all tokens so far; at the end it must be what was decoded."""
    decoder = Decoder(vocabulary=5, batch=2, seed=5)
    seen = []

    def step(tokens, state):
        logits, new, alignment = decoder.step(tokens, state["decoder"])
        record = ops.concatenate([state["record"][:, 1:], ops.expand_dims(tokens, 1)], axis=1)
        seen.append(numpy(record))
        return logits, {"decoder": new, "record": record, "count": state["count"] + 1}, alignment

    state = {"decoder": decoder.start(), "record": np.full((2, 7), -1, "int32"), "count": np.array(0, "int32")}
    decoded = numpy(decode(step, state, 1, None, 6, BeamSearch(4, sequences=4)))
    records = seen[-1].reshape(2, 4, 7)  # before the last step
    for row in range(2):
        for beam, ids in enumerate(decoded.ids[row]):
            parent = decoded.step_parents[row, -1][np.argsort(-decoded.step_scores[row, -1], kind="stable")[beam]]
            assert list(records[row, parent, 2:]) == list(ids[:5])
            assert records[row, parent, 1] == 1


def test_a_state_that_begins_to_change_late_moves_from_then_on(numpy):
    """What a step hands on as it is need not move; that must not be believed for ever."""
    decoder = Decoder(vocabulary=5, batch=1, seed=5)
    count = []

    def step(tokens, state):
        count.append(1)
        logits, new, alignment = decoder.step(tokens, state["decoder"])
        late = state["late"] if len(count) in (1, 2, 5) else state["late"] * 10 + tokens
        return logits, {"decoder": new, "late": late}, alignment

    state = {"decoder": decoder.start(), "late": np.zeros(1, "int32")}
    if keras.backend.backend() == "jax":
        pytest.skip("a step that is traced once cannot change its mind")
    seen = []

    def watching(tokens, state):
        result = step(tokens, state)
        seen.append(numpy(state["late"]))
        return result

    decoded = numpy(decode(watching, state, 1, None, 6, BeamSearch(4, sequences=4)))
    best = np.argsort(-decoded.step_scores[0, -1], kind="stable")
    for beam, ids in enumerate(decoded.ids[0]):
        parent = decoded.step_parents[0, -1][best[beam]]
        assert seen[-1][parent] == int("".join(map(str, ids[1:3])))


def test_start_tokens_of_each_row(numpy):
    decoder = Decoder(vocabulary=5, batch=3, seed=2)
    starts = np.array([0, 1, 4])
    decoded = decode(decoder.step, decoder.start(), starts, END, 4)
    for row, start in enumerate(starts):
        assert numpy(decoded.ids)[row, 0, 0] == decoder.following(row, (), start)[0].argmax()


def test_without_an_end_token_all_steps_are_run(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=2, seed=18)
    decoded = numpy(run(decoder, strategy, end_token=None))
    assert decoded.steps == 6
    assert (decoded.lengths == 6).all()
    assert not decoded.finished.any()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_logits_of_any_dtype(dtype, strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=2, seed=1)

    def rounded(tokens, state):
        logits, state, alignment = decoder.step(tokens, state)
        return ops.cast(ops.cast(logits, "bfloat16"), "float32"), state, alignment

    def step(tokens, state):
        logits, state, alignment = rounded(tokens, state)
        return ops.cast(logits, dtype), state, alignment

    options = {"end_token": END, "max_length": 4, "strategy": strategy, "seed": 1, "memory_mask": decoder.memory_mask}
    decoded = numpy(decode(step, decoder.start(), 1, **options))
    assert_equal(decoded, numpy(decode(rounded, decoder.start(), 1, **options)))
    assert decoded.scores.dtype == "float32"
    assert decoded.alignments.dtype == "float32"


def test_an_empty_batch(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=2)
    decoded = numpy(run(decoder, strategy, rows=slice(0, 0), constraints=[NGramBlocking(2), RepetitionPenalty()]))
    assert decoded.ids.shape == (0, strategy.sequences, 6)
    assert decoded.alignments.shape == (0, strategy.sequences, 6, 4)
    assert decoded.step_parents.shape == (0, 6, strategy.width)


def test_alignments_can_be_left_out(strategy, numpy):
    decoder = Decoder(vocabulary=5, batch=2)
    decoded, full = run(decoder, strategy, keep_alignments=False), run(decoder, strategy)
    assert decoded.alignments is None
    np.testing.assert_array_equal(numpy(decoded.ids), numpy(full.ids))


def test_an_ensemble_averages_log_probabilities(numpy):
    """All sequences of two decoders, scored in NumPy by the mean of their log-probabilities."""
    one, other = Decoder(vocabulary=3, seed=1), Decoder(vocabulary=3, seed=2)
    step = ensemble([one.step, other.step])
    assert isinstance(step, Ensemble)
    decoded = decode(step, [one.start(), other.start()], 1, END, 3, BeamSearch(27, sequences=15))
    for row in range(2):
        parts = [Search(decoder, row, END, 3).all_sequences() for decoder in (one, other)]
        totals = [{hypothesis.tokens: hypothesis.score for hypothesis in part} for part in parts]
        expected = {tokens: (score + totals[1][tokens]) / 2 for tokens, score in totals[0].items()}
        order = sorted(expected, key=lambda tokens: -expected[tokens])
        assert sequences_of(decoded, row) == order
        np.testing.assert_allclose(numpy(decoded.scores)[row], [expected[tokens] for tokens in order], rtol=1e-4)
        best = order[0][:-1]
        mean = (one.following(row, best)[1] + other.following(row, best)[1]) / 2
        np.testing.assert_allclose(numpy(decoded.alignments)[row, 0, : len(order[0])], mean, atol=1e-5)


def test_an_ensemble_of_equals_is_each_of_them(numpy):
    decoder = Decoder(vocabulary=5, batch=3)
    step = ensemble([ensemble([decoder.step, decoder.step]), decoder.step], weights=[1, 3])
    start = decoder.start
    decoded = decode(step, [[start(), start()], start()], 1, END, 5, BeamSearch(3, sequences=3))
    assert_equal(numpy(decoded), numpy(decode(decoder.step, start(), 1, END, 5, BeamSearch(3, sequences=3))), 1e-4)


def test_wrong_arguments_are_refused():
    decoder = Decoder(vocabulary=5)
    with pytest.raises(ValueError, match=r"`max_length` must be at least 1. Received"):
        run(decoder, Greedy(), max_length=0)
    with pytest.raises(ValueError, match=r"needs `start_tokens` of shape \[batch\]"):
        decode(lambda tokens, state: (None, state, None), {}, 1, END, 4)
    with pytest.raises(ValueError, match=r"logits \[batch, vocabulary\]. Received"):
        decode(lambda tokens, state: (ops.zeros((2, 1, 5)), state, None), decoder.start(), 1, END, 4)
    with pytest.raises(ValueError, match="a state of the structure that it was given"):
        decode(lambda tokens, state: (ops.zeros((2, 5)), state["h"], None), decoder.start(), 1, END, 4)
    with pytest.raises(ValueError, match=r"at least one step function. Received"):
        ensemble([])
    with pytest.raises(ValueError, match="must be 2 numbers from 0 on"):
        ensemble([decoder.step, decoder.step], weights=[1])

"""Constraints against the enumeration of what they allow, and against lists."""

import numpy as np
import pytest
from keras import ops
from numpy_decoding import Decoder, Search, log_softmax, sequences_of

from keras_seq.decoding import (
    BeamSearch,
    Constraint,
    ForbiddenTokens,
    ForcedPrefix,
    Greedy,
    MaximumLength,
    MinimumLength,
    NGramBlocking,
    Position,
    RepetitionPenalty,
    Sampling,
    decode,
)

END = 2
LENGTH = 5


def ngrams(tokens, n):
    return [tokens[i : i + n] for i in range(len(tokens) - n + 1)]


def no_repeated_ngram(n):
    return lambda prefix, token: len(set(ngrams((*prefix, token), n))) == len(ngrams((*prefix, token), n))


def begins_with(forced):
    return lambda prefix, token: len(prefix) >= len(forced) or forced[len(prefix)] in (-1, token)


# Name: the constraint, and what it allows in row 0 and in row 1 of a batch.
CONSTRAINTS = {
    "minimum": (lambda: MinimumLength(2), [lambda prefix, token: token != END or len(prefix) >= 2] * 2),
    "minimum_of_rows": (
        lambda: MinimumLength(np.array([1, 3])),
        [lambda prefix, token, least=least: token != END or len(prefix) >= least for least in (1, 3)],
    ),
    "maximum": (lambda: MaximumLength(3), [lambda prefix, token: token == END or len(prefix) < 3] * 2),
    "maximum_of_rows": (
        lambda: MaximumLength(np.array([0, 2])),
        [lambda prefix, token, most=most: token == END or len(prefix) < most for most in (0, 2)],
    ),
    "unigrams": (lambda: NGramBlocking(1), [no_repeated_ngram(1)] * 2),
    "bigrams": (lambda: NGramBlocking(2), [no_repeated_ngram(2)] * 2),
    "trigrams": (lambda: NGramBlocking(3), [no_repeated_ngram(3)] * 2),
    "longer_than_all": (lambda: NGramBlocking(9), [lambda prefix, token: True] * 2),
    "forbidden": (lambda: ForbiddenTokens([0, 3]), [lambda prefix, token: token not in (0, 3)] * 2),
    "prefix": (lambda: ForcedPrefix([3, 0]), [begins_with((3, 0))] * 2),
    "prefix_of_rows": (
        lambda: ForcedPrefix([[1, -1, 3], [0, -1, -1]]),
        [begins_with((1, -1, 3)), begins_with((0,))],
    ),
    "prefix_longer_than_all": (lambda: ForcedPrefix([1] * 9), [begins_with((1,) * 9)] * 2),
}


@pytest.fixture(params=CONSTRAINTS)
def constraint(request):
    return CONSTRAINTS[request.param]


def test_exactly_what_is_allowed_is_found(constraint, numpy):
    """A search over everything finds all allowed sequences, with the log-probabilities that the model gives them."""
    make, allowed = constraint
    decoder = Decoder(vocabulary=4, seed=1)
    width = 280
    decoded = decode(
        decoder.step,
        decoder.start(),
        1,
        END,
        LENGTH,
        BeamSearch(width, length_penalty=0.5, sequences=width),
        constraints=[make()],
    )
    for row in range(2):
        search = Search(decoder, row, END, LENGTH, lambda n: ((5 + n) / 6) ** 0.5, allowed=allowed[row])
        expected = {one.tokens: one.score for one in search.all_sequences()[:width]}
        scores = dict(zip(sequences_of(decoded, row), numpy(decoded.scores)[row], strict=False))
        assert len(expected) < width or len(scores) == width
        if len(expected) < width:
            assert set(scores) == set(expected)
        for tokens, score in scores.items():
            np.testing.assert_allclose(score, expected[tokens], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("strategy", [Greedy(), Sampling(), BeamSearch(2)])
def test_every_strategy_obeys(strategy, constraint):
    make, allowed = constraint
    decoder = Decoder(vocabulary=4, seed=2)
    decoded = decode(decoder.step, decoder.start(), 1, END, LENGTH, strategy, constraints=[make()], seed=3)
    for row in range(2):
        (tokens,) = sequences_of(decoded, row)
        assert all(allowed[row](tokens[:place], token) for place, token in enumerate(tokens))


def test_constraints_add_up(numpy):
    """Greedy decoding under five constraints, against lists."""
    decoder = Decoder(vocabulary=6, batch=6, seed=2)
    constraints = [
        MinimumLength(4),
        MaximumLength(6),
        NGramBlocking(2),
        ForbiddenTokens([5]),
        ForcedPrefix([[row % 5 if row % 5 != END else 3] for row in range(6)]),
    ]
    decoded = decode(decoder.step, decoder.start(), 1, END, 9, constraints=constraints)
    for row in range(6):
        tokens, total = (), 0.0
        while tokens[-1:] != (END,):
            log_probabilities = log_softmax(decoder.following(row, tokens)[0])
            choices = [
                token
                for token in range(5)
                if (len(tokens) >= 4 or token != END)
                and (len(tokens) < 6 or token == END)
                and (len(tokens) > 0 or token == (row % 5 if row % 5 != END else 3))
                and no_repeated_ngram(2)(tokens, token)
            ]
            token = max(choices, key=lambda token: log_probabilities[token])
            tokens, total = (*tokens, token), total + log_probabilities[token]
        assert sequences_of(decoded, row) == [tokens]
        np.testing.assert_allclose(numpy(decoded.scores)[row, 0], total, rtol=1e-4)


def test_repetition_penalty(numpy):
    """The equation of the paper, with positive and negative logits and a token that is there twice."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 2, 7)).astype("float32")
    history = np.array([[[1, 4, 1, -1], [0, 6, 2, -1]], [[5, 5, 5, -1], [3, 2, 1, -1]], [[-1] * 4, [2, -1, -1, -1]]])
    got = RepetitionPenalty(1.7)(ops.convert_to_tensor(logits), Position(3, ops.cast(history, "int32"), END, 4))
    expected = logits.copy()
    for row in range(3):
        for beam in range(2):
            for token in set(history[row, beam]) - {-1}:
                value = logits[row, beam, token]
                expected[row, beam, token] = value / 1.7 if value > 0 else value * 1.7
    assert (expected != logits).sum() == 10
    np.testing.assert_allclose(numpy(got), expected, rtol=1e-6)


def test_repetition_penalty_in_beam_search(numpy):
    """The penalty follows the beams: against a search that computes the scores of whole sequences."""
    decoder = Decoder(vocabulary=4, seed=3)
    decoded = decode(
        decoder.step, decoder.start(), 1, END, 4, BeamSearch(200, sequences=200), constraints=[RepetitionPenalty(1.5)]
    )
    for row in range(2):
        found = sequences_of(decoded, row)
        assert len(found) == 1 + 3 + 9 + 27 + 81
        for tokens, score in zip(found, numpy(decoded.scores)[row], strict=False):
            total = 0.0
            for place, token in enumerate(tokens):
                logits = decoder.following(row, tokens[:place])[0]
                value = logits[token]
                if token in tokens[:place]:
                    value = value / 1.5 if value > 0 else value * 1.5
                total += value - np.log(np.exp(logits).sum())
            np.testing.assert_allclose(score, total, rtol=1e-4, atol=1e-4)


def test_ngrams_of_random_histories(numpy):
    rng = np.random.default_rng(1)
    history = rng.integers(0, 3, size=(8, 5, 12)).astype("int32")
    for time in (0, 1, 2, 7, 12):
        past = np.where(np.arange(12) < time, history, -1).astype("int32")
        for n in (1, 2, 3, 4):
            position = Position(ops.convert_to_tensor(time, dtype="int32"), ops.convert_to_tensor(past), END, 12)
            got = numpy(NGramBlocking(n)(ops.zeros((8, 5, 3)), position))
            for row, beam in np.ndindex(8, 5):
                tokens = tuple(history[row, beam, :time])
                seen = ngrams(tokens, n)
                for token in range(3):
                    blocked = len(tokens) >= n - 1 and (*tokens[len(tokens) - n + 1 :], token) in seen
                    assert got[row, beam, token] == (-np.inf if blocked else 0)


def test_any_function_is_a_constraint(numpy):
    decoder = Decoder(vocabulary=4, seed=1)
    seen = []

    def only_threes(logits, position):
        seen.append(position)
        return ops.where(ops.equal(ops.arange(4), 3), logits, -np.inf)

    decoded = decode(decoder.step, decoder.start(), 1, END, 3, constraints=[only_threes])
    assert (numpy(decoded.ids) == 3).all()
    assert [position.history for position in seen] == [None] * len(seen)


def test_history_is_that_of_the_beams(numpy):
    """What a constraint is shown are the tokens of each beam, wherever it has moved."""
    histories = []

    class Watch(Constraint):
        needs_history = True

        def __call__(self, logits, position):
            histories.append((int(position.time), numpy(position.history)))
            return logits

    decoder = Decoder(vocabulary=5, batch=2, seed=5)
    decoded = numpy(decode(decoder.step, decoder.start(), 1, None, 5, BeamSearch(4), constraints=[Watch()]))
    for time, history in histories:
        for row in range(2):
            beams = [()] * 4
            for t in range(time):
                pairs = zip(decoded.step_tokens[row, t], decoded.step_parents[row, t], strict=True)
                beams = [(*beams[parent], token) for token, parent in pairs]
            alive = decoded.step_scores[row, time - 1] > -np.inf if time else np.zeros(4, bool)
            for beam in np.flatnonzero(alive):
                assert tuple(history[row, beam]) == beams[beam] + (-1,) * (5 - time)


def test_where_nothing_is_allowed_there_is_no_sequence(numpy):
    decoder = Decoder(vocabulary=4)
    for strategy in (Greedy(), Sampling(), BeamSearch(3)):
        decoded = numpy(
            decode(decoder.step, decoder.start(), 1, END, 4, strategy, [ForbiddenTokens([0, 1, 2, 3])], seed=0)
        )
        assert (decoded.scores == -np.inf).all()
        assert not decoded.finished.any()
        assert (decoded.lengths == 0).all()
        assert decoded.steps == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MinimumLength(-1), "`length` must be an integer from 0 on"),
        (lambda: MaximumLength(2.5), "`length` must be an integer from 0 on"),
        (lambda: RepetitionPenalty(0.9), "`penalty` must be 1 or more. Received"),
        (lambda: NGramBlocking(0), "`n` must be a positive integer. Received"),
        (lambda: ForcedPrefix(3), "`tokens` must be"),
        (lambda: ForbiddenTokens([-1]), "must be ids from 0 on. Received"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_does_not_fit_is_refused():
    decoder = Decoder(vocabulary=4)
    with pytest.raises(ValueError, match=r"below the vocabulary size 4. Received"):
        decode(decoder.step, decoder.start(), 1, END, 4, constraints=[ForbiddenTokens([4])])
    with pytest.raises(ValueError, match="needs the `end_token`"):
        decode(decoder.step, decoder.start(), 1, None, 4, constraints=[MinimumLength(2)])

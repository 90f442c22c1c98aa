"""Beam search against the enumeration of all sequences and against beam search with lists."""

import numpy as np
import pytest
from numpy_decoding import Decoder, Search, sequences_of, wu

from keras_seq.decoding import BeamSearch, DiverseBeamSearch, Greedy, PowerLengthPenalty, decode

END = 2
PENALTIES = {
    "none": ({}, {}),
    "wu": ({"length_penalty": 0.8}, {"divisor": wu(0.8)}),
    "mean": ({"length_penalty": PowerLengthPenalty()}, {"divisor": lambda length: length}),
    "shorter": ({"length_penalty": -0.7}, {"divisor": wu(-0.7)}),
    "coverage": ({"coverage_penalty": 0.3}, {"coverage": 0.3}),
    "both": ({"length_penalty": 1.5, "coverage_penalty": 0.3}, {"divisor": wu(1.5), "coverage": 0.3}),
}


@pytest.fixture(params=PENALTIES)
def penalty(request):
    return PENALTIES[request.param]


def run(decoder, strategy, max_length, rows=slice(None), **options):
    options["memory_mask"] = decoder.memory_mask[rows]
    return decode(decoder.step, decoder.start(rows), 1, END, max_length, strategy, **options)


def grown(beams, tokens, parents):
    """The beams after a step; a token below 0 stands for none."""
    pairs = zip(tokens, parents, strict=True)
    return [beams[parent] + ((token,) if token >= 0 else ()) for token, parent in pairs]


def test_wide_beam_search_finds_all_sequences(penalty, numpy):
    ours, theirs = penalty
    decoder = Decoder(vocabulary=3, memory_lengths=[4, 2])
    length = 4
    decoded = run(decoder, BeamSearch(3**length, sequences=3**length, **ours), length)
    ids, lengths, scores, totals, finished, alignments = numpy(decoded[:6])
    for row in range(2):
        expected = Search(decoder, row, END, length, **theirs).all_sequences()
        assert len(expected) == 31
        assert sequences_of(decoded, row) == [one.tokens for one in expected]
        np.testing.assert_allclose(scores[row, :31], [one.score for one in expected], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(totals[row, :31], [one.log_probability for one in expected], rtol=1e-4, atol=1e-4)
        assert list(finished[row, :31]) == [one.finished for one in expected]
        assert not finished[row, 31:].any()
        assert (scores[row, 31:] == -np.inf).all()
        assert (lengths[row, 31:] == 0).all()
        assert (ids[row, 31:] == 0).all()
        for place, one in enumerate(expected):
            _, expected_alignments = decoder.following(row, one.tokens[:-1])
            np.testing.assert_allclose(alignments[row, place, : len(one.tokens)], expected_alignments, atol=1e-5)
            assert (alignments[row, place, len(one.tokens) :] == 0).all()


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_narrow_beam_search_equals_lists(width, penalty, numpy):
    ours, theirs = penalty
    decoder = Decoder(vocabulary=5, batch=3, seed=width, memory_lengths=[4, 2, 3])
    decoded = run(decoder, BeamSearch(width, sequences=width, **ours), 6)
    for row in range(3):
        expected = Search(decoder, row, END, 6, **theirs).beam_search(width)[-1]
        assert sequences_of(decoded, row) == [one.tokens for one in expected]
        np.testing.assert_allclose(numpy(decoded.scores)[row], [one.score for one in expected], rtol=1e-4, atol=1e-4)


def test_stopping_early_changes_nothing(penalty, numpy):
    """The lists run to the end; whoever wants fewer sequences may stop before."""
    ours, theirs = penalty
    decoder = Decoder(vocabulary=4, batch=2, seed=18)
    for sequences in (1, 3):
        decoded = run(decoder, BeamSearch(4, sequences=sequences, **ours), 9)
        for row in range(2):
            expected = Search(decoder, row, END, 9, **theirs).beam_search(4)[-1][:sequences]
            assert sequences_of(decoded, row) == [one.tokens for one in expected]
            np.testing.assert_allclose(numpy(decoded.scores)[row], [one.score for one in expected], atol=1e-4)
        assert int(decoded.steps) < 9


def test_width_one_is_greedy(penalty, numpy):
    decoder = Decoder(vocabulary=6, batch=4)
    greedy = run(decoder, Greedy(), 7)
    beam = run(decoder, BeamSearch(1, **penalty[0]), 7)
    np.testing.assert_array_equal(numpy(beam.ids), numpy(greedy.ids))
    np.testing.assert_allclose(numpy(beam.log_probabilities), numpy(greedy.scores), rtol=1e-5)


def test_finished_beams_keep_their_scores(penalty, numpy):
    decoder = Decoder(vocabulary=5, batch=3, seed=4)
    decoded = numpy(run(decoder, BeamSearch(6, sequences=6, **penalty[0]), 8, pad_token=-7))
    kept = 0
    for row in range(3):
        beams, scores = [()] * 6, {}
        for t in range(int(decoded.steps)):
            beams = grown(beams, decoded.step_tokens[row, t], decoded.step_parents[row, t])
            for beam, score in zip(beams, decoded.step_scores[row, t], strict=True):
                if beam and beam[-1] == END:
                    kept += beam in scores
                    assert scores.setdefault(beam, score) == score
        assert sorted(beams) == sorted(sequences_of(decoded, row))
    assert kept


def test_tree_of_the_search_equals_lists(numpy):
    decoder = Decoder(vocabulary=5, batch=2, seed=5)
    decoded = numpy(run(decoder, BeamSearch(4, length_penalty=0.5, sequences=4), 6, pad_token=-7))
    for row in range(2):
        steps = Search(decoder, row, END, 6, wu(0.5)).beam_search(4)
        beams = [()] * 4
        for t in range(int(decoded.steps)):
            beams = grown(beams, decoded.step_tokens[row, t], decoded.step_parents[row, t])
            assert beams == [one.tokens for one in steps[t]]
            expected = [one.score for one in steps[t]]
            np.testing.assert_allclose(decoded.step_scores[row, t], expected, rtol=1e-4, atol=1e-4)
        assert (decoded.step_tokens[row, int(decoded.steps) :] == -7).all()
        assert (decoded.step_parents[row, int(decoded.steps) :] == np.arange(4)).all()


@pytest.mark.parametrize(("width", "groups"), [(4, 2), (6, 3), (3, 3), (4, 1)])
@pytest.mark.parametrize("diversity", [0.0, 0.9, 5.0])
def test_diverse_beam_search_equals_lists(width, groups, diversity, numpy):
    decoder = Decoder(vocabulary=6, batch=2, seed=groups)
    decoded = run(decoder, DiverseBeamSearch(width, groups, diversity, length_penalty=0.6), 6)
    for row in range(2):
        search = Search(decoder, row, END, 6, wu(0.6))
        expected = sorted(search.beam_search(width, groups, diversity)[-1], key=lambda one: -one.score)
        np.testing.assert_allclose(numpy(decoded.scores)[row], [one.score for one in expected], rtol=1e-4, atol=1e-4)
        assert sorted(sequences_of(decoded, row)) == sorted(one.tokens for one in expected)


def test_one_group_is_beam_search(numpy):
    decoder = Decoder(vocabulary=6, batch=3)
    one = run(decoder, BeamSearch(4, sequences=4), 6)
    other = run(decoder, DiverseBeamSearch(4, groups=1, diversity=3.0), 6)
    np.testing.assert_array_equal(numpy(one.ids), numpy(other.ids))


def test_groups_differ():
    """Without diversity all groups find the same; with much of it they begin with different tokens."""
    decoder = Decoder(vocabulary=6, batch=1, seed=3)
    same = sequences_of(run(decoder, DiverseBeamSearch(3, groups=3, diversity=0.0), 6), 0)
    different = sequences_of(run(decoder, DiverseBeamSearch(3, groups=3, diversity=100.0), 6), 0)
    assert len(set(same)) == 1
    assert len({tokens[0] for tokens in different}) == 3


def test_large_vocabulary(numpy):
    """The best of a large vocabulary are looked for in blocks."""
    decoder = Decoder(vocabulary=1031, batch=2, seed=1, scale=1.0)
    decoded = run(decoder, BeamSearch(3, sequences=3), 4)
    for row in range(2):
        expected = Search(decoder, row, END, 4).beam_search(3)[-1]
        assert sequences_of(decoded, row) == [one.tokens for one in expected]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BeamSearch(0), "`width` must be a positive integer. Received"),
        (lambda: BeamSearch(2, sequences=3), "at most `width`. Received"),
        (lambda: BeamSearch(2, length_penalty="long"), "`length_penalty` must be a number or a function. Received"),
        (lambda: BeamSearch(2, coverage_penalty=-1), "`coverage_penalty` must be 0 or more. Received"),
        (lambda: DiverseBeamSearch(4, groups=3), "must divide `width`. Received"),
        (lambda: DiverseBeamSearch(4, diversity=-1), "`diversity` must be 0 or more. Received"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_coverage_penalty_needs_a_mask_and_alignments():
    decoder = Decoder()
    with pytest.raises(ValueError, match="needs the `memory_mask`"):
        decode(decoder.step, decoder.start(), 1, END, 3, BeamSearch(2, coverage_penalty=0.1))

    def step(tokens, state):
        logits, state, _ = decoder.step(tokens, state)
        return logits, state, None

    mask = decoder.memory_mask
    with pytest.raises(ValueError, match="needs the alignments"):
        decode(step, decoder.start(), 1, END, 3, BeamSearch(2, coverage_penalty=0.1), memory_mask=mask)

"""Cutting a text into batches: each pair of a token and its next one once, in streams that go on, or in windows."""

import numpy as np
import pytest
import tensorflow as tf

from pipelines.encoded_corpus import EncodedText
from pipelines.streams import Streams, Windows, read_batch, shuffled_streams, shuffled_windows, stream_dataset

SIZES = [(100, 4, 8), (101, 4, 8), (97, 7, 5), (12, 4, 3), (11, 4, 16), (3, 8, 4), (1, 2, 3), (500, 1, 64), (64, 64, 1)]
STARTS = [0, 3, 11, 50]


def make_text(pairs):
    """Tokens that are all different, so that each says where it stood: token n is n + 2."""
    starts = np.array([start for start in STARTS if start < pairs])
    return EncodedText(np.arange(2, pairs + 3, dtype=np.uint16), starts, pairs + 1, 0)


def batches(text, cutting, reset_steps=True):
    return [read_batch(text, cutting.rows(step), cutting.window, reset_steps) for step in range(cutting.steps)]


def measured(found):
    """The pairs that count, in the order of the batches."""
    pairs = []
    for ids, _, targets, weights in found:
        pairs += list(zip(ids[weights > 0].tolist(), targets[weights > 0].tolist(), strict=True))
    return pairs


def cuttings(pairs, batch_size, window):
    yield Streams(pairs, batch_size, window)
    yield Streams(pairs, batch_size, window, lead=1)
    yield Windows(pairs, batch_size, window)
    for epoch in range(3):
        yield shuffled_streams(pairs, batch_size, window, 7, epoch)
        yield shuffled_windows(pairs, batch_size, window, 7, epoch)


@pytest.mark.parametrize(("pairs", "batch_size", "window"), SIZES)
def test_every_pair_is_there_once(pairs, batch_size, window):
    for cutting in cuttings(pairs, batch_size, window):
        found = batches(make_text(pairs), cutting)
        assert all(array.shape == (batch_size, window) for batch in found for array in batch)
        assert sorted(measured(found)) == [(token, token + 1) for token in range(2, pairs + 2)]


@pytest.mark.parametrize(("pairs", "batch_size", "window"), SIZES)
def test_rows_of_streams_go_on(pairs, batch_size, window):
    """Row by row, the windows one after the other are the text from some place on, without a gap."""
    for cutting in (Streams(pairs, batch_size, window), shuffled_streams(pairs, batch_size, window, 5, 2)):
        found = batches(make_text(pairs), cutting)
        whole = []
        for row in range(batch_size):
            ids = np.concatenate([ids[row][weights[row] > 0] for ids, _, _, weights in found])
            assert ((ids[1:] - ids[:-1]) % pairs == 1 % pairs).all()
            whole += ids.tolist()
            flags = np.concatenate([reset[row] for _, reset, _, _ in found])
            assert flags[0]
        assert ((np.array(whole) - whole[0]) % pairs == np.arange(pairs)).all()  # stream after stream: the text
        lengths = [sum(int(weights[row].sum()) for *_, weights in found) for row in range(batch_size)]
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("pairs", "batch_size", "window"), SIZES)
def test_reset_marks_documents_and_new_rows(pairs, batch_size, window):
    text = make_text(pairs)
    for cutting in cuttings(pairs, batch_size, window):
        fresh = 0
        for step in range(cutting.steps):
            rows = cutting.rows(step)
            ids, reset, _, weights = read_batch(text, rows, window, True)
            there = ids > 0
            expected = np.isin(ids - 2, text.starts) & there
            expected[:, 0] |= rows.fresh
            np.testing.assert_array_equal(reset, expected)
            np.testing.assert_array_equal(read_batch(text, rows, window, False)[1], reset[:, 0])
            assert not weights[~there].any()
            fresh += rows.fresh
        assert fresh == (1 if isinstance(cutting, Streams) else cutting.steps)


def test_a_shuffled_text_still_begins_where_a_window_does():
    """So that a reset a row is enough for a single document."""
    text = EncodedText(np.arange(2, 1003, dtype=np.int32), np.array([0]), 1001, 0)
    for epoch in range(20):
        found = batches(text, shuffled_streams(1_000, 6, 16, 1, epoch))
        columns = np.concatenate([np.argwhere((ids == 2) & (weights > 0))[:, 1] for ids, _, _, weights in found])
        assert columns.tolist() == [0]


@pytest.mark.parametrize("lead", [1, 2])
def test_the_windows_before_each_stream_lead_to_it(lead):
    found = batches(make_text(100), Streams(100, 4, 8, lead=lead))
    for number in range(lead):
        ids, _, _, weights = found[number]
        assert not weights.any()
        np.testing.assert_array_equal(ids[0], 0)  # before the first stream there is nothing
        for row, begin in enumerate([0, 25, 50, 75]):
            if row:
                np.testing.assert_array_equal(ids[row], np.arange(8) + begin - 8 * (lead - number) + 2)
    for row, begin in enumerate([0, 25, 50, 75]):
        assert found[lead][0][row][0] == begin + 2
    assert found[0][1][:, 0].all()
    assert found[lead][1][0, 0]  # the padding before the first stream is forgotten
    assert not found[lead][1][1, 0]
    assert measured(found) == measured(batches(make_text(100), Streams(100, 4, 8)))


@pytest.mark.parametrize("shuffled", [shuffled_streams, shuffled_windows])
def test_the_order_is_fixed_by_seed_and_epoch(shuffled):
    def tokens(seed, epoch):
        found = batches(make_text(20_000), shuffled(20_000, 40, 16, seed, epoch))
        return np.concatenate([ids.ravel() for ids, *_ in found])

    np.testing.assert_array_equal(tokens(1, 0), tokens(1, 0))
    assert len({tokens(seed, epoch).tobytes() for seed in (1, 2, -3) for epoch in range(3)}) == 9
    assert len({shuffled(500, 4, 16, 1, epoch).steps for epoch in range(10)}) == 1


def test_shuffled_windows_are_in_no_order():
    starts = np.concatenate([ids[:, 0] for ids, *_ in batches(make_text(4_000), shuffled_windows(4_000, 8, 10, 1, 0))])
    assert abs(np.corrcoef(starts, np.arange(len(starts)))[0, 1]) < 0.2


@pytest.mark.parametrize("reset_steps", [True, False])
def test_as_a_data_set(reset_steps):
    text, cutting = make_text(97), shuffled_streams(97, 4, 5, 3, 1)
    dataset = stream_dataset(text, cutting, reset_steps)
    assert dataset.element_spec == (
        (tf.TensorSpec([4, 5], tf.int32), tf.TensorSpec([4, 5] if reset_steps else [4], tf.bool)),
        tf.TensorSpec([4, 5], tf.int32),
        tf.TensorSpec([4, 5], tf.float32),
    )
    found = [(ids, reset, targets, weights) for (ids, reset), targets, weights in dataset.as_numpy_iterator()]
    expected = batches(text, cutting, reset_steps)
    assert len(found) == len(expected) == int(dataset.cardinality())
    for one, other in zip(found, expected, strict=True):
        for array, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, same)
    for one, other in zip(dataset.skip(3).as_numpy_iterator(), expected[3:], strict=True):
        np.testing.assert_array_equal(one[0][0], other[0])

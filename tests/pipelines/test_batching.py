"""Batches: every text once, the promised widths and sizes, little padding, and an order that can be repeated."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.batching import BatchReader, EncodedTexts, find_boundaries, padding_share, plan_epoch, plan_in_order
from pipelines.config import BatchConfig

LENGTHS = np.minimum(np.random.default_rng(0).lognormal(4, 0.8, 3000).astype(np.int64), 300)


def texts_of(lengths):
    """Text n is n, n, n, ... so that a row of a batch says whose it is."""
    lengths = np.asarray(lengths)
    ids = np.repeat(np.arange(1, len(lengths) + 1), lengths).astype(np.int32)
    labels = (np.arange(len(lengths)) % 5).astype(np.int32)
    return EncodedTexts(ids, np.concatenate([[0], np.cumsum(lengths)]), labels)


def padded_to_boundaries(lengths, boundaries):
    edges = np.array(boundaries)
    return edges[np.searchsorted(edges, lengths)].sum()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_boundaries_need_the_least_padding(count):
    lengths = np.random.default_rng(count).integers(0, 13, 60)
    greatest = lengths.max()
    best = min(
        padded_to_boundaries(lengths, [*inner, greatest])
        for inner in itertools.combinations(range(1, greatest), count - 1)
    )
    boundaries = find_boundaries(lengths, count)
    assert len(boundaries) == count
    assert boundaries[-1] == greatest
    assert padded_to_boundaries(lengths, boundaries) == best


@pytest.mark.parametrize("lengths", [[], [0, 0], [1], [5] * 9, [1, 100_000]])
def test_boundaries_of_odd_lengths(lengths):
    boundaries = find_boundaries(np.array(lengths, np.int64), 8)
    assert boundaries[-1] == max([1, *lengths])
    assert list(boundaries) == sorted(set(boundaries))
    assert boundaries[0] >= 1


CONFIGS = [
    BatchConfig(),
    BatchConfig(static_shapes=True),
    BatchConfig(tokens=2_000),
    BatchConfig(tokens=100, static_shapes=True),
    BatchConfig(shuffle=False),
    BatchConfig(buckets=(50, 100, 1000), static_shapes=True),
    BatchConfig(bucket_count=1, batch_size=7),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_every_text_comes_once(config):
    boundaries = config.buckets or find_boundaries(LENGTHS, config.bucket_count)
    batches = plan_epoch(LENGTHS, boundaries, config, seed=1, epoch=0)
    assert sorted(np.concatenate([batch.rows for batch in batches])) == list(range(len(LENGTHS)))
    partial = 0
    for batch in batches:
        longest = LENGTHS[batch.rows].max()
        bucket = next(boundary for boundary in boundaries if boundary >= longest)
        assert batch.width == (bucket if config.static_shapes else longest) or batch.width in boundaries
        assert batch.width >= longest
        if config.tokens is None:
            partial += len(batch.rows) != config.batch_size
        else:
            assert len(batch.rows) == 1 or len(batch.rows) * batch.width <= config.tokens
    assert partial <= 1


def test_the_remainder_is_dropped_if_wanted():
    config = BatchConfig(batch_size=32, drop_remainder=True)
    batches = plan_epoch(LENGTHS, find_boundaries(LENGTHS, 8), config, 1, 0)
    assert {len(batch.rows) for batch in batches} == {32}
    assert len(batches) == len(LENGTHS) // 32


def test_static_shapes_are_as_many_as_buckets():
    config = BatchConfig(batch_size=8, static_shapes=True, drop_remainder=True)
    boundaries = find_boundaries(LENGTHS, 6)
    shapes = {
        (len(batch.rows), batch.width)
        for epoch in range(3)
        for batch in plan_epoch(LENGTHS, boundaries, config, 1, epoch)
    }
    assert shapes == {(8, boundary) for boundary in boundaries}


def plan(seed, epoch, config=CONFIGS[0]):
    return [batch.rows.tolist() for batch in plan_epoch(LENGTHS, find_boundaries(LENGTHS, 8), config, seed, epoch)]


def test_seed_and_epoch_decide_the_order():
    assert plan(1, 0) == plan(1, 0)
    assert plan(1, 0) != plan(1, 1)
    assert plan(1, 0) != plan(2, 0)
    assert sorted(map(sorted, plan(1, 0))) != sorted(
        map(sorted, plan(1, 1))
    )  # other companions, not only another order
    assert plan(-1, 0) == plan(-1, 0)
    assert len({len(plan(1, epoch)) for epoch in range(5)}) == 1


def test_lengths_come_mixed():
    """Short and long batches alternate at random; sorted ones would teach short texts first."""
    widths = [batch.width for batch in plan_epoch(LENGTHS, find_boundaries(LENGTHS, 8), BatchConfig(), 1, 0)]
    assert abs(np.corrcoef(widths, np.arange(len(widths)))[0, 1]) < 0.3


def test_buckets_save_padding():
    one = plan_epoch(LENGTHS, find_boundaries(LENGTHS, 1), BatchConfig(), 1, 0)
    many = plan_epoch(LENGTHS, find_boundaries(LENGTHS, 12), BatchConfig(), 1, 0)
    assert padding_share(many, LENGTHS) < 0.15 < 0.5 < padding_share(one, LENGTHS)


def test_padding_share_is_counted():
    batches = plan_epoch(np.array([1, 2, 3]), (3,), BatchConfig(batch_size=3), 1, 0)
    assert padding_share(batches, np.array([1, 2, 3])) == pytest.approx(3 / 9)


def as_lists(dataset):
    return [(ids.tolist(), labels.tolist()) for ids, labels in dataset.as_numpy_iterator()]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 9), st.booleans())
def test_datasets_hold_what_was_planned(lengths, batch_size, static):
    config = BatchConfig(batch_size=batch_size, static_shapes=static)
    texts = texts_of(lengths)
    batches = plan_epoch(texts.lengths, find_boundaries(texts.lengths, 3), config, 1, 0)
    for batch, (ids, labels) in zip(batches, as_lists(BatchReader(texts).dataset(batches)), strict=True):
        assert ids == [[row + 1] * lengths[row] + [0] * (batch.width - lengths[row]) for row in batch.rows]
        assert labels == [row % 5 for row in batch.rows]


def test_skipping_continues_where_it_left_off():
    texts = texts_of(LENGTHS)
    batches = plan_epoch(texts.lengths, find_boundaries(texts.lengths, 8), BatchConfig(), 3, 2)
    reader = BatchReader(texts)
    assert as_lists(reader.dataset(batches).skip(50)) == as_lists(reader.dataset(batches))[50:]


def test_shapes_are_static_where_all_batches_agree():
    texts = texts_of([4] * 8)
    config = BatchConfig(batch_size=4, static_shapes=True)
    spec = BatchReader(texts).dataset(plan_epoch(texts.lengths, (4,), config, 1, 0)).element_spec
    assert [part.shape.as_list() for part in spec] == [[4, 4], [4]]
    spec = (
        BatchReader(texts_of([1, 4, 2])).dataset(plan_in_order(np.array([1, 4, 2]), (4,), BatchConfig())).element_spec
    )
    assert [part.shape.as_list() for part in spec] == [[3, 4], [3]]


@pytest.mark.parametrize("static", [False, True])
def test_evaluation_is_in_file_order(static):
    config = BatchConfig(evaluation_batch_size=7, static_shapes=static)
    boundaries = find_boundaries(LENGTHS[:100], 8)
    batches = plan_in_order(LENGTHS[:100], boundaries, config)
    assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(100))
    for batch in batches:
        longest = LENGTHS[batch.rows].max()
        assert batch.width == (next(b for b in boundaries if b >= longest) if static else longest)

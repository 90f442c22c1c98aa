"""Dividing rows into training and validation."""

import numpy as np
import pytest

from pipelines.errors import DataError
from pipelines.survey import TRAIN, UNUSED, VALIDATION, choose_rows, order_labels, split_rows

RANDOM = np.random.default_rng(4)
KEYS = RANDOM.integers(0, 2**63, 1000).astype(np.uint64)
LABELS = np.repeat([0, 1, 2], [600, 380, 20]).astype(np.int32)
ALL = np.ones(1000, bool)


def test_each_label_gives_its_share():
    split = split_rows(KEYS, LABELS, ALL, 0.1)
    assert [int((split[label == LABELS] == VALIDATION).sum()) for label in range(3)] == [60, 38, 2]
    assert set(split.tolist()) == {TRAIN, VALIDATION}
    assert (split_rows(KEYS, LABELS, ALL, 0.0) == TRAIN).all()


def test_equal_texts_stay_together():
    keys = np.concatenate([KEYS, KEYS[:500], KEYS[:100]])
    labels = np.concatenate([LABELS, LABELS[:500], (LABELS[:100] + 1) % 3])  # the last ones contradict
    split = split_rows(keys, labels, np.ones(1600, bool), 0.3)
    for name in (TRAIN, VALIDATION):
        assert not set(keys[split == name].tolist()) & set(keys[split != name].tolist())
    assert 0.2 < (split == VALIDATION).mean() < 0.4


def test_the_order_of_rows_does_not_matter():
    order = RANDOM.permutation(1000)
    assert (split_rows(KEYS[order], LABELS[order], ALL, 0.1) == split_rows(KEYS, LABELS, ALL, 0.1)[order]).all()


def test_rare_labels_are_trained_on_and_validated():
    labels = np.array([0] * 20 + [1] * 3 + [2] * 2)
    split = split_rows(KEYS[:25], labels, ALL[:25], 0.1)
    assert [(split[labels == label] == VALIDATION).sum() for label in range(3)] == [2, 1, 0]


def test_a_limit_takes_some_of_all():
    chosen = choose_rows(KEYS, 200)
    assert chosen.sum() == 200
    assert 80 < chosen[:600].sum() < 160  # not simply the first rows
    assert choose_rows(KEYS, None).all()
    assert choose_rows(KEYS, 5000).all()
    split = split_rows(KEYS, LABELS, chosen, 0.1)
    assert ((split == UNUSED) == ~chosen).all()


def test_labels_are_ordered():
    assert order_labels(["b", "a", "b"], "x") == ["a", "b"]
    assert order_labels(["10", "9", "-1"], "x") == ["-1", "9", "10"]


def test_labels_that_are_no_classes():
    with pytest.raises(DataError, match="all rows of x have the label 'a'"):
        order_labels(["a", "a"], "x")
    with pytest.raises(DataError, match="label_column"):
        order_labels([str(number) for number in range(50)], "x")

"""Sampling with settings of the run: equal to the samplers whose settings are fixed, draw by draw."""

import numpy as np
import pytest
from keras import ops

from keras_seq.decoding import Sampling, TopKSampling, TopPSampling
from keras_seq.decoding.adjustable_sampling import AdjustableSampling

RANDOM = np.random.default_rng(5)
LOGITS = RANDOM.normal(size=(6, 2, 17)).astype("float32") * 2
NOISE = RANDOM.random((40, 6, 2)).astype("float32")


def drawn(strategy, numpy, logits=LOGITS):
    return np.stack([numpy(strategy.draw(ops.convert_to_tensor(logits), ops.convert_to_tensor(one))) for one in NOISE])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("k", "p"), [(4, 1.0), (0, 0.7), (5, 0.6), (1, 1.0)])
def test_same_frequencies_and_support_as_the_fixed_samplers(temperature, k, p, numpy):
    fixed = TopKSampling(k, temperature) if p == 1 else TopPSampling(p, k or None, temperature)
    expected = drawn(fixed, numpy)
    settings = {"temperature": np.float32(temperature), "k": np.int32(k), "p": np.float32(p)}
    got = drawn(AdjustableSampling(**settings), numpy)
    np.testing.assert_array_equal(got, expected)


def test_all_tokens_can_be_drawn_without_limits(numpy):
    logits = np.zeros((1, 2, 3), "float32")
    got = {int(token) for token in drawn(AdjustableSampling(), numpy, np.repeat(logits, 6, axis=0)).ravel()}
    assert got == {0, 1, 2}
    assert type(AdjustableSampling()).__mro__[1] is type(Sampling()).__mro__[1]


def test_temperature_zero_is_greedy_and_rows_have_their_own_settings(numpy):
    temperature = np.array([0, 0, 0, 1, 1, 1], "float32")
    k = np.array([0, 3, 0, 1, 0, 0], "int32")
    got = drawn(AdjustableSampling(temperature, k), numpy)
    best = LOGITS.argmax(-1)
    for row in range(4):
        assert (got[:, row] == best[row]).all()
    assert len(np.unique(got[:, 4])) > 3

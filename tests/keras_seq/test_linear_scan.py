"""Linear recurrences in parallel over time: the same numbers and the same gradients as step by step."""

import numpy as np
import pytest
from cases import MASKS, Case
from differentiation import gradients
from keras import ops

CASES = [
    *("sru", "sru_highway", "sru_peephole", "min_gru", "min_gru_tanh", "min_lstm", "qrnn", "qrnn_f", "qrnn_ifo"),
]
# On TensorFlow these have a gradient that was derived by hand, and the others share that of the scan.
RNG = np.random.default_rng(4)


def loss_of(layer, case, mask):
    """A loss that reaches every output and every final state with its own weight."""
    factors = np.random.default_rng(3)
    factors = [factors.normal(size=tensor.shape) for tensor in layer(case.sequences, mask=mask)]

    def loss(x):
        results = layer(x, initial_state=case.states, mask=mask, training=True)
        return sum(ops.sum(tensor * factor) for tensor, factor in zip(results, factors, strict=True))

    return loss


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
@pytest.mark.parametrize("mask_name", ["none", "holed", "empty"])
def test_gradients_are_those_of_the_loop(name, options, mask_name):
    """The loop that is written out knows nothing of linear cells, and is differentiated automatically."""
    case = Case(name, dtype="float64")
    mask = None if MASKS[mask_name] is None else np.array(MASKS[mask_name], bool)
    results = []
    for unroll in (False, True):
        layer = case.layer(return_sequences=True, return_state=True, unroll=unroll, dtype="float64", **options)
        results.append(gradients(loss_of(layer, case, mask), layer, case.sequences.astype("float64")))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-11)

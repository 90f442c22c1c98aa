"""What the parity suite leaves open about the relatives of the LSTM and the GRU: their start, their biases, errors."""

import numpy as np
import pytest
from cases import FEATURES, Case

import keras_seq

LSTMS = {
    "peephole_lstm": (slice(3, 6), 12),
    "coupled_lstm": (slice(0, 3), 9),
    "projected_lstm": (slice(3, 6), 12),
    "layer_norm_lstm": (slice(3, 6), 12),
}
BIASED = [*LSTMS, "layer_norm_elman", "layer_norm_gru", "mgu", "indrnn", "nas_projected"]


@pytest.mark.parametrize("name", LSTMS)
def test_forget_gate_starts_open(name):
    forget, width = LSTMS[name]
    for unit_forget_bias in (True, False):
        cell = Case(name).make(unit_forget_bias=unit_forget_bias)
        cell.build((None, FEATURES))
        expected = np.zeros(width)
        expected[forget] = float(unit_forget_bias)
        np.testing.assert_array_equal(cell.get_weights()[2], expected)


@pytest.mark.parametrize("name", BIASED)
def test_without_bias_equals_a_bias_of_zero(name, numpy):
    case = Case(name)
    options = {"projection": 2} if "projected" in name else {}
    bare = type(case.cell)(3, use_bias=False, **options)
    bare.build((None, FEATURES))
    biases = [variable.name.endswith("bias") for variable in case.cell.weights]
    assert any(biases)
    assert not any(variable.name.endswith("bias") for variable in bare.weights)
    kept = zip(case.weights, biases, strict=True)
    bare.set_weights([weight for weight, is_bias in kept if not is_bias])
    zeroed = [np.zeros_like(w) if is_bias else w for w, is_bias in zip(case.weights, biases, strict=True)]
    x = case.sequences[:, 0]
    np.testing.assert_allclose(numpy(bare(x, case.states)[0]), case.step(zeroed, x, case.states)[0], atol=1e-5)


@pytest.mark.parametrize("name", ["layer_norm_elman", "layer_norm_lstm", "layer_norm_gru"])
def test_gains_start_at_one_and_epsilon_counts(name, numpy):
    case = Case(name)
    cell = case.make(epsilon=10.0)
    cell.build((None, FEATURES))
    gains = [w for w in cell.weights if w.name.endswith("gain")]
    assert len(gains) == {"layer_norm_elman": 1, "layer_norm_lstm": 3, "layer_norm_gru": 2}[name]
    for gain in gains:
        np.testing.assert_array_equal(numpy(gain.value), np.ones(gain.shape))
    cell.set_weights(case.weights)
    x = case.sequences[:, 0]
    assert np.abs(numpy(cell(x, case.states)[0]) - numpy(case.cell(x, case.states)[0])).max() > 0.05


def test_peepholes_of_zero_make_an_lstm(numpy):
    case = Case("lstm")
    cell = keras_seq.PeepholeLSTMCell(3, peephole_initializer="zeros")
    cell.build((None, FEATURES))
    cell.set_weights([*case.weights, *cell.get_weights()[3:]])
    x = case.sequences[:, 0]
    np.testing.assert_array_equal(numpy(cell(x, case.states)[0]), numpy(case.cell(x, case.states)[0]))


def test_sizes_with_a_projection(numpy):
    for cell in (keras_seq.ProjectedLSTMCell(5, 2), keras_seq.NASCell(5, projection=2)):
        layer = keras_seq.Recurrent(cell, return_state=True)
        output, h, c = numpy(layer(np.random.default_rng(0).normal(size=(3, 4, FEATURES)).astype("float32")))
        assert (output.shape, h.shape, c.shape) == ((3, 2), (3, 2), (3, 5))
        np.testing.assert_array_equal(output, h)
        assert cell.recurrent_kernel.shape[0] == 2


@pytest.mark.parametrize("projection", [0, -1, 2.5, "2", True])
def test_wrong_projection_is_refused(projection):
    for kind in (keras_seq.ProjectedLSTMCell, keras_seq.NASCell):
        with pytest.raises(ValueError, match=r"`projection` must be a positive integer. Received: projection="):
            kind(3, projection=projection)


def test_arguments_that_a_cell_does_not_have_are_refused():
    with pytest.raises(TypeError, match="reset_after"):
        keras_seq.LayerNormGRUCell(3, reset_after=False)
    with pytest.raises(TypeError, match="activation"):
        keras_seq.NASCell(3, activation="relu")

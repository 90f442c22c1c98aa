import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 12, 4)).astype("float32")


def test_modules_change_at_their_own_rate(numpy):
    layer = keras_seq.Recurrent(keras_seq.ClockworkCell(6, periods=(1, 3, 4)), return_sequences=True)
    outputs = numpy(layer(X))
    before = np.concatenate([np.zeros((2, 1, 6)), outputs[:, :-1]], axis=1)
    changed = (outputs != before).all(axis=0)
    kept = (outputs == before).all(axis=0)
    for module, period in enumerate((1, 3, 4)):
        ticks = np.arange(12) % period == 0
        units = slice(2 * module, 2 * module + 2)
        assert changed[ticks, units].all()
        assert kept[~ticks, units].all()


def test_fast_modules_do_not_speak_to_slow_ones(numpy):
    cell = keras_seq.ClockworkCell(6, periods=(1, 2, 4))
    cell.build((None, 4))
    kernel, recurrent_kernel, bias = cell.get_weights()
    assert not recurrent_kernel[:2, 2:].any()
    assert not recurrent_kernel[2:4, 4:].any()
    assert np.count_nonzero(recurrent_kernel) == 6 * 4
    cell.set_weights([kernel, np.ones((6, 6)), bias])  # what is not used changes nothing
    h, clock = np.random.default_rng(1).normal(size=(2, 6)).astype("float32"), np.zeros((2, 3), "float32")
    other = h.copy()
    other[:, :2] += 1
    one, two = (numpy(cell(X[:, 0], [state, clock])[0]) for state in (h, other))
    np.testing.assert_array_equal(one[:, 2:], two[:, 2:])
    assert (one[:, :2] != two[:, :2]).all()


@pytest.mark.parametrize(("units", "periods"), [(8, (1, 2, 4, 8)), (6, (1, 2, 4)), (5, (1,))])
def test_default_periods_fit_the_units(units, periods):
    assert keras_seq.ClockworkCell(units).periods == periods


@pytest.mark.parametrize("periods", [(), (1, 0), (1, 2.5), 3])
def test_wrong_periods_are_refused(periods):
    with pytest.raises(ValueError, match=r"`periods` must list positive integers. Received"):
        keras_seq.ClockworkCell(6, periods=periods)


def test_units_that_modules_cannot_share_are_refused():
    with pytest.raises(ValueError, match=r"multiple of the number of periods, 4. Received: units=6"):
        keras_seq.ClockworkCell(6, periods=(1, 2, 4, 8))


def test_a_period_that_half_precision_cannot_count_is_refused():
    with pytest.raises(ValueError, match=r"counts to 256: use float32"):
        keras_seq.ClockworkCell(6, periods=(1, 512), dtype="mixed_bfloat16")

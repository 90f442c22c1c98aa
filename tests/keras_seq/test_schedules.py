"""Learning rate schedules, against their equations."""

import keras
import numpy as np
import pytest

from keras_seq.training import InverseSquareRootSchedule, NoamSchedule

STEPS = np.array([0, 1, 9, 10, 11, 100, 12345])


def test_noam(numpy):
    schedule = NoamSchedule(64, warmup_steps=10, scale=2.0)
    n = STEPS + 1.0
    expected = 2 * 64**-0.5 * np.minimum(n**-0.5, n * 10**-1.5)
    np.testing.assert_allclose([numpy(schedule(step)) for step in STEPS], expected, rtol=1e-5)


def test_inverse_square_root(numpy):
    schedule = InverseSquareRootSchedule(0.3, warmup_steps=10)
    expected = [0.03, 0.06, 0.3, 0.3 * np.sqrt(10 / 11), 0.3 * np.sqrt(10 / 12), 0.3 * np.sqrt(10 / 101)]
    expected.append(0.3 * np.sqrt(10 / 12346))
    np.testing.assert_allclose([numpy(schedule(step)) for step in STEPS], expected, rtol=1e-5)


@pytest.mark.parametrize("schedule", [NoamSchedule(64, 3), InverseSquareRootSchedule(0.1, 3)])
def test_an_optimizer_follows(schedule, numpy):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.fit(np.ones((4, 2)), np.ones(4), batch_size=1, verbose=0)
    np.testing.assert_allclose(numpy(model.optimizer.learning_rate), numpy(schedule(4)), rtol=1e-6)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
    assert again._learning_rate.get_config() == schedule.get_config()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`warmup_steps` must be positive. Received"):
        NoamSchedule(64, 0)
    with pytest.raises(ValueError, match=r"`warmup_steps` must be positive. Received"):
        InverseSquareRootSchedule(0.1, -1)

import keras
import numpy as np
import numpy_cells
import pytest

import keras_seq

RNG = np.random.default_rng(3)
VECTORS = RNG.normal(size=(3, 4)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
class InputEchoCell(keras_seq.RecurrentCell):
    """Puts out its input."""

    def __init__(self, size=4, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = size

    def build(self, input_shape):
        self.built = True

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False):
        return projected, [projected]


def test_what_each_step_is_fed(numpy):
    first = numpy(keras_seq.VectorToSequence(InputEchoCell(), steps=3)(VECTORS))
    np.testing.assert_array_equal(first, np.stack([VECTORS, 0 * VECTORS, 0 * VECTORS], axis=1))
    every = numpy(keras_seq.VectorToSequence(InputEchoCell(), steps=3, feed="every")(VECTORS))
    np.testing.assert_array_equal(every, np.stack([VECTORS] * 3, axis=1))


@pytest.mark.parametrize("feed", ["first", "every"])
def test_equals_the_equations(feed, numpy):
    cell = keras_seq.LSTMCell(5)
    model = keras_seq.VectorToSequence(cell, steps=4, feed=feed, outputs=2)
    model(VECTORS)
    cell.set_weights([RNG.normal(size=w.shape) for w in cell.weights])
    start = [RNG.normal(size=(3, 5)).astype("float32") for _ in range(2)]
    outputs = numpy(model(VECTORS, initial_state=start))
    assert outputs.shape == (3, 4, 2)
    states, (kernel, bias) = start, model.head.get_weights()
    for t in range(4):
        x = VECTORS if t == 0 or feed == "every" else np.zeros_like(VECTORS)
        h, states = numpy_cells.lstm([np.asarray(w) for w in cell.get_weights()], x, states)
        np.testing.assert_allclose(outputs[:, t], h @ kernel + bias, atol=1e-5)


def test_stacked_layers(numpy):
    stack = keras_seq.Stacked([keras_seq.Recurrent(keras_seq.GRUCell(3)), keras_seq.Recurrent(keras_seq.GRUCell(2))])
    model = keras_seq.VectorToSequence(stack, steps=4, feed="every")
    outputs = numpy(model(VECTORS))
    np.testing.assert_allclose(outputs, numpy(stack.run(np.repeat(VECTORS[:, None], 4, axis=1))[0]), atol=1e-6)


def test_mask_reaches_the_loss(numpy):
    model = keras_seq.VectorToSequence(InputEchoCell(), steps=3, feed="every")
    mask = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], bool)
    outputs = model(VECTORS, mask=mask)
    np.testing.assert_array_equal(numpy(outputs)[mask], np.repeat(VECTORS, [2, 1, 3], axis=0))
    loss = numpy(keras.losses.MeanSquaredError()(np.zeros((3, 3, 4), "float32"), outputs))
    expected = (np.repeat(VECTORS, [2, 1, 3], axis=0) ** 2).mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_learns_to_count_down():
    """From one number a sequence that falls by one each step; the state has to remember where it is."""
    keras.utils.set_random_seed(0)
    numbers = np.random.default_rng(0).uniform(-1, 1, (128, 1)).astype("float32")
    targets = numbers[:, None] - 0.2 * np.arange(5, dtype="float32")[None, :, None]
    model = keras_seq.VectorToSequence(keras_seq.GRUCell(16), steps=5, outputs=1)
    model.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=keras.backend.backend() == "jax")
    model.fit(numbers, targets, epochs=20, batch_size=32, verbose=0)
    assert model.evaluate(numbers, targets, verbose=0) < 0.01  # the targets' variance is 0.41


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras_seq.VectorToSequence(keras_seq.GRUCell(3), steps=0), "`steps` must be a positive integer"),
        (lambda: keras_seq.VectorToSequence(keras_seq.GRUCell(3), 2, feed="last"), "`feed` must be one of"),
        (lambda: keras_seq.VectorToSequence("gru", 2), "`cell` must be a cell or"),
        (
            lambda: keras_seq.VectorToSequence(keras_seq.GRUCell(3), 2)(np.zeros((2, 3, 4), "float32")),
            r"\[batch, features\]",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

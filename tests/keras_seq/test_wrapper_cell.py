"""Wrappers in wrappers: what each hands on to the cell inside."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0]], bool)


class MemoryCell(keras_seq.RecurrentCell):
    """Puts out its input plus the sum of the valid memory."""

    state_size = output_size = 3

    def build(self, input_shape, memory_shape=None):
        self.memory_shape = memory_shape
        self.built = True

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        return {"sum": ops.sum(ops.where(memory_mask[..., None], memory, 0.0), axis=1)}

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False, constants=None):
        return projected + constants["sum"], states


def deep(cell=None, seed=1):
    cell = keras_seq.SkipThroughTimeCell(cell or keras_seq.LSTMCell(3), 2)
    cell = keras_seq.VariationalDropoutCell(cell, 0.2, 0.3, 0.4, seed=seed)
    cell = keras_seq.ResidualCell(keras_seq.ZoneoutCell(cell, 0.1, seed=seed))
    cell = keras_seq.VariationalDropoutCell(cell, input_dropout=0.1, seed=seed + 1)
    return keras_seq.LearnedInitialStateCell(cell, initializer="ones")


def compiled():
    """Let JAX compile the loop, which `tests/conftest.py` spares the other tests."""
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit(False)


def test_nested_five_deep(numpy):
    """Stepped = whole, in a loop and written out, masked = truncated."""
    cell = deep()
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_state=True)
    outputs, *states = numpy(layer(X, mask=MASK))
    unrolled = keras_seq.Recurrent(cell, return_sequences=True, unroll=True)(X, mask=MASK)
    np.testing.assert_allclose(numpy(unrolled)[MASK], outputs[MASK], atol=1e-6)
    for row in range(4):
        step_states = cell.get_initial_state(1)
        for t in np.flatnonzero(MASK[row]):
            output, step_states = cell(X[row : row + 1, t], step_states)
            np.testing.assert_allclose(numpy(output)[0], outputs[row, t], atol=1e-5)
        for state, step_state in zip(states, step_states, strict=True):
            np.testing.assert_allclose(state[row], numpy(step_state)[0], atol=1e-5)


def test_training_draws_the_same_from_the_same_seed(numpy):
    one, other = (keras_seq.Recurrent(deep(seed=3), return_sequences=True) for _ in range(2))
    one.build(X.shape)
    other.build(X.shape)
    other.set_weights(one.get_weights())
    first = numpy(one(X, mask=MASK, training=True))
    np.testing.assert_allclose(numpy(other(X, mask=MASK, training=True))[MASK], first[MASK], atol=1e-6)
    assert (numpy(one(X, mask=MASK, training=True))[MASK] != first[MASK]).any()


def test_trains_and_comes_back_from_a_file(numpy, tmp_path):
    """Under the `fit` of the backend, which compiles it where it compiles."""
    layer = keras_seq.Recurrent(deep())
    model = keras.Sequential([keras.Input((None, 3)), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    start = [weight.copy() for weight in model.get_weights()]
    with compiled():
        model.fit(X, np.ones((4, 3)), batch_size=4, verbose=0)
    changed = [(now != then).any() for now, then in zip(model.get_weights(), start, strict=True)]
    assert all(changed)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded(X)), numpy(model(X)))


@pytest.mark.parametrize("training", [False, True])
def test_memory_reaches_the_cell_inside(training, numpy):
    inner = MemoryCell()
    cell = keras_seq.ResidualCell(keras_seq.VariationalDropoutCell(inner, output_dropout=0.5, seed=1))
    layer = keras_seq.Recurrent(keras_seq.LearnedInitialStateCell(cell), return_sequences=True)
    memory = np.arange(24, dtype="float32").reshape(4, 2, 3)
    memory_mask = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], bool)
    outputs = numpy(layer(X, memory=memory, memory_mask=memory_mask, training=training)) - X
    expected = X + (memory * memory_mask[..., None]).sum(axis=1, keepdims=True)
    assert tuple(inner.memory_shape) == (4, 2, 3)
    if training:
        dropped = (outputs == 0).all(axis=1, keepdims=True)
        assert dropped.any()
        expected = np.where(dropped, 0, 2 * expected)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_takes_the_dtype_of_its_cell():
    cell = keras_seq.ResidualCell(keras_seq.LSTMCell(3, dtype="mixed_bfloat16"))
    assert cell.dtype_policy.name == "mixed_bfloat16"


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match=r"must be a cell of keras_seq.*Received"):
        keras_seq.ResidualCell(keras.layers.LSTMCell(3))

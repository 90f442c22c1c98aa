"""What a driver hands down to its cells: constants of a sequence, a memory, and masks; with fake cores."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq

X = np.arange(24, dtype="float32").reshape(2, 6, 2)
MEMORY = np.array([[[1.0], [2.0], [100.0]], [[10.0], [20.0], [30.0]]], "float32")
MEMORY_MASK = np.array([[True, True, False], [True, True, True]])


@keras.saving.register_keras_serializable(package="tests")
class MemorySumCell(keras_seq.RecurrentCell):
    """Adds the sum of the valid memory at every step, and counts how often `constants` was asked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = 1
        self.calls = 0

    def build(self, input_shape, memory_shape=None):
        self.memory_shape = memory_shape
        if memory_shape is not None:
            self.scale = self.add_weight(shape=(memory_shape[-1],), initializer="ones", name="scale")
        self.built = True

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        self.calls += 1
        if memory is None:
            return None
        memory = memory * self.computed(self.scale)
        if memory_mask is not None:
            memory = ops.where(memory_mask[..., None], memory, 0.0)
        return {"sum": ops.sum(memory, axis=1), "training": training}

    def project_inputs(self, inputs):
        return inputs

    def step(self, projected, states, training=False, constants=None):
        total = states[0] + (-1.0 if constants is None else constants["sum"])
        assert constants is None or constants["training"] == training
        return total, [total]


def test_constants_are_computed_once_and_reach_every_step(numpy):
    cell = MemorySumCell()
    layer = keras_seq.Recurrent(cell, return_sequences=True)
    layer.build(X.shape, memory_shape=MEMORY.shape)
    outputs = numpy(layer(X, memory=MEMORY, memory_mask=MEMORY_MASK, training=True))
    np.testing.assert_array_equal(outputs[..., 0], [3 * np.arange(1, 7), 60 * np.arange(1, 7)])
    assert cell.calls == 1
    assert cell.memory_shape == MEMORY.shape


def test_without_constants_the_step_is_called_without_them(numpy):
    layer = keras_seq.Recurrent(MemorySumCell())
    np.testing.assert_array_equal(numpy(layer(X)), [[-6], [-6]])


def test_the_mask_of_the_sequences_and_of_the_memory_are_two(numpy):
    mask = np.array([[1, 1, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0]], bool)
    layer = keras_seq.Recurrent(MemorySumCell())
    outputs = numpy(layer(X, mask=mask, memory=MEMORY, memory_mask=MEMORY_MASK))
    np.testing.assert_array_equal(outputs, [[2 * 3], [3 * 60]])


def recurrent(**options):
    return keras_seq.Recurrent(MemorySumCell(), **options)


DRIVERS = {
    "recurrent": (lambda: recurrent(return_sequences=True), [6, 6]),
    "bidirectional": (lambda: keras_seq.Bidirectional(recurrent(return_sequences=True), merge_mode="sum"), [7, 7]),
    "stacked": (lambda: keras_seq.Stacked([recurrent(), recurrent()], return_sequences=True), [6, 6]),
    # The top level makes 3 steps.
    "sliced": (lambda: keras_seq.Sliced(MemorySumCell(), slices=3, levels=1), [3, 3]),
    # Segments of 4 steps: the last step is the second of its segment.
    "segmented": (lambda: keras_seq.Segmented(recurrent(), 4), [2, 2]),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_hands_memory_down(name, numpy, tmp_path):
    make, steps = DRIVERS[name]
    sequences, memory = keras.Input((None, 2)), keras.Input((None, 1))
    memory_mask = keras.Input((None,), dtype="bool")
    model = keras.Model([sequences, memory, memory_mask], make()(sequences, memory=memory, memory_mask=memory_mask))
    inputs = [X, MEMORY, MEMORY_MASK]
    outputs = numpy(model(inputs))
    last = outputs[:, 0] if outputs.ndim == 2 else outputs[:, -1, 0]
    np.testing.assert_array_equal(last, [3 * steps[0], 60 * steps[1]])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded(inputs)), outputs)


def test_cells_that_need_no_memory_ignore_one(numpy):
    layer = keras_seq.Stacked([keras_seq.Recurrent(keras_seq.GRUCell(2)), recurrent()])
    np.testing.assert_array_equal(numpy(layer(X, memory=MEMORY)), [[6 * 103], [6 * 60]])


def test_attached_mask_holds_beside_an_initial_state(numpy):
    """Keras looks for an attached mask only in a call with one tensor."""
    ids = np.array([[3, 4, 0, 0], [5, 6, 7, 8]])
    embedded = keras.layers.Embedding(9, 2, mask_zero=True)(ids)
    layer = keras_seq.Recurrent(MemorySumCell())
    np.testing.assert_array_equal(numpy(layer(embedded, initial_state=np.zeros((2, 1), "float32"))), [[-2], [-4]])
    segmented = keras_seq.Segmented(recurrent(), 4, shift=False)
    memory = np.ones((2, 3, 1), "float32")
    np.testing.assert_array_equal(numpy(segmented(embedded, memory=memory))[:, -1], [[6], [12]])

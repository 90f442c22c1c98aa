import keras
import numpy as np
import numpy_cells
import pytest
from keras import ops

import keras_seq

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 13, 4)).astype("float32")
MASKS = {
    "none": None,
    "right": np.arange(13)[None] < np.array([[13], [7], [3]]),
    "left": np.arange(13)[None] >= np.array([[0], [5], [12]]),
    "holed": np.random.default_rng(6).random((3, 13)) < 0.6,
    "empty": np.array([[True] * 13, [False] * 13, [False] * 5 + [True] * 8]),
}
CELLS = {
    "elman": (keras_seq.ElmanCell, numpy_cells.elman),
    "lstm": (keras_seq.LSTMCell, numpy_cells.lstm),
    "gru": (keras_seq.GRUCell, numpy_cells.gru_reset_after),
}
UNITS = (3, 5, 2)  # of the levels


@keras.saving.register_keras_serializable(package="tests")
class CountCell(keras_seq.RecurrentCell):
    """Adds up its first feature, which for inputs of one is a count."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = 1

    def build(self, input_shape):
        self.built = True

    def project_inputs(self, inputs):
        return inputs[..., :1]

    def step(self, projected, states, training=False):
        total = states[0] + projected
        return total, [total]


@keras.saving.register_keras_serializable(package="tests")
class StepCountCell(CountCell):
    """Counts its steps."""

    def step(self, projected, states, training=False):
        count = states[0] + 1
        return count, [count]


def make(name, levels, slices, **options):
    kind, step = CELLS[name]
    cells = [kind(units) for units in UNITS[: levels + 1]]
    layer = keras_seq.Sliced(cells, slices=slices, levels=levels, **options)
    layer.build((None, None, 4))
    for cell in cells:
        cell.set_weights([RNG.normal(size=w.shape, scale=0.7) for w in cell.weights])
    return layer, cells, step


def last_state(step, cell, sequence, states=None):
    """Run a NumPy step over `[time, features]`; the last output and the final states."""
    states = states or [np.zeros((1, size)) for size in cell.state_sizes]
    output = np.zeros((1, cell.output_size))
    weights = [np.asarray(w, "float64") for w in cell.get_weights()]
    for x in sequence:
        output, states = step(weights, x[None], states)
    return output[0], [state[0] for state in states]


def recursion(step, cells, sequence, length, slices, states=None):
    """The definition: slices of slices of `length * slices ** level` steps, skipping those that do not exist."""
    if len(cells) > 1:
        size = length * slices ** (len(cells) - 2)
        parts = [sequence[start : start + size] for start in range(0, len(sequence), max(size, 1))]
        sequence = [recursion(step, cells[:-1], part, length, slices)[0] for part in parts]
    return last_state(step, cells[-1], sequence, states)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("levels", "slices"), [(0, 2), (1, 3), (2, 2)])
def test_equals_the_recursion_over_valid_steps(name, mask, levels, slices, numpy):
    layer, cells, step = make(name, levels, slices, return_state=True)
    mask = MASKS[mask]
    start = [RNG.normal(size=(3, size)).astype("float32") for size in layer.state_size]
    output, *states = numpy(layer(X, initial_state=start, mask=mask, training=True))
    for row in range(3):
        valid = X[row] if mask is None else X[row][mask[row]]
        length = -(-len(valid) // slices**levels)
        initial = [state[row][None].astype("float64") for state in start]
        expected, expected_states = recursion(step, cells, valid.astype("float64"), length, slices, initial)
        np.testing.assert_allclose(output[row], expected, atol=2e-5)
        for state, expected_state in zip(states, expected_states, strict=True):
            np.testing.assert_allclose(state[row], expected_state, atol=2e-5)


def test_full_slices_are_a_plain_reshape(numpy):
    """Yu and Liu's own case: 8 steps, n = 2, k = 2, so 4 minimum slices of 2 steps."""
    layer, cells, _ = make("gru", 2, 2)
    x = X[:, :8]
    bottom, middle, top = (keras_seq.Recurrent(cell) for cell in cells)
    h0 = [bottom(x[:, i : i + 2]) for i in range(0, 8, 2)]
    h1 = [middle(ops.stack(h0[i : i + 2], axis=1)) for i in (0, 2)]
    np.testing.assert_allclose(numpy(layer(x)), numpy(top(ops.stack(h1, axis=1))), atol=1e-6)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("length", [1, 5, 8, 13])
def test_every_valid_step_is_read_once(length, numpy):
    ones = np.ones((2, length, 1), "float32")
    layer = keras_seq.Sliced([CountCell() for _ in range(3)], slices=2, levels=2)
    np.testing.assert_array_equal(numpy(layer(ones)), [[length], [length]])
    mask = np.arange(length)[None] % 3 < np.array([[1], [2]])
    np.testing.assert_array_equal(numpy(layer(ones, mask=mask)), mask.sum(axis=1, keepdims=True))


def test_slices_without_a_step_are_skipped(numpy):
    """Nine steps in four slices are 3, 3, 3 and none: the upper level makes three steps, not four."""
    layer = keras_seq.Sliced([CountCell(), StepCountCell()], slices=4, levels=1)
    np.testing.assert_array_equal(numpy(layer(np.ones((1, 9, 1), "float32"))), [[3]])
    mask = np.arange(12)[None] < np.array([[9], [2], [0]])
    np.testing.assert_array_equal(numpy(layer(np.ones((3, 12, 1), "float32"), mask=mask)), [[3], [2], [0]])


def test_bidirectional_and_stacked_layers(numpy):
    both = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(3)))
    stack = keras_seq.Stacked([keras_seq.Recurrent(keras_seq.GRUCell(2)), keras_seq.Recurrent(keras_seq.LSTMCell(5))])
    layer = keras_seq.Sliced([both, stack], slices=3, levels=1, return_state=True)
    outputs = numpy(layer(X[:, :12]))
    parts = [both(X[:, i : i + 4]) for i in range(0, 12, 4)]
    np.testing.assert_allclose(outputs[0], numpy(stack(ops.stack(parts, axis=1))), atol=1e-6)
    assert [state.shape for state in outputs[1:]] == [(3, 2), (3, 5), (3, 5)]


def test_one_cell_gives_every_level_its_own_weights():
    layer = keras_seq.Sliced(keras_seq.GRUCell(3), slices=2, levels=2)
    layer(X)
    kernels = [level.cell.get_weights()[1] for level in layer.layers]
    assert len({kernel.tobytes() for kernel in kernels}) == 3
    assert len(layer.trainable_variables) == 9


@pytest.mark.usefixtures("uncompiled")
def test_unknown_lengths_in_a_functional_model(numpy):
    inputs, mask = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
    layer = keras_seq.Sliced(keras_seq.GRUCell(3), slices=2, levels=2)
    model = keras.Model([inputs, mask], layer(inputs, mask=mask))
    plain = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, 3)
    for each in (model, plain):
        each.compile(jit_compile=False)
    for length in (3, 13):
        x, valid = X[:, :length], MASKS["holed"][:, :length]
        np.testing.assert_allclose(model.predict([x, valid], verbose=0), numpy(layer(x, mask=valid)), atol=1e-6)
        np.testing.assert_allclose(plain.predict(x, verbose=0), numpy(layer(x)), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras_seq.Sliced(keras_seq.GRUCell(3), slices=1), "`slices` must be an integer of at least 2"),
        (lambda: keras_seq.Sliced(keras_seq.GRUCell(3), levels=-1), "`levels` must be an integer of at least 0"),
        (lambda: keras_seq.Sliced([keras_seq.GRUCell(3)], levels=2), "needs 3 layers. Received: 1 layers"),
        (lambda: keras_seq.Sliced(keras.layers.Dense(3)), "must be a cell or"),
        (lambda: keras_seq.Sliced(keras_seq.GRUCell(3)).run(X, keep_all=True), "no outputs of single steps"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

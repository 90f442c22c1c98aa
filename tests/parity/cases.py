"""Cells with random asymmetric weights, each beside its NumPy oracle; a new cell joins by one entry of `CELLS`."""

import numpy as np
import numpy_cells

import keras_seq

CELLS = {
    "elman": (keras_seq.ElmanCell, {}, numpy_cells.elman),
    "elman_relu": (
        keras_seq.ElmanCell,
        {"activation": "relu"},
        lambda w, x, s: numpy_cells.elman(w, x, s, lambda a: np.maximum(a, 0)),
    ),
    "lstm": (keras_seq.LSTMCell, {}, numpy_cells.lstm),
    "gru": (keras_seq.GRUCell, {}, numpy_cells.gru_reset_after),
    "gru_reset_before": (keras_seq.GRUCell, {"reset_after": False}, numpy_cells.gru_reset_before),
}

MASKS = {
    "none": None,
    "right": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]],
    "left": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1]],
    "holed": [[1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 1, 0], [1, 1, 0, 0, 1, 1]],
    "empty": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]],
}

FEATURES, UNITS, BATCH, TIME = 4, 3, 3, 6


class Case:
    """A cell with random weights, inputs for it, and its oracle."""

    def __init__(self, name, dtype="float32"):
        kind, options, self.step = CELLS[name]
        self.name = name
        self.rng = np.random.default_rng(7)
        self.make = lambda **more: kind(UNITS, **options, **more)
        self.cell = self.make(dtype=dtype)
        self.cell.build((None, FEATURES))
        self.weights = [self.rng.normal(size=w.shape, scale=0.7) for w in self.cell.weights]
        self.cell.set_weights(self.weights)
        self.sequences = self.rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
        self.states = [self.rng.normal(size=(BATCH, size)).astype("float32") for size in self.cell.state_sizes]

    def layer(self, **options):
        layer = keras_seq.Recurrent(self.cell, **options)
        layer.build((None, None, FEATURES))
        return layer

    def oracle(self, mask=None, states=None, reverse=False, sequences=None):
        sequences = self.sequences if sequences is None else sequences
        states = states or [np.zeros((len(sequences), size)) for size in self.cell.state_sizes]
        return numpy_cells.run(self.step, self.weights, sequences.astype("float64"), states, mask, reverse)

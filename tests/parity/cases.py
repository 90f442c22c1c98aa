"""Cells with random asymmetric weights, each beside its NumPy oracle; a new cell joins by one entry of `CELLS`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy_cells
import numpy_gated
import numpy_linear
import numpy_memory

import keras_seq

FEATURES, UNITS, BATCH, TIME = 4, 3, 3, 6


def random_weights(rng, variables):
    """Values for the weights of a cell, in the order of `cell.weights`; a fixed weight keeps its value."""
    return [rng.normal(size=v.shape, scale=0.7) if v.trainable else np.array(v) for v in variables]


def random_states(rng, sizes):
    """States to start from, `[batch, size]`."""
    return [rng.normal(size=(BATCH, size)) for size in sizes]


class Entry(NamedTuple):
    """A cell under test.

    `make(units, **options)` gives the cell; `oracle(weights, x, states)` one step of it in NumPy, as `(output, states)`
    with the weights in the order of `cell.weights`. A cell whose weights or states cannot be any numbers draws its own.
    A `noisy` cell draws random numbers while training.
    """

    make: Callable[..., Any]
    options: dict[str, Any]
    oracle: Callable[..., Any]
    weights: Callable[..., Any] = random_weights
    states: Callable[..., Any] = random_states
    noisy: bool = False


def around(wrapper):
    """Makes a wrapper around an LSTM."""
    return lambda units, dtype=None, **options: wrapper(keras_seq.LSTMCell(units, dtype=dtype), **options)


def doubled(cell):
    """Makes a cell of twice as many units, which halves can share."""
    return lambda units, **options: cell(2 * units, **options)


CELLS = {
    "elman": Entry(keras_seq.ElmanCell, {}, numpy_cells.elman),
    "elman_relu": Entry(
        keras_seq.ElmanCell,
        {"activation": "relu"},
        lambda w, x, s: numpy_cells.elman(w, x, s, lambda a: np.maximum(a, 0)),
    ),
    "lstm": Entry(keras_seq.LSTMCell, {}, numpy_cells.lstm),
    "gru": Entry(keras_seq.GRUCell, {}, numpy_cells.gru_reset_after),
    "gru_reset_before": Entry(keras_seq.GRUCell, {"reset_after": False}, numpy_cells.gru_reset_before),
    "irnn": Entry(keras_seq.IRNNCell, {}, lambda w, x, s: numpy_cells.elman(w, x, s, numpy_gated.relu)),
    "peephole_lstm": Entry(keras_seq.PeepholeLSTMCell, {}, numpy_gated.peephole_lstm),
    "coupled_lstm": Entry(keras_seq.CoupledLSTMCell, {}, numpy_gated.coupled_lstm),
    "projected_lstm": Entry(keras_seq.ProjectedLSTMCell, {"projection": 2}, numpy_gated.projected_lstm),
    "layer_norm_elman": Entry(keras_seq.LayerNormElmanCell, {}, numpy_gated.layer_norm_elman),
    "layer_norm_lstm": Entry(keras_seq.LayerNormLSTMCell, {}, numpy_gated.layer_norm_lstm),
    "layer_norm_gru": Entry(keras_seq.LayerNormGRUCell, {}, numpy_gated.layer_norm_gru),
    "nas": Entry(keras_seq.NASCell, {}, numpy_gated.nas_plain),
    "nas_projected": Entry(keras_seq.NASCell, {"projection": 2, "use_bias": True}, numpy_gated.nas),
    "mgu": Entry(keras_seq.MGUCell, {}, numpy_gated.mgu),
    "esn": Entry(keras_seq.ESNCell, {"connectivity": 1.0, "leaky": 0.3}, numpy_gated.esn, numpy_gated.esn_weights),
    "indrnn": Entry(keras_seq.IndRNNCell, {}, numpy_gated.indrnn),
    "jordan": Entry(keras_seq.JordanCell, {"outputs": 2}, numpy_memory.jordan),
    "leaky": Entry(
        keras_seq.LeakyCell, {"leak": (0.1, 0.9)}, lambda w, x, s: numpy_memory.leaky(w, x, s, [0.1, 0.5, 0.9])
    ),
    "leaky_learned": Entry(keras_seq.LeakyCell, {"learned": True}, numpy_memory.learned_leaky),
    "higher_order": Entry(keras_seq.HigherOrderCell, {"order": 3}, numpy_memory.higher_order),
    "skip_through_time": Entry(around(keras_seq.SkipThroughTimeCell), {"distance": 2}, numpy_memory.skip_through_time),
    "clockwork": Entry(
        doubled(keras_seq.ClockworkCell),
        {"periods": (1, 3, 2)},
        lambda w, x, s: numpy_memory.clockwork(w, x, s, (1, 3, 2)),
        states=numpy_memory.clockwork_states,
    ),
    "slstm": Entry(keras_seq.SLSTMCell, {}, numpy_memory.slstm, states=numpy_memory.slstm_states),
    "slstm_heads": Entry(
        doubled(keras_seq.SLSTMCell),
        {"heads": 2, "forget_activation": "exponential"},
        lambda w, x, s: numpy_memory.slstm(w, x, s, 2, np.exp),
        states=numpy_memory.slstm_states,
    ),
    "mlstm": Entry(doubled(keras_seq.MLSTMCell), {"heads": 2}, lambda w, x, s: numpy_memory.mlstm(w, x, s, heads=2)),
    "sru": Entry(keras_seq.SRUCell, {}, lambda w, x, s: numpy_linear.sru(w, x, s, np.nan)),
    "sru_highway": Entry(  # as many units as features: the inputs themselves are the highway
        lambda units, **options: keras_seq.SRUCell(units + 1, **options),
        {"highway_bias": -1.0},
        lambda w, x, s: numpy_linear.sru(w, x, s, (1 + 2 * np.exp(-1)) ** 0.5),
    ),
    "sru_peephole": Entry(
        keras_seq.SRUCell, {"peephole": True}, lambda w, x, s: numpy_linear.sru(w, x, s, np.nan, peephole=True)
    ),
    "qrnn": Entry(keras_seq.QRNNCell, {}, numpy_linear.qrnn),
    "qrnn_f": Entry(keras_seq.QRNNCell, {"window": 1, "pooling": "f"}, lambda w, x, s: numpy_linear.qrnn(w, x, s, "f")),
    "qrnn_ifo": Entry(
        keras_seq.QRNNCell, {"window": 4, "pooling": "ifo"}, lambda w, x, s: numpy_linear.qrnn(w, x, s, "ifo")
    ),
    "min_gru": Entry(keras_seq.MinGRUCell, {}, numpy_linear.min_gru),
    "min_gru_tanh": Entry(
        keras_seq.MinGRUCell, {"activation": "tanh"}, lambda w, x, s: numpy_linear.min_gru(w, x, s, np.tanh)
    ),
    "min_lstm": Entry(keras_seq.MinLSTMCell, {}, numpy_linear.min_lstm),
    "residual": Entry(around(keras_seq.ResidualCell), {"dense": True}, numpy_memory.residual),
    "variational_dropout": Entry(
        around(keras_seq.VariationalDropoutCell),
        {"input_dropout": 0.2, "state_dropout": 0.3, "output_dropout": 0.4},
        numpy_cells.lstm,
        noisy=True,
    ),
    "zoneout": Entry(
        around(keras_seq.ZoneoutCell),
        {"rate": [0.3, 0.1]},
        lambda w, x, s: numpy_memory.zoneout(w, x, s, (0.3, 0.1)),
        noisy=True,
    ),
    "learned_initial_state": Entry(
        around(keras_seq.LearnedInitialStateCell), {}, lambda w, x, s: numpy_cells.lstm(w[2:], x, s)
    ),
}

# The cells that Keras has too; they have a hand-derived gradient on TensorFlow.
KERAS_CELLS = ("elman", "elman_relu", "lstm", "gru", "gru_reset_before")

MASKS = {
    "none": None,
    "right": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]],
    "left": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1]],
    "holed": [[1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 1, 0], [1, 1, 0, 0, 1, 1]],
    "empty": [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]],
}


class Case:
    """A cell with random weights, inputs for it, and its oracle."""

    def __init__(self, name, dtype="float32"):
        entry = CELLS[name]
        self.name = name
        self.step = entry.oracle
        self.noisy = entry.noisy
        self.rng = np.random.default_rng(7)
        self.make = lambda **more: entry.make(UNITS, **entry.options, **more)
        self.cell = self.make(dtype=dtype)
        self.cell.build((None, FEATURES))
        self.weights = entry.weights(self.rng, self.cell.weights)
        self.cell.set_weights(self.weights)
        self.sequences = self.rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
        self.states = [state.astype("float32") for state in entry.states(self.rng, self.cell.state_sizes)]

    def layer(self, **options):
        layer = keras_seq.Recurrent(self.cell, **options)
        layer.build((None, None, FEATURES))
        return layer

    def initial_states(self, batch=BATCH):
        """The cell's own initial states, in NumPy."""
        states = self.layer().get_initial_state(batch)
        return [keras.ops.convert_to_numpy(state).astype("float64") for state in states]

    def oracle(self, mask=None, states=None, reverse=False, sequences=None):
        sequences = self.sequences if sequences is None else sequences
        states = states or self.initial_states(len(sequences))
        sequences = sequences.astype("float64")
        return numpy_cells.run(self.step, self.weights, sequences, states, self.cell.output_size, mask, reverse)

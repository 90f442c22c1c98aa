"""Variational dropout: one mask a sequence."""

import keras
from keras import ops

from keras_seq.cells.wrapper_cell import WrapperCell, check_rate, check_rates


@keras.saving.register_keras_serializable(package="keras_seq")
class VariationalDropoutCell(WrapperCell):
    """Dropout whose mask is the same at all steps of a sequence.

    Gal and Ghahramani (2016), "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks".

        output, s_t = cell(m_x * x_t, m_s * s_{t-1})
        y_t = m_y * output

    While training, each mask `m` is zero for a share of the features and scaled up for the rest, and drawn anew for
    each sequence of each batch; otherwise it is one.

    The masks are the `constants` of a sequence, which a driver of keras-seq such as `Recurrent` draws once. The cell
    keeps none of them, so whoever steps it alone while training must pass them. `keras.layers.RNN` does not: it runs
    this cell while not training; while training, that is an error.

    Args:
        cell: A `RecurrentCell`.
        input_dropout: Fraction of the inputs that is dropped. Defaults to `0.0`.
        state_dropout: Fraction of the first state that is dropped on its way into the cell: of `h`, but not of the
            memory `c` of an LSTM. A list has one fraction a state. Defaults to `0.0`.
        output_dropout: Fraction of the outputs that is dropped. Defaults to `0.0`.
        seed: Optional seed.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the cell's states.
        training: Whether the layer runs in training mode.
        constants: What `constants(batch_size, training=True)` returned; needed while training.

    Example:

    >>> cell = keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(8), input_dropout=0.2, state_dropout=0.2)
    >>> keras_seq.Recurrent(cell)(np.random.random((32, 10, 4)), training=True).shape
    (32, 8)
    """

    adds_constants = True

    def __init__(self, cell, input_dropout=0.0, state_dropout=0.0, output_dropout=0.0, seed=None, **kwargs):
        super().__init__(cell, **kwargs)
        self.input_dropout = check_rate(input_dropout, "input_dropout")
        self.output_dropout = check_rate(output_dropout, "output_dropout")
        count = len(self.state_sizes)
        rates = state_dropout if isinstance(state_dropout, (list, tuple)) else [state_dropout] + [0.0] * (count - 1)
        self.state_dropout = check_rates(rates, "state_dropout", self.state_sizes)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def draws_masks(self):
        """Whether there is something to drop, here or further in."""
        return any((self.input_dropout, *self.state_dropout, self.output_dropout)) or super().draws_masks

    def build(self, input_shape, memory_shape=None):
        """Build the cell for inputs `[batch, features]`."""
        super().build(input_shape, memory_shape)
        self.features = input_shape[-1]

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        """The masks of a batch of sequences, each `[batch, size]`, under `"inputs"`, `"states"` and `"outputs"`."""
        constants = {}
        inner = super().constants(batch_size, training, memory, memory_mask)
        if inner is not None:
            constants["cell"] = inner
        if training and self.input_dropout:
            constants["inputs"] = self._mask(batch_size, self.features, self.input_dropout)
        if training and any(self.state_dropout):
            sizes_and_rates = enumerate(zip(self.state_sizes, self.state_dropout, strict=True))
            constants["states"] = {i: self._mask(batch_size, size, rate) for i, (size, rate) in sizes_and_rates if rate}
        if training and self.output_dropout:
            constants["outputs"] = self._mask(batch_size, self.output_size, self.output_dropout)
        return constants or None

    def _mask(self, batch_size, size, rate):
        ones = ops.ones((batch_size, size), dtype=self.compute_dtype)
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def project_sequences(self, sequences, training=False, constants=None):
        """Map all steps `[time, batch, features]`, without the features that are dropped."""
        if constants and "inputs" in constants:
            sequences = ops.multiply(ops.cast(sequences, self.compute_dtype), constants["inputs"])
        return super().project_sequences(sequences, training, constants)

    def step(self, projected, states, training=False, constants=None):
        """One time step of the cell, without what is dropped of its states and output."""
        if training and self.draws_masks and constants is None:
            raise ValueError(
                "While training, VariationalDropoutCell needs the masks of the sequence: pass "
                "`constants=cell.constants(batch_size, training=True)`, the same at each step."
            )
        masks = constants or {}
        dropped = masks.get("states", {})
        states = [ops.multiply(state, dropped[i]) if i in dropped else state for i, state in enumerate(states)]
        output, states = super().step(projected, states, training, constants)
        return ops.multiply(output, masks["outputs"]) if "outputs" in masks else output, states

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "input_dropout": self.input_dropout,
            "state_dropout": self.state_dropout,
            "output_dropout": self.output_dropout,
            "seed": self.seed,
        }

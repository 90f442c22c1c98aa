"""Zoneout: units that keep their last value at random."""

import keras
from keras import ops

from keras_seq.cells.wrapper_cell import WrapperCell, check_rates, projected_size


@keras.saving.register_keras_serializable(package="keras_seq")
class ZoneoutCell(WrapperCell):
    """Zoneout of Krueger et al. (2016), "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations".

        s_t = d_t * s_{t-1} + (1 - d_t) * s'_t        while training
        s_t = z * s_{t-1} + (1 - z) * s'_t            otherwise

    for each state, with `s'_t` the cell's new state, and `d_t` one with probability `z` and else zero, drawn for every
    unit at every step. Where the cell's output is one of its states, as `h` in an LSTM, that state is put out.

    `Recurrent` draws the `d_t` of all steps at once. Stepped alone, the cell draws them at each step; on JAX, whose
    loops have no place for that, it is an error while training.

    Args:
        cell: A `RecurrentCell`. A wrapper that changes its output, such as `ResidualCell`, goes around, not inside.
        rate: The probability `z` of every state, or a list with one a state.
        seed: Optional seed.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the cell's states.
        training: Whether the layer runs in training mode.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.ZoneoutCell(keras_seq.LSTMCell(8), rate=[0.05, 0.5]))
    >>> layer(np.random.random((32, 10, 4)), training=True).shape
    (32, 8)
    """

    def __init__(self, cell, rate, seed=None, **kwargs):
        super().__init__(cell, **kwargs)
        rates = rate if isinstance(rate, (list, tuple)) else [rate] * len(self.state_sizes)
        self.rate = check_rates(rates, "rate", self.state_sizes)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape, memory_shape=None):
        """Build the cell for inputs `[batch, features]`."""
        super().build(input_shape, memory_shape)
        self.inner_size = projected_size(self.cell, input_shape)

    def project_sequences(self, sequences, training=False, constants=None):
        """Map all steps `[time, batch, features]`; while training, with the `d_t` after what the cell projects."""
        projected = super().project_sequences(sequences, training, constants)
        if not training or not any(self.rate):
            return projected
        return ops.concatenate([projected, self._draw(ops.shape(projected)[:-1])], axis=-1)

    def _draw(self, shape):
        """Zeros and ones `[*shape, size of all states that have a rate]`."""
        rates = [rate for rate, size in zip(self.rate, self.state_sizes, strict=True) if rate for _ in range(size)]
        drawn = keras.random.uniform((*shape, len(rates)), dtype="float32", seed=self.seed_generator)
        return ops.cast(ops.less(drawn, ops.convert_to_tensor(rates, dtype="float32")), self.compute_dtype)

    def add_to_projection(self, projected, addition):
        """Add to what the cell projects, not to the `d_t`."""
        projected, drawn = projected[..., : self.inner_size], projected[..., self.inner_size :]
        return ops.concatenate([super().add_to_projection(projected, addition), drawn], axis=-1)

    def step(self, projected, states, training=False, constants=None):
        """One time step of the cell; then each state keeps a part of what it was."""
        projected, drawn = projected[..., : self.inner_size], projected[..., self.inner_size :]
        if training and any(self.rate) and not drawn.shape[-1]:
            drawn = self._draw_alone(projected)
        output, candidates = super().step(projected, states, training, constants)
        new_output, new_states = output, []
        for rate, size, old, new in zip(self.rate, self.state_sizes, states, candidates, strict=True):
            state = new
            if rate:
                kept = rate
                if training:
                    kept, drawn = drawn[..., :size], drawn[..., size:]
                state = kept * old + (1 - kept) * new
            if new is output:
                new_output = state
            new_states.append(state)
        return new_output, new_states

    def _draw_alone(self, projected):
        if keras.backend.backend() == "jax":
            raise ValueError(
                "While training on JAX, ZoneoutCell cannot draw within a step: run it with `keras_seq.Recurrent`, or "
                "project the inputs with `cell.project_sequences(inputs, training=True)`."
            )
        return self._draw(ops.shape(projected)[:-1])

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

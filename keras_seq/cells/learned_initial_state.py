"""Trained initial states."""

import keras
from keras import initializers, ops

from keras_seq.cells.wrapper_cell import WrapperCell


@keras.saving.register_keras_serializable(package="keras_seq")
class LearnedInitialStateCell(WrapperCell):
    """A cell whose sequences start from trained states.

    Forcada and Carrasco (1995), "Learning the Initial State of a Second-Order Recurrent Neural Network during
    Regular-Language Inference".

        h_0 = initial_state          the same for every sequence

    An `initial_state` that is given to the layer takes its place.

    Args:
        cell: A `RecurrentCell`.
        learned: Booleans, one a state of the cell: which are trained; the others start as the cell has it. Defaults to
            all that may start from any numbers, which a clock may not, for example.
        initializer: Initializer of the trained states. Defaults to `"zeros"`.
        **kwargs: The arguments of a layer.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: List of the cell's states.

    Example:

    >>> layer = keras_seq.Recurrent(keras_seq.LearnedInitialStateCell(keras_seq.GRUCell(8)))
    >>> layer(np.random.random((32, 10, 4))).shape
    (32, 8)
    """

    def __init__(self, cell, learned=None, initializer="zeros", **kwargs):
        super().__init__(cell, **kwargs)
        count = len(self.state_sizes)
        chosen = [place in cell.free_states for place in range(count)] if learned is None else learned
        self.learned = [bool(choice) for choice in chosen]
        if len(self.learned) != count:
            raise ValueError(f"Argument `learned` must have one entry for each of {count} states. Received: {learned}")
        self.initializer = initializers.get(initializer)

    def build(self, input_shape, memory_shape=None):
        """Build the cell and create the initial states, each `[state_size]`."""
        super().build(input_shape, memory_shape)
        self.initial_states = [
            self.add_weight(shape=(size,), initializer=self.initializer, name=f"initial_state_{index}")
            if learned
            else None
            for index, (size, learned) in enumerate(zip(self.state_sizes, self.learned, strict=True))
        ]

    def get_initial_state(self, batch_size=None, constants=None):
        """Return the trained states, one row a sequence."""
        if not self.built:
            raise ValueError("The cell has no initial state yet: call `cell.build((None, features))` first.")
        states = super().get_initial_state(batch_size, constants)
        return [
            state if learned is None else ops.zeros_like(state) + self.computed(learned)
            for state, learned in zip(states, self.initial_states, strict=True)
        ]

    def get_config(self):
        """Return the arguments that build this cell again."""
        return {
            **super().get_config(),
            "learned": self.learned,
            "initializer": initializers.serialize(self.initializer),
        }

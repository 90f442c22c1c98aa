"""The state that one batch leaves to the next."""

import keras
from keras import ops
from keras.tree import map_structure


class CarriedState:
    """The final states of the rows of a batch, until the next batch goes on from them.

    Args:
        state: Nest of tensors with the batch first; only what follows the batch matters, and nothing is carried yet.
    """

    def __init__(self, state):
        self.state = map_structure(lambda tensor: tensor[:0], state)

    def read(self):
        """The nest of what is carried."""
        return self.state

    def keep(self, state):
        """Carry `state`, a nest of tensors with any number of rows."""
        self.state = state

    def forget(self):
        """Carry nothing: all rows of the next batch start anew."""
        self.keep(map_structure(lambda tensor: tensor[:0], self.read()))

    def go_on(self, initial):
        """The state that a batch starts from: of each row what is carried, and else its row of the nest `initial`."""
        return map_structure(_go_on, self.read(), initial)


def carried_state(state):
    """A `CarriedState` that works inside the training step of this backend."""
    if keras.backend.backend() != "tensorflow":
        return CarriedState(state)
    from keras_seq.training.carried_state_tensorflow import CarriedVariables

    return CarriedVariables(state)


def _go_on(carried, initial):
    """The rows of `carried`, then those of `initial` that it lacks.

    They are gathered, since TensorFlow's constant folding loses rows of a concatenation with constants that goes on
    into a selection between the two.
    """
    rows = ops.shape(carried)[0]
    index = ops.arange(ops.shape(initial)[0])
    index = ops.where(index < rows, index, index + rows)
    return ops.take(ops.concatenate([carried, initial], axis=0), index, axis=0)

"""The carried state in variables, since a training step on TensorFlow is a graph."""

import tensorflow as tf
from keras.tree import map_structure

from keras_seq.training.carried_state import CarriedState


class CarriedVariables(CarriedState):
    """The final states of the rows of a batch, in variables with any number of rows."""

    def __init__(self, state):
        self.variables = map_structure(
            lambda tensor: tf.Variable(tensor[:0], trainable=False, shape=[None, *tensor.shape[1:]]), state
        )

    def read(self):
        """The nest of what is carried."""
        return map_structure(lambda variable: variable.value(), self.variables)

    def keep(self, state):
        """Carry `state`, a nest of tensors with any number of rows."""
        map_structure(lambda variable, tensor: variable.assign(tensor), self.variables, state)

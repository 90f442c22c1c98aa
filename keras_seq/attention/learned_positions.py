"""Learned positions."""

import keras
from keras import initializers, ops

from keras_seq.attention.masking import valid_places
from keras_seq.cells.cell import check_units


@keras.saving.register_keras_serializable(package="keras_seq")
class LearnedPositions(keras.layers.Layer):
    """Add to each step a learned vector for its place; Gehring et al. (2017), "Convolutional Sequence to Sequence
    Learning".

        y_t = x_t + P[t]

    with `P` = `positions`, a row for each of `max_length` places. A place beyond them counts as the last one.

    Args:
        max_length: Positive integer, number of places.
        initializer: Initializer of the table. Defaults to `"uniform"`, as that of an embedding.
        **kwargs: The arguments of a layer.

    Call arguments:
        sequences: Tensor `[batch, time, features]`; with `places` also `[batch, features]`, one step.
        mask: Optional boolean tensor `[batch, time]`: places are counted over the valid steps, so that a padded row
            gives the numbers of the row without padding.
        places: Optional integer tensor `[batch, time]` or `[batch]`, where the steps stand. Counted from 0 by default.

    Output shape:
        That of the sequences.

    Example:

    >>> keras_seq.LearnedPositions(512)(np.random.random((32, 10, 8))).shape
    (32, 10, 8)
    """

    def __init__(self, max_length, initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.max_length = check_units(max_length, "max_length")
        self.initializer = initializers.get(initializer)

    def build(self, sequences_shape):
        """Create the table for sequences `[batch, time, features]`."""
        shape = (self.max_length, sequences_shape[-1])
        self.positions = self.add_weight(shape=shape, initializer=self.initializer, name="positions")
        self.built = True

    def call(self, sequences, mask=None, places=None):
        """Add the vectors of the places."""
        if places is None:
            mask = getattr(sequences, "_keras_mask", None) if mask is None else mask
            places = ops.arange(ops.shape(sequences)[1]) if mask is None else valid_places(mask)
        added = ops.take(ops.cast(self.positions, self.compute_dtype), ops.minimum(places, self.max_length - 1), axis=0)
        return ops.add(ops.cast(sequences, self.compute_dtype), added)

    def compute_output_shape(self, sequences_shape):
        """The shape of the sequences."""
        return tuple(sequences_shape)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initializer": initializers.serialize(self.initializer),
        }

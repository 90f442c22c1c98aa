"""Several poolings side by side."""

import keras
from keras import ops

from keras_seq.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class ConcatenatedPooling(Pooling):
    """The outputs of several poolings of the same sequence, concatenated.

    Args:
        poolings: List of pooling layers.

    Call arguments:
        sequences: Tensor `[batch, time, features]`.
        mask: Optional boolean tensor `[batch, time]`.

    Output shape:
        `[batch, features * len(poolings)]`.
    """

    def __init__(self, poolings, **kwargs):
        super().__init__(**kwargs)
        self.poolings = list(poolings)
        if not self.poolings or not all(isinstance(pooling, Pooling) for pooling in self.poolings):
            raise ValueError(f"Argument `poolings` must list pooling layers. Received: poolings={poolings!r}")

    def build(self, sequences_shape):
        """Build the poolings for sequences `[batch, time, features]`."""
        for pooling in self.poolings:
            if not pooling.built:
                pooling.build(sequences_shape)
        self.built = True

    def pool(self, sequences, mask):
        """Pool with each and concatenate."""
        return ops.concatenate([pooling.pool(sequences, mask) for pooling in self.poolings], axis=-1)

    def compute_output_shape(self, sequences_shape):
        """`[batch, features * len(poolings)]`."""
        sizes = [pooling.compute_output_shape(sequences_shape)[-1] for pooling in self.poolings]
        return (sequences_shape[0], sum(sizes))

    def get_config(self):
        """Return the arguments that build this layer again."""
        poolings = [keras.saving.serialize_keras_object(pooling) for pooling in self.poolings]
        return {**super().get_config(), "poolings": poolings}

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        config = dict(config)
        config["poolings"] = [keras.saving.deserialize_keras_object(pooling) for pooling in config["poolings"]]
        return cls(**config)

"""1 -> N: a sequence from one vector."""

import keras
from keras import ops

from keras_seq.recurrent.as_driver import as_driver

FEEDS = ("first", "every")


@keras.saving.register_keras_serializable(package="keras_seq")
class VectorToSequence(keras.Model):
    """Unroll a recurrent layer from one vector: the one-to-many network.

    The vector is the input of the first step alone, and later steps see zeros: what they know of it is in the state.

        x_1 = vector,  x_t = 0 for t > 1        feed="first"

    Or it is the input of every step, so that nothing has to be remembered.

        x_t = vector                            feed="every"

    No output is fed back, so there is nothing to force while training; `JordanCell` feeds its own output back.

    Args:
        cell: A cell, or a `Recurrent`, `Bidirectional` or `Stacked` layer; its own `return_sequences` and
            `return_state` do not matter here.
        steps: Positive integer, length of the sequence.
        feed: `"first"` or `"every"`. Defaults to `"first"`.
        outputs: Optional size of a linear map of the output at each step. Defaults to `None`, the output itself.

    Call arguments:
        vectors: Tensor `[batch, features]`.
        initial_state: Optional list of the states that the layer starts from.
        mask: Optional boolean tensor `[batch, steps]`, false where the sequence of a row has ended; the outputs carry
            it, so that Keras' losses and metrics leave these steps out.
        training: Whether the model runs in training mode.

    Output shape:
        `[batch, steps, outputs]`, or with the layer's own output size.

    Example:

    >>> model = keras_seq.VectorToSequence(keras_seq.GRUCell(32), steps=20, outputs=3)
    >>> model(np.random.random((5, 8))).shape
    (5, 20, 3)
    """

    def __init__(self, cell, steps, feed="first", outputs=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(steps, int) or isinstance(steps, bool) or steps <= 0:
            raise ValueError(f"Argument `steps` must be a positive integer. Received: steps={steps!r}")
        if feed not in FEEDS:
            raise ValueError(f"Argument `feed` must be one of {list(FEEDS)}. Received: feed={feed!r}")
        self.layer = as_driver(cell, "cell")
        self.steps = steps
        self.feed = feed
        self.outputs_size = outputs
        self.head = None if outputs is None else keras.layers.Dense(outputs, dtype="float32", name="head")

    def build(self, vectors_shape):
        """Build the parts for vectors `[batch, features]`."""
        if len(vectors_shape) != 2:
            raise ValueError(f"Expected vectors of shape [batch, features]. Received: shape={tuple(vectors_shape)}")
        if not self.layer.built:
            self.layer.build((vectors_shape[0], self.steps, vectors_shape[1]))
        if self.head is not None:
            self.head.build((vectors_shape[0], self.steps, self.layer.output_size))
        self.built = True

    def call(self, vectors, initial_state=None, mask=None, training=False):
        """Unroll: vectors `[batch, features]` to `[batch, steps, outputs]`."""
        sequences = ops.expand_dims(vectors, axis=1)  # [batch, 1, features]
        if self.feed == "every":
            sequences = ops.repeat(sequences, self.steps, axis=1)
        else:
            sequences = ops.pad(sequences, [[0, 0], [0, self.steps - 1], [0, 0]])
        outputs, _, _ = self.layer.run(sequences, initial_state, mask, training)
        return outputs if self.head is None else self.head(outputs)

    def compute_mask(self, vectors, mask=None):
        """The mask of the steps."""
        return mask

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.layer),
            "steps": self.steps,
            "feed": self.feed,
            "outputs": self.outputs_size,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        return cls(**config)

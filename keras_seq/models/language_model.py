"""A language model: the next token from the tokens before it."""

import keras
from keras import ops
from keras.tree import map_structure

from keras_seq.models.decoder import Decoder
from keras_seq.models.recurrent_decoder import RecurrentDecoder


@keras.saving.register_keras_serializable(package="keras_seq")
class LanguageModel(keras.Model):
    """A decoder without a memory, which reads a text window by window.

        p(y_1 ... y_T) = prod_t p(y_t | y_1 ... y_{t-1})

    Bengio et al. (2003), Mikolov et al. (2010). With a `RecurrentDecoder` the model goes on from the state in which the
    window before has ended: `TruncatedBPTT` trains it so. A `TransformerDecoder` has no state between windows; its
    `get_initial_state` is empty, and each window is read for itself.

    Args:
        decoder: A `RecurrentDecoder` or `TransformerDecoder`, not built with a memory.
        features_in_training: Whether, while training, `{"features": ...}` stands in the place of the logits: what they
            are made of, for a loss that does without most of them, such as `sampled_softmax`. Defaults to `False`.
        **kwargs: The arguments of a model.

    Call arguments:
        ids: Integer tensor `[batch, time]`.
        initial_state: Optional state to go on from: what a call returned, or `get_initial_state`.
        reset: Optional boolean tensor `[batch, time]`, true at the first step of a document where a row holds several.
        mask: Optional boolean tensor `[batch, time]`, false at steps that leave the state as it is.
        training: Whether the model runs in training mode.

    Output shape:
        `(logits, state)`: float32 `[batch, time, vocabulary_size]`, the scores of the token after each step, and the
        state, a list of the states of each layer.

    Example:

    >>> decoder = keras_seq.RecurrentDecoder(65, [keras_seq.LSTMCell(256)], embedding_size=64)
    >>> model = keras_seq.LanguageModel(decoder)
    >>> logits, state = model(np.random.randint(1, 65, (8, 50)))
    >>> logits, state = model(np.random.randint(1, 65, (8, 50)), initial_state=state)  # goes on in the same texts
    >>> logits.shape
    (8, 50, 65)
    """

    def __init__(self, decoder, features_in_training=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(decoder, Decoder):
            raise ValueError(
                "Argument `decoder` must be a `Decoder`, such as `RecurrentDecoder` or `TransformerDecoder`. "
                f"Received: decoder={decoder!r}"
            )
        self.decoder = decoder
        self.features_in_training = features_in_training
        self.reads_on = isinstance(decoder, RecurrentDecoder)

    def build(self, ids_shape=None):
        """Build the decoder, without a memory."""
        if not self.decoder.built:
            self.decoder.build((None, None))
        self.built = True

    def get_initial_state(self, batch_size):
        """The state at the start of a text: a list with the states of each layer."""
        if not self.reads_on:
            return []
        return [layer.get_initial_state(batch_size) for layer in self.decoder.layers]

    def call(self, ids, initial_state=None, reset=None, mask=None, training=False):
        """Read a window: ids `[batch, time]` to logits `[batch, time, vocabulary_size]`, and the state after it."""
        features, state = self.features(ids, initial_state, reset, mask, training)
        if training and self.features_in_training:
            return {"features": features}, state
        return self.decoder.score(features), state

    def features(self, ids, initial_state=None, reset=None, mask=None, training=False):
        """What the logits are made of, `[batch, time, features]`, and the state after the window."""
        if not self.reads_on:
            if reset is not None and len(reset.shape) == 2:
                raise ValueError("A decoder without a state cannot begin anew within a row: pass no `reset`.")
            return self.decoder.features(ids, training=training), []
        state = self.get_initial_state(ops.shape(ids)[0]) if initial_state is None else initial_state
        return self.decoder.read_on(ids, state, mask=mask, reset=reset, training=training)

    def stepper(self):
        """The function `(tokens, state) -> (scores, state, None)` of one step, for `decode`."""
        return self.decoder.stepper()

    def stepping_state(self, state, batch_size):
        """A state as the function of `stepper` takes it."""
        if not self.reads_on:
            raise ValueError("Only a `RecurrentDecoder` goes on from a state; use `decoder.start(max_length=...)`.")
        return self.decoder.resume(state, batch_size)

    def state_of(self, stepped):
        """A state of `stepper` as `call` takes it."""
        return [layer["states"] for layer in stepped["layers"]]

    def compute_mask(self, ids, mask=None):
        """No mask: the state after padding counts too."""
        return None, map_structure(lambda _: None, self.get_initial_state(1))

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "features_in_training": self.features_in_training,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        config["decoder"] = keras.saving.deserialize_keras_object(config["decoder"], custom_objects=custom_objects)
        return cls(**config)

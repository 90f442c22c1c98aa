"""A trained language model with a continuous cache."""

import keras
from keras import ops

from keras_seq.models.language_model import LanguageModel


@keras.saving.register_keras_serializable(package="keras_seq")
class CachedLanguageModel(LanguageModel):
    """A recurrent language model that looks at what its own text has had so far; see `ContinuousCache`.

    It is called, stepped and carried on like the model that it is made of, and shares its weights. The cache has none,
    so it can be put on any trained model, and trains nothing: in training mode it does not look.

    Args:
        model: A `LanguageModel` over a `RecurrentDecoder`.
        cache: The `ContinuousCache`.
        **kwargs: The arguments of a model.

    Call arguments:
        ids, initial_state, reset, mask, training: As of a `LanguageModel`.

    Output shape:
        `(scores, state)`: float32 `[batch, time, vocabulary_size]`, log-probabilities of the token after each step, and
        the state: that of the model, and the memory of the cache.

    Example:

    >>> cached = keras_seq.CachedLanguageModel(model, keras_seq.ContinuousCache(2000))
    >>> scores, state = cached(np.random.randint(1, 65, (8, 50)))
    >>> scores, state = cached(np.random.randint(1, 65, (8, 50)), initial_state=state)  # goes on in the same texts
    """

    def __init__(self, model, cache, **kwargs):
        if not isinstance(model, LanguageModel) or not model.reads_on:
            raise ValueError(
                "Argument `model` must be a `LanguageModel` over a `RecurrentDecoder`: the memory of the cache is "
                f"carried along with its state. Received: model={model!r}"
            )
        super().__init__(model.decoder, features_in_training=model.features_in_training, **kwargs)
        self.cache = cache
        self.inner_name = model.name

    def get_initial_state(self, batch_size):
        """The state at the start of a text: `{"model": ..., "cache": ...}`."""
        size = self.decoder.layers[-1].output_size
        states = super().get_initial_state(batch_size)
        return {"model": states, "cache": self.cache.get_initial_state(batch_size, size)}

    def call(self, ids, initial_state=None, reset=None, mask=None, training=False):
        """Read a window: ids `[batch, time]` to log-probabilities, and the state after it."""
        features, view, state = self._read(ids, initial_state, reset, mask, training)
        if training and self.features_in_training:
            return {"features": features}, state
        logits = self.decoder.score(features)
        return (logits if training else self.cache.mix(logits, view)), state

    def both(self, ids, initial_state=None, reset=None):
        """The scores with the cache, those without, and the state: the one reading serves both."""
        features, view, state = self._read(ids, initial_state, reset, None, False)
        logits = self.decoder.score(features)
        return self.cache.mix(logits, view), logits, state

    def features(self, ids, initial_state=None, reset=None, mask=None, training=False):
        """What the logits of the model are made of, `[batch, time, features]`, and the state after the window."""
        features, _, state = self._read(ids, initial_state, reset, mask, training)
        return features, state

    def _read(self, ids, initial_state, reset, mask, training):
        state = self.get_initial_state(ops.shape(ids)[0]) if initial_state is None else initial_state
        features, states = super().features(ids, state["model"], reset, mask, training)
        view, memory = self.cache.read(ids, features, state["cache"], mask, reset)
        return features, view, {"model": states, "cache": memory}

    def stepping_state(self, state, batch_size):
        """A state as the function of `stepper` takes it."""
        return {"model": super().stepping_state(state["model"], batch_size), "cache": state["cache"]}

    def state_of(self, stepped):
        """A state of `stepper` as `call` takes it."""
        return {"model": super().state_of(stepped["model"]), "cache": stepped["cache"]}

    def stepper(self):
        """The function of one step; see `LanguageModel.stepper`."""
        kernel = self.decoder.output_kernel()

        def step(tokens, state):
            features, states, _ = self.decoder.step_features(tokens, state["model"])
            logits = self.decoder.score(features, kernel)
            view, memory = self.cache.read(tokens[:, None], features[:, None], state["cache"])
            return self.cache.mix(logits[:, None], view)[:, 0], {"model": states, "cache": memory}, None

        return step

    def get_config(self):
        """Return the arguments that build this model again."""
        config = super().get_config()
        model = LanguageModel(self.decoder, self.features_in_training, name=self.inner_name)
        del config["decoder"], config["features_in_training"]
        parts = {"model": model, "cache": self.cache}
        return {**config, **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("model", "cache")
        }
        return cls(**{**config, **parts})

"""What models over sequences of ids share: word vectors, dropouts and a head."""

import keras
from keras import ops


class EmbeddedModel(keras.Model):
    """Ids to word vectors, some layers that a subclass calls, and one score a class.

    `parts` names the arguments that are layers; a subclass hands them to `__init__` in that order.

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        classes: Number of classes, at least 2. Two classes have two scores.
        embedding_size: Size of a word vector.
        parts: Dictionary from the names in the class' `parts` to layers.
        word_dropout: Fraction of the words whose vectors are dropped while training.
        embedding_dropout: Fraction of the components of word vectors that are dropped while training, each by itself.
        output_dropout: Fraction of the features before the head that are dropped while training.
        seed: Optional seed of the dropouts.
    """

    parts: tuple[str, ...] = ("encoder",)

    def __init__(
        self,
        vocabulary_size,
        classes,
        embedding_size,
        parts,
        word_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if classes < 2:
            raise ValueError(f"Argument `classes` must be at least 2. Received: classes={classes}")
        self.vocabulary_size = vocabulary_size
        self.classes = classes
        self.embedding_size = embedding_size
        for name in self.parts:
            setattr(self, name, parts[name])
        self.word_dropout = word_dropout
        self.embedding_dropout = embedding_dropout
        self.output_dropout = output_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_size, name="embedding")
        # Probabilities are taken from the logits, so they stay in float32 under mixed precision.
        self.head = keras.layers.Dense(classes, dtype="float32", name="head")

    def embed(self, ids, training=False):
        """The word vectors of ids, `[batch, time, embedding_size]`, with the dropouts on words while training."""
        embedded = self.embedding(ids)
        if training and self.word_dropout:
            noise_shape = (ops.shape(ids)[0], ops.shape(ids)[1], 1)
            embedded = self._drop(embedded, self.word_dropout, noise_shape)
        if training and self.embedding_dropout:
            embedded = self._drop(embedded, self.embedding_dropout)
        return embedded

    def score(self, features, training=False):
        """Logits of features `[..., features]`, with the dropout before the head while training."""
        if training and self.output_dropout:
            features = self._drop(features, self.output_dropout)
        return self.head(features)

    def _drop(self, tensor, rate, noise_shape=None):
        return keras.random.dropout(tensor, rate, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "classes": self.classes,
            "embedding_size": self.embedding_size,
            **{name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.parts},
            "word_dropout": self.word_dropout,
            "embedding_dropout": self.embedding_dropout,
            "output_dropout": self.output_dropout,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        for part in cls.parts:
            # Optional parts that came later are missing in the configurations of older models.
            config[part] = keras.saving.deserialize_keras_object(config.get(part), custom_objects=custom_objects)
        return cls(**config)


def build_in_a_row(layers, shape):
    """Build those of `layers` that are not built or None, each for the output shape of the one before; the last shape.

    The shape of a state that a layer returns after its output is left out.
    """
    for layer in layers:
        if layer is None:
            continue
        if not layer.built:
            layer.build(shape)
        shape = layer.compute_output_shape(shape)
        shape = shape if shape[0] is None or isinstance(shape[0], int) else shape[0]
    return shape

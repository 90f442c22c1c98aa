"""N -> 1: one class for a sequence of ids."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class SequenceClassifier(keras.Model):
    """Classify sequences of ids: embedding, encoder, pooling, and one score a class.

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        classes: Number of classes, at least 2. Two classes have two scores.
        embedding_size: Size of a word vector. Defaults to `128`.
        encoder: Layer from `[batch, time, embedding_size]` to `[batch, time, features]` that takes a `mask`, such as
            `Recurrent`, `Bidirectional` or `Stacked` with `return_sequences=True`, or `Segmented`. `None` pools the
            word vectors themselves.
        pooling: Layer from `[batch, time, features]` to `[batch, features]` that takes a `mask`. Defaults to
            `MeanPooling()`.
        word_dropout: Fraction of the words whose vectors are dropped while training. Defaults to `0.0`.
        embedding_dropout: Fraction of the components of word vectors that are dropped while training, each by itself.
            Defaults to `0.0`.
        output_dropout: Fraction of the pooled features that are dropped while training. Defaults to `0.0`.
        seed: Optional seed of the dropouts.

    Call arguments:
        ids: Integer tensor `[batch, time]`, 0 where a sequence is padded.
        training: Whether the model runs in training mode.

    Output shape:
        Logits, float32 `[batch, classes]`.

    Example:

    >>> encoder = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.LSTMCell(64), return_sequences=True))
    >>> model = keras_seq.SequenceClassifier(10_000, classes=2, encoder=encoder, pooling=keras_seq.MaxPooling())
    >>> model(np.array([[5, 8, 2, 0], [7, 7, 0, 0]])).shape
    (2, 2)
    """

    def __init__(
        self,
        vocabulary_size,
        classes,
        embedding_size=128,
        encoder=None,
        pooling=None,
        word_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if classes < 2:
            raise ValueError(f"Argument `classes` must be at least 2. Received: classes={classes}")
        if pooling is None:
            from keras_seq.pooling import MeanPooling

            pooling = MeanPooling()
        self.vocabulary_size = vocabulary_size
        self.classes = classes
        self.embedding_size = embedding_size
        self.encoder = encoder
        self.pooling = pooling
        self.word_dropout = word_dropout
        self.embedding_dropout = embedding_dropout
        self.output_dropout = output_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_size, name="embedding")
        # Probabilities are taken from the logits, so they stay in float32 under mixed precision.
        self.head = keras.layers.Dense(classes, dtype="float32", name="head")

    def build(self, ids_shape=None):
        """Build all parts for ids `[batch, time]`."""
        shape = (None, None, self.embedding_size)
        parts: list = [(self.embedding, (None, None))]
        if self.encoder is not None:
            parts.append((self.encoder, shape))
            shape = self.encoder.compute_output_shape(shape)
        parts += [(self.pooling, shape), (self.head, self.pooling.compute_output_shape(shape))]
        for layer, input_shape in parts:
            if not layer.built:
                layer.build(input_shape)
        self.built = True

    def call(self, ids, training=False):
        """Classify: ids `[batch, time]` to logits `[batch, classes]`."""
        return self.classify(self.embed(ids, training=training), ops.not_equal(ids, 0), training=training)

    def embed(self, ids, training=False):
        """The word vectors of ids, `[batch, time, embedding_size]`, with the dropouts on words while training."""
        embedded = self.embedding(ids)
        if training and self.word_dropout:
            noise_shape = (ops.shape(ids)[0], ops.shape(ids)[1], 1)
            embedded = self._drop(embedded, self.word_dropout, noise_shape)
        if training and self.embedding_dropout:
            embedded = self._drop(embedded, self.embedding_dropout)
        return embedded

    def classify(self, embedded, mask, training=False):
        """Logits of word vectors `[batch, time, embedding_size]` with a boolean mask `[batch, time]`."""
        features = embedded
        if self.encoder is not None:
            features = self.encoder(features, mask=mask, training=training)
        pooled = self.pooling(features, mask=mask)
        if training and self.output_dropout:
            pooled = self._drop(pooled, self.output_dropout)
        return self.head(pooled)

    def _drop(self, tensor, rate, noise_shape=None):
        return keras.random.dropout(tensor, rate, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "classes": self.classes,
            "embedding_size": self.embedding_size,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "word_dropout": self.word_dropout,
            "embedding_dropout": self.embedding_dropout,
            "output_dropout": self.output_dropout,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        for part in ("encoder", "pooling"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)

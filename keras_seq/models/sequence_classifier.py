"""N -> 1: one class for a sequence of ids."""

import keras
from keras import ops

from keras_seq.models.embedded_model import EmbeddedModel, build_in_a_row
from keras_seq.pooling import MeanPooling


@keras.saving.register_keras_serializable(package="keras_seq")
class SequenceClassifier(EmbeddedModel):
    """Classify sequences of ids: embedding, encoder, pooling, and one score a class.

    Args:
        vocabulary_size: Number of ids; id 0 is padding.
        classes: Number of classes, at least 2. Two classes have two scores.
        embedding_size: Size of a word vector. Defaults to `128`.
        encoder: Layer from `[batch, time, embedding_size]` to `[batch, time, features]` that takes a `mask`, such as
            `Recurrent`, `Bidirectional` or `Stacked` with `return_sequences=True`, or `Segmented`. An encoder to
            `[batch, features]`, such as `Sliced`, leaves nothing to pool. `None` pools the word vectors themselves.
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

    parts = ("encoder", "pooling")

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
        super().__init__(
            vocabulary_size,
            classes,
            embedding_size,
            {"encoder": encoder, "pooling": MeanPooling() if pooling is None else pooling},
            word_dropout,
            embedding_dropout,
            output_dropout,
            seed,
            **kwargs,
        )

    def build(self, ids_shape=None):
        """Build all parts for ids `[batch, time]`."""
        if not self.embedding.built:
            self.embedding.build((None, None))
        shape = build_in_a_row([self.encoder], (None, None, self.embedding_size))
        build_in_a_row([self.pooling, self.head] if len(shape) == 3 else [self.head], shape)
        self.built = True

    def call(self, ids, training=False):
        """Classify: ids `[batch, time]` to logits `[batch, classes]`."""
        return self.classify(self.embed(ids, training=training), ops.not_equal(ids, 0), training=training)

    def classify(self, embedded, mask, training=False):
        """Logits of word vectors `[batch, time, embedding_size]` with a boolean mask `[batch, time]`."""
        features = embedded
        if self.encoder is not None:
            features = self.encoder(features, mask=mask, training=training)
        pooled = features if len(features.shape) == 2 else self.pooling(features, mask=mask)
        return self.score(pooled, training=training)

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
        ngrams: Optional `NgramScores`, a linear model that is fitted by itself. The logits are then those of both,
            averaged; not so in training, where a model that knows the training texts by heart would leave nothing to
            learn.
        ngram_share: The weight of these in the average, from 0 to 1. Defaults to `0.4`.

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

    parts = ("encoder", "pooling", "ngrams")

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
        ngrams=None,
        ngram_share=0.4,
        **kwargs,
    ):
        pooling = MeanPooling() if pooling is None else pooling
        super().__init__(
            vocabulary_size,
            classes,
            embedding_size,
            {"encoder": encoder, "pooling": pooling, "ngrams": ngrams},
            word_dropout,
            embedding_dropout,
            output_dropout,
            seed,
            **kwargs,
        )
        self.ngram_share = ngram_share

    def build(self, ids_shape=None):
        """Build all parts for ids `[batch, time]`."""
        if not self.embedding.built:
            self.embedding.build((None, None))
        if self.ngrams is not None and not self.ngrams.built:
            self.ngrams.build((None, None))
        shape = build_in_a_row([self.encoder], (None, None, self.embedding_size))
        build_in_a_row([self.pooling, self.head] if len(shape) == 3 else [self.head], shape)
        self.built = True

    def call(self, ids, training=False):
        """Classify: ids `[batch, time]` to logits `[batch, classes]`."""
        scores = None if training else self.ngram_scores(ids)
        return self.classify(self.embed(ids, training=training), ops.not_equal(ids, 0), scores, training=training)

    def ngram_scores(self, ids):
        """The part of n-grams in the logits, by token: float32 `[batch, time, classes]`; `None` if there are none."""
        return None if self.ngrams is None else self.ngram_share * self.ngrams(ids)

    def classify(self, embedded, mask, ngram_scores=None, training=False):
        """Logits of word vectors `[batch, time, embedding_size]` with a boolean mask `[batch, time]`.

        With `ngram_scores` `[batch, time, classes]`, they are those of both models.
        """
        features = embedded
        if self.encoder is not None:
            features = self.encoder(features, mask=mask, training=training)
        pooled = features if len(features.shape) == 2 else self.pooling(features, mask=mask)
        logits = self.score(pooled, training=training)
        if ngram_scores is not None:
            linear = ops.sum(ngram_scores, axis=1) + self.ngram_share * self.ngrams.bias
            logits = (1 - self.ngram_share) * logits + linear
        return logits

    def get_config(self):
        """Return the arguments that build this model again."""
        return {**super().get_config(), "ngram_share": self.ngram_share}

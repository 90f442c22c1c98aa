"""The Keras side of the sentiment task: its layers, its loss, and the functions of the exported model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from apps.attribution import integrated_gradients
from apps.task import Processor
from keras_seq.cells import ElmanCell, GRUCell, LSTMCell
from keras_seq.models import NgramScores, SequenceClassifier
from keras_seq.pooling import AttentivePooling, ConcatenatedPooling, LastPooling, MaxPooling, MeanPooling
from keras_seq.recurrent import Bidirectional, Recurrent, Segmented, Stacked
from pipelines.config import TextConfig
from pipelines.text import cut

if TYPE_CHECKING:
    from apps.sentiment_config import ModelConfig

TEXT = [tf.TensorSpec([None], tf.string, name="text")]


def build_classifier(config: "ModelConfig", vocabulary_size: int, classes: int) -> SequenceClassifier:
    """The classifier that `config` describes, built."""
    model = SequenceClassifier(
        vocabulary_size,
        classes,
        config.embedding_size,
        encoder=_encoder(config),
        pooling=_pooling(config.pooling),
        word_dropout=config.word_dropout,
        embedding_dropout=config.embedding_dropout,
        output_dropout=config.output_dropout,
        ngrams=NgramScores(classes, config.ngram_features, config.ngrams) if config.ngrams else None,
        ngram_share=config.ngram_share,
    )
    model.build((None, None))
    return model


def _encoder(config: "ModelConfig") -> keras.layers.Layer | None:
    if not config.layers:
        return None
    make_cell = {"lstm": LSTMCell, "gru": GRUCell, "elman": ElmanCell}[config.cell]

    def make_layer() -> keras.layers.Layer:
        layer = Recurrent(make_cell(config.units), return_sequences=True)
        return Bidirectional(layer) if config.bidirectional else layer

    if config.layers == 1 and not config.residual:
        encoder = make_layer()
    else:
        layers = [make_layer() for _ in range(config.layers)]
        encoder = Stacked(layers, dropout=config.layer_dropout, residual=config.residual, return_sequences=True)
    if config.top_units:
        top = Bidirectional(Recurrent(make_cell(config.top_units), return_sequences=True))
        encoder = Stacked([encoder, top], dropout=config.layer_dropout, dense=True, return_sequences=True)
    return Segmented(encoder, config.segment_length) if config.segment_length else encoder


def _pooling(name: str) -> keras.layers.Layer:
    if name == "mean_max":
        return ConcatenatedPooling([MeanPooling(), MaxPooling()])
    return {"last": LastPooling, "mean": MeanPooling, "max": MaxPooling, "attentive": AttentivePooling}[name]()


def cross_entropy(label_smoothing: float) -> Callable[[Any, Any], Any]:
    """`loss(targets, logits)`: the mean over the batch, of logits [batch, classes].

    Targets are int [batch], or the probabilities of all classes, [batch, classes].
    """

    def loss(targets: Any, logits: Any) -> Any:
        logits = keras.ops.cast(logits, "float32")
        chances = targets if len(targets.shape) == 2 else keras.ops.one_hot(targets, logits.shape[-1], dtype="float32")
        return keras.ops.mean(
            keras.losses.categorical_crossentropy(chances, logits, from_logits=True, label_smoothing=label_smoothing)
        )

    return loss


class LikeliestAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """How often the likeliest class is that of the target: a number, or the likeliest of its own probabilities."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: y_true int [batch] or [batch, classes], y_pred [batch, classes]."""
        if len(y_true.shape) == 2:
            y_true = keras.ops.argmax(y_true, axis=-1)
        super().update_state(y_true, y_pred, sample_weight)


def classifier_signatures(
    model: Any, processor: Processor, text: TextConfig, explain_steps: int
) -> dict[str, Callable[..., Any]]:
    """The functions of an exported classifier, strings in and strings out.

    Args:
        model: Has `embed(ids)`, `ngram_scores(ids)` and `classify(embedded, mask, scores)`.
        processor: Tokenizer and labels.
        text: How long texts are cut, as in training.
        explain_steps: Points of the integral behind the saliencies.
    """
    labels = tf.constant(processor.labels, tf.string)
    tokenizer = processor.tokenizer

    def shorten(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        return cut(tokens, text.max_length, text.over_long, text.head_share)

    def shown(tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        # The tokens of a language model have their spaces with them, which nobody wants to see.
        tokens = shorten(tokens)
        return tokens.with_flat_values(tf.strings.strip(tokens.flat_values))

    def encode(texts: tf.Tensor) -> tf.Tensor:
        return _padded(shorten(tokenizer.encode(texts)))

    def answer(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = tf.nn.softmax(tf.cast(logits, tf.float32))
        return {"label": tf.gather(labels, tf.argmax(probabilities, axis=1)), "probabilities": probabilities}

    @tf.function(input_signature=TEXT, jit_compile=False, autograph=False)
    def serving_default(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(model(encode(text), training=False))

    @tf.function(input_signature=TEXT, jit_compile=False, autograph=False)
    def explain(text: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = encode(text)
        mask = tf.not_equal(ids, 0)
        embedded, scores = model.embed(ids), model.ngram_scores(ids)
        logits = model.classify(embedded, mask, scores)
        target = tf.argmax(logits, axis=1)
        # What n-grams add to the scores goes along the line from nothing to the text beside the word vectors.
        size = embedded.shape[2]
        path = embedded if scores is None else tf.concat([tf.cast(embedded, tf.float32), scores], axis=-1)

        def classify(point: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
            return model.classify(point[..., :size], mask, None if scores is None else point[..., size:])

        saliency = integrated_gradients(classify, path, mask, target, explain_steps)
        return {**answer(logits), "tokens": _padded(shown(tokenizer.tokenize(text))), "saliency": saliency}

    return {"serving_default": serving_default, "explain": explain}


def _padded(tokens: tf.RaggedTensor) -> tf.Tensor:
    """Rows to [batch, time], padded with 0 or ""; time is at least 1, since no loop runs over no steps."""
    dense = tokens.to_tensor()
    missing = tf.maximum(1 - tf.shape(dense)[1], 0)
    empty = tf.constant("" if dense.dtype == tf.string else 0, dense.dtype)
    return tf.pad(dense, [[0, 0], [0, missing]], constant_values=empty)

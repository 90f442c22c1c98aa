"""Training with a sampled softmax."""

import keras
import numpy as np
from keras import ops

from keras_seq.training.cross_entropy import SequenceCrossEntropy
from keras_seq.training.normalised_loss import sum_over_replicas
from keras_seq.training.sampled_softmax import draw_candidates, log_uniform_probabilities, sampled_softmax
from keras_seq.training.valid_tokens import integer_labels, token_weights


@keras.saving.register_keras_serializable(package="keras_seq")
class SampledSoftmaxTraining(keras.Model):
    """Train a language model or an encoder-decoder of a large vocabulary with `sampled_softmax`.

    `fit` compares each label with a sample of the vocabulary, one for a batch, so that the logits of all ids are never
    computed. `evaluate`, `predict` and `call` compute them: the loss of `evaluate` is the cross entropy, and metrics
    are those of `evaluate` and of validation. The weights are those of the model, which is decoded and saved as ever.

    `compile` it without a loss.

    Args:
        model: A `Decoder` without a memory, which is a language model, or an `EncoderDecoder`; its embeddings may be
            tied or not.
        samples: Number of sampled ids. Defaults to `512`.
        probabilities: Optional sequence `[vocabulary]`, how probable each id is in the sample, such as counts of words.
            By default log-uniform, for ids in the order of falling frequency.
        ignore_class: The label of padding, which does not count; None if there is none. Defaults to `0`.
        seed: Optional seed of the samples.
        **kwargs: The arguments of a model.

    Call arguments:
        inputs: Those of the model: integer tensor `[batch, time]`, or a pair of source and target inputs.
        training: Whether the model runs in training mode. Then the features that the logits are made of are returned,
            in a dictionary.

    Output shape:
        Logits, float32 `[batch, time, vocabulary]`.

    Example:

    >>> decoder = keras_seq.RecurrentDecoder(50_000, keras_seq.LSTMCell(256), tied_embeddings=True)
    >>> model = keras_seq.training.SampledSoftmaxTraining(decoder, samples=1024)
    >>> model.compile("adam", metrics=[keras_seq.training.Perplexity()])
    >>> ids = np.random.randint(1, 50_000, (8, 21))
    >>> history = model.fit(ids[:, :-1], ids[:, 1:], validation_data=(ids[:, :-1], ids[:, 1:]))
    """

    def __init__(self, model, samples=512, probabilities=None, ignore_class=0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.decoder = getattr(model, "decoder", model)
        if not hasattr(self.decoder, "output_weights"):
            raise ValueError(f"Argument `model` must be a `Decoder` or an `EncoderDecoder`. Received: model={model!r}")
        if getattr(model, "scheduled_sampling", None) is not None:
            raise ValueError("A sampled softmax has no tokens for `scheduled_sampling`: use a model without it.")
        size = self.decoder.vocabulary_size
        if not 0 < samples <= size:
            raise ValueError(f"Argument `samples` must be from 1 to {size}, all ids. Received: samples={samples}")
        proposal = log_uniform_probabilities(size) if probabilities is None else np.asarray(probabilities, "float32")
        if proposal.shape != (size,) or not (proposal > 0).all():
            raise ValueError(
                f"Argument `probabilities` must be {size} positive numbers. Received: shape={proposal.shape}, "
                f"smallest={proposal.min(initial=np.inf)}"
            )
        self.model = model
        self.samples = samples
        self.probabilities = None if probabilities is None else proposal.tolist()
        self.proposal = proposal / proposal.sum()
        self.ignore_class = ignore_class
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Build the model."""
        if not self.model.built:
            self.model.build(input_shape)
        self.built = True

    def call(self, inputs, training=False):
        """The logits; while training, what they are made of."""
        if not training:
            return self.model(inputs, training=False)
        if self.model is self.decoder:
            features = self.decoder.features(inputs, training=True)
        else:
            memory, memory_mask = self.model.encode(inputs[0], training=True)
            features = self.decoder.features(inputs[1], memory, memory_mask, training=True)
        return {"features": features}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sampled softmax while training, the cross entropy otherwise; with the model's own losses."""
        if not isinstance(y_pred, dict):
            loss = SequenceCrossEntropy(self.ignore_class)(y, y_pred, sample_weight)
        else:
            features = y_pred["features"]
            targets = x if self.model is self.decoder else x[1]
            weights = token_weights(y, features, self.ignore_class, sample_weight)
            weights = weights * ops.cast(ops.not_equal(targets, 0), "float32")
            candidates = draw_candidates(self.samples, self.proposal, self.seed_generator)
            kernel, bias = self.decoder.output_weights()
            labels = integer_labels(y)
            total, normaliser = sampled_softmax(ops.transpose(kernel), bias, features, labels, candidates, weights)
            loss = ops.divide_no_nan(total, sum_over_replicas(ops.stop_gradient(normaliser)))
        for own in self.losses:
            loss = loss + ops.sum(own)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of the logits; while training, where there are none, the loss alone."""
        if isinstance(y_pred, dict):
            return self._loss_result()
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_metrics_result(self):
        """The metrics so far; the loss alone before there were logits to build the others for."""
        built = all(getattr(metric, "built", True) for metric in self.metrics)
        return super().get_metrics_result() if built else self._loss_result()

    def _loss_result(self):
        return {metric.name: metric.result() for metric in self.metrics if metric.name == "loss"}

    def compute_mask(self, inputs, mask=None):
        """The mask of the target inputs."""
        return self.model.compute_mask(inputs)

    def compute_output_shape(self, input_shape):
        """`[batch, time, vocabulary]`."""
        return self.model.compute_output_shape(input_shape)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "samples": self.samples,
            "probabilities": self.probabilities,
            "ignore_class": self.ignore_class,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        config["model"] = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(**config)

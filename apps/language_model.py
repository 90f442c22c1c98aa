"""The Keras side of text generation: the layers of the language model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from apps.cells import make_cell
from keras_seq.models import (
    CachedLanguageModel,
    ContinuousCache,
    LanguageModel,
    RecurrentDecoder,
    TransformerDecoder,
)
from keras_seq.training import TruncatedBPTT
from keras_seq.training.sampled_softmax import draw_candidates, log_uniform_probabilities, sampled_softmax

if TYPE_CHECKING:
    from apps.text_generation import CacheConfig, ModelConfig


def build_language_model(config: "ModelConfig", vocabulary_size: int, seed: int) -> TruncatedBPTT:
    """The language model that `config` describes, built, in the driver that carries its state in training."""
    if config.kind == "transformer":
        decoder = TransformerDecoder(
            vocabulary_size,
            size=config.units,
            layers=config.layers,
            heads=config.heads,
            positions=config.positions,
            dropout=config.dropout,
            seed=seed,
        )
    else:
        decoder = RecurrentDecoder(
            vocabulary_size,
            [make_cell(config.cell, config.units) for _ in range(config.layers)],
            embedding_size=config.resolved_embedding_size,
            dropout=config.dropout,
            embedding_dropout=config.embedding_dropout,
            weight_dropout=config.weight_dropout,
            tied_embeddings=config.tied_embeddings,
            seed=seed,
        )
    model = TruncatedBPTT(LanguageModel(decoder, features_in_training=bool(config.sampled_softmax)))
    model.build((None, None))
    return model


def with_cache(model: LanguageModel, config: "CacheConfig") -> LanguageModel:
    """The model as it measures and writes: with a cache, if there is to be one."""
    if not config.size:
        return model
    return CachedLanguageModel(model, ContinuousCache(config.size, config.share, config.sharpness, config.closeness))


def sampled_loss(decoder: Any, samples: int) -> Callable[..., Any]:
    """`loss(targets, outputs, weights)` of features in training, estimated from sampled ids."""
    proposal = log_uniform_probabilities(decoder.vocabulary_size)
    samples = min(samples, decoder.vocabulary_size)
    # The sample is that of the step: a resumed training draws what it would have drawn.
    generator = decoder.seed_generator

    def loss(targets: Any, outputs: Any, weights: Any) -> Any:
        candidates = draw_candidates(samples, proposal, generator)
        kernel, bias = decoder.output_weights()
        total, normaliser = sampled_softmax(
            keras.ops.transpose(kernel), bias, outputs["features"], targets, candidates, weights
        )
        return keras.ops.divide_no_nan(total, keras.ops.stop_gradient(normaliser))

    return loss

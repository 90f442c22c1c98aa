"""The Keras side of translation: the layers of the encoder and the decoder."""

from typing import TYPE_CHECKING, Any

import keras

from apps.cells import make_cell
from keras_seq.attention import AdditiveAttention, Attention, AttentionCell, MultiplicativeAttention
from keras_seq.models import EncoderDecoder, RecurrentDecoder, TransformerDecoder, TransformerEncoder
from keras_seq.recurrent import Bidirectional, Recurrent, Stacked

if TYPE_CHECKING:
    from apps.translation_config import ModelConfig


def build_translator(config: "ModelConfig", tokenizer: Any, seed: int) -> EncoderDecoder:
    """The encoder-decoder that `config` describes, built.

    Args:
        config: The options.
        tokenizer: A `LanguagePair`.
        seed: Of the dropout.
    """
    transformer = config.kind == "transformer"
    target_size = len(tokenizer.target.vocabulary)
    model = EncoderDecoder(
        len(tokenizer.source.vocabulary),
        _transformer_encoder(config, seed) if transformer else _recurrent_encoder(config, seed),
        _transformer_decoder(config, target_size, seed)
        if transformer
        else _recurrent_decoder(config, target_size, seed),
        embedding_size=config.resolved_embedding_size,
        shared_embedding=tokenizer.joint if config.shared_embeddings is None else config.shared_embeddings,
        dropout=0.0 if transformer else config.dropout,  # a Transformer's encoder has its own
        features_in_training=True,
        seed=seed,
    )
    model.build()
    _start_embeddings(model, seed)
    return model


def _start_embeddings(model: EncoderDecoder, seed: int) -> None:
    """Vectors of length one: Keras' own are so short that tied output weights tell no tokens apart for long."""
    embeddings = [model.decoder.embedding, *([] if model.embedding is None else [model.embedding])]
    for number, embedding in enumerate(embeddings):
        size = embedding.embeddings.shape[-1]
        initializer = keras.initializers.RandomNormal(stddev=size**-0.5, seed=seed + number)
        embedding.embeddings.assign(initializer(embedding.embeddings.shape, embedding.embeddings.dtype))


def _transformer_settings(config: "ModelConfig", seed: int) -> dict[str, Any]:
    return {
        "heads": config.heads,
        "hidden_size": config.hidden_size,
        "positions": config.positions,
        "pre_norm": config.pre_norm,
        "dropout": config.dropout,
        "inner_dropout": config.inner_dropout,
        "seed": seed,
    }


def _transformer_encoder(config: "ModelConfig", seed: int) -> TransformerEncoder:
    return TransformerEncoder(layers=config.layers[0], **_transformer_settings(config, seed))


def _transformer_decoder(config: "ModelConfig", vocabulary_size: int, seed: int) -> TransformerDecoder:
    return TransformerDecoder(
        vocabulary_size,
        size=config.resolved_units,
        layers=config.layers[1],
        tied_embeddings=config.tied_embeddings,
        **_transformer_settings(config, seed),
    )


def _recurrent_encoder(config: "ModelConfig", seed: int) -> keras.layers.Layer:
    layers = [Recurrent(make_cell(config.cell, config.resolved_units)) for _ in range(config.layers[0])]
    if config.bidirectional:
        layers = [Bidirectional(layer) for layer in layers]
    return Stacked(layers, dropout=config.dropout, seed=seed)


def _recurrent_decoder(config: "ModelConfig", vocabulary_size: int, seed: int) -> RecurrentDecoder:
    cells = [make_cell(config.cell, config.resolved_units) for _ in range(config.layers[1])]
    looks = config.kind == "rnn_attention"
    if looks:
        before = config.attention_order == "before"
        cells[-1] = AttentionCell(
            cells[-1],
            _attention(config),
            attention_before=before,
            input_feeding=config.input_feeding,
            units=config.resolved_units if before else None,
        )
    return RecurrentDecoder(
        vocabulary_size,
        cells,
        embedding_size=config.resolved_embedding_size,
        use="initial_state" if looks else "both",
        dropout=config.dropout,
        tied_embeddings=config.tied_embeddings,
        seed=seed,
    )


def _attention(config: "ModelConfig") -> Attention:
    if config.attention == "additive":
        return AdditiveAttention(config.resolved_units)
    return MultiplicativeAttention(config.attention)

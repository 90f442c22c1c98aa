"""The Keras side of text generation: the layers of the language model."""

from typing import TYPE_CHECKING

from apps.cells import make_cell
from keras_seq.models import LanguageModel, RecurrentDecoder, TransformerDecoder
from keras_seq.training import TruncatedBPTT

if TYPE_CHECKING:
    from apps.text_generation import ModelConfig


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
            tied_embeddings=config.tied_embeddings,
            seed=seed,
        )
    model = TruncatedBPTT(LanguageModel(decoder))
    model.build((None, None))
    return model

"""Options of classifiers."""

from dataclasses import dataclass
from typing import Literal

from apps.runs.training_config import require

DROPOUTS = ("word_dropout", "embedding_dropout", "layer_dropout", "output_dropout")


@dataclass(frozen=True)
class ModelConfig:
    """The model: embedding, recurrent encoder, pooling over time, logits.

    Attributes:
        embedding_size: Features of a token. At least 1.
        embedding_start: What the embeddings are before training: `random`, or `cooccurrence`: vectors from a
            factorisation of which words stand near which in the training texts (about a minute for IMDB), and in
            those without labels if there are any (some minutes for IMDB).
        language_model: The folder of a text generation run of recurrent layers, trained on texts like these: its
            vocabulary, embeddings and recurrent layers are what training starts from. `cell`, `units`, `layers` and
            `embedding_size` must be those of the run, with `bidirectional` false.
        teacher: An exported sentiment model of the same labels, by `name`, `name/version` or its folder: training is
            on its answers for the texts without labels as well (self-training, Xie et al. 2020).
        cell: The recurrent cell.
        units: Size of the state, in each direction. At least 1.
        layers: Recurrent layers on top of each other; 0 pools the embeddings themselves.
        bidirectional: Read the text in both directions.
        residual: Add the inputs of each layer to its outputs, where both have the same size.
        top_units: One more recurrent layer above these, of so many units in each direction: it reads both ways, the
            embeddings and what the layers below make of them. 0 does without.
        segment_length: Cut texts into segments of this many tokens, which are read side by side; `null` reads a text
            from end to end.
        pooling: From all steps to one vector: the `last` state, the `mean` or `max` over time, both of these
            (`mean_max`), or a learnt weighting (`attentive`).
        word_dropout: Share of tokens dropped in training. This and the others from 0 to below 1.
        embedding_dropout: Share of the features of embeddings dropped in training.
        layer_dropout: Share of features dropped between recurrent layers, the same ones for all steps.
        output_dropout: Share of features dropped before the logits.
        adversarial_size: Train on each text a second time with its embeddings moved by this much (a norm) to where
            the loss grows most; takes twice the time. 0 does without.
        ngrams: A linear model beside the recurrent one, of which n-grams of up to this many tokens occur (Wang and
            Manning 2012). It is fitted before training (half a minute for IMDB), and its logits are averaged with those
            of the trained model. 0 does without; 3 is what helps most.
        ngram_features: How many n-grams to keep at most, those with the largest weights. Each takes 12 bytes of the
            exported model for two labels, 4 more for each label beyond. At least 1.
        ngram_share: The weight of the linear model in that average, from 0 to 1.
    """

    embedding_size: int = 128
    embedding_start: Literal["random", "cooccurrence"] = "cooccurrence"
    language_model: str | None = None
    teacher: str | None = None
    cell: Literal["lstm", "gru", "elman"] = "gru"
    units: int = 128
    layers: int = 1
    bidirectional: bool = True
    residual: bool = False
    top_units: int = 0
    segment_length: int | None = 50
    pooling: Literal["last", "mean", "max", "mean_max", "attentive"] = "max"
    word_dropout: float = 0.2
    embedding_dropout: float = 0.5
    layer_dropout: float = 0.0
    output_dropout: float = 0.5
    adversarial_size: float = 0.3
    ngrams: int = 0
    ngram_features: int = 400_000
    ngram_share: float = 0.4

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, least in (("embedding_size", 1), ("units", 1), ("layers", 0), ("top_units", 0)):
            require(getattr(self, name) >= least, f"model.{name}", f"at least {least}", getattr(self, name))
        if self.top_units:
            require(self.layers > 0, "model.layers", "at least 1 with model.top_units", self.layers)
        length = self.segment_length
        require(length is None or length >= 1, "model.segment_length", "at least 1", length)
        size = self.adversarial_size
        require(size >= 0, "model.adversarial_size", "at least 0", size)
        if self.language_model is not None:
            both = self.bidirectional
            require(not both and self.layers > 0, "model.bidirectional", "false with model.language_model", both)
        require(self.ngrams >= 0, "model.ngrams", "at least 0", self.ngrams)
        require(self.ngram_features >= 1, "model.ngram_features", "at least 1", self.ngram_features)
        require(0 <= self.ngram_share <= 1, "model.ngram_share", "from 0 to 1", self.ngram_share)
        for name in DROPOUTS:
            require(0 <= getattr(self, name) < 1, f"model.{name}", "from 0 to below 1", getattr(self, name))

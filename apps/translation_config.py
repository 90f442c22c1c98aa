"""Options of translators: the layers, and how translations are looked for."""

from dataclasses import dataclass
from typing import Literal

from apps.cells import CellName
from apps.runs.training_config import require


@dataclass(frozen=True)
class ModelConfig:
    """The translator: an encoder that reads a sentence, and a decoder that writes its translation.

    Attributes:
        kind: A `transformer`; `rnn_attention`, a recurrent network whose decoder looks at all words of the source; or
            `rnn`, one whose decoder knows nothing but the last state of the encoder, given to it at every step.
        cell: The recurrent cell.
        units: Size of the state of each layer; of a Transformer, its width. At least 1. Left out, it is 256, in a
            Transformer 128.
        encoder_layers: Layers of the encoder. At least 1. Left out, it is 1, in a Transformer 4.
        decoder_layers: Layers of the decoder. At least 1. Left out, it is 1, in a Transformer 4.
        embedding_size: Features of a token in a recurrent network. Left out, it is the units. A Transformer's are
            always its width.
        bidirectional: Read the source in both directions (recurrent networks).
        attention: How `rnn_attention` scores the words of the source: `additive` (Bahdanau et al.), or `dot`,
            `general` or `concat` (Luong et al.).
        attention_order: `after` the decoder's step (Luong et al.), or `before` it (Bahdanau et al.).
        input_feeding: Give the decoder at each step what it made of its last look at the source.
        heads: Heads of a Transformer's attention; they divide the units.
        hidden_size: Size of the hidden layers of a Transformer. Left out, it is four times the units.
        positions: What a Transformer knows of places.
        pre_norm: Normalise each part of a Transformer before it, and not the sum after it.
        tied_embeddings: The embeddings of the translations are the output weights as well.
        shared_embeddings: One embedding for both languages; needs a joint vocabulary. Left out, that decides.
        dropout: Share dropped in training; in recurrent networks of every layer's input, the same ones in all steps, in
            Transformers of the embeddings and of what each part puts out. From 0 to below 1.
        inner_dropout: Share of the weights of attention and the hidden layers of a Transformer that is dropped in
            training. From 0 to below 1. Left out, it is `dropout`.
        consistency: Train on each batch in two passes with other dropout, and on how far their answers are apart, so
            many times (R-Drop, Liang et al. 2021, who take 5). From 0, which does without.
    """

    kind: Literal["transformer", "rnn_attention", "rnn"] = "transformer"
    cell: CellName = "gru"
    units: int | None = None
    encoder_layers: int | None = None
    decoder_layers: int | None = None
    embedding_size: int | None = None
    bidirectional: bool = True
    attention: Literal["additive", "dot", "general", "concat"] = "additive"
    attention_order: Literal["after", "before"] = "after"
    input_feeding: bool = True
    heads: int = 4
    hidden_size: int | None = None
    positions: Literal["sinusoidal", "rotary", "relative"] = "sinusoidal"
    pre_norm: bool = True
    tied_embeddings: bool = True
    shared_embeddings: bool | None = None
    dropout: float = 0.3
    inner_dropout: float | None = None
    consistency: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.heads >= 1, "model.heads", "at least 1", self.heads)
        for name in ("units", "encoder_layers", "decoder_layers", "embedding_size", "hidden_size"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"model.{name}", "at least 1", value)
        for name in ("dropout", "inner_dropout"):
            value = getattr(self, name)
            require(value is None or 0 <= value < 1, f"model.{name}", "from 0 to below 1", value)
        strength = self.consistency
        require(0 <= strength < float("inf"), "model.consistency", "at least 0", strength)
        size, units = self.embedding_size, self.resolved_units
        if self.kind == "transformer":
            require(units % self.heads == 0, "model.units", f"a multiple of model.heads = {self.heads}", units)
            require(size in (None, units), "model.embedding_size", "model.units in a transformer", size)
        elif self.tied_embeddings:
            require(size in (None, units), "model.embedding_size", "model.units if they are tied", size)
        if self.kind == "rnn_attention" and self.attention == "dot":
            both = self.bidirectional
            require(not both, "model.attention", "another than dot with model.bidirectional: the sizes differ", "dot")

    @property
    def resolved_units(self) -> int:
        """`units`, or what follows from the kind."""
        return self.units or (128 if self.kind == "transformer" else 256)

    @property
    def layers(self) -> tuple[int, int]:
        """`encoder_layers` and `decoder_layers`, or what follows from the kind."""
        usual = 4 if self.kind == "transformer" else 1
        return self.encoder_layers or usual, self.decoder_layers or usual

    @property
    def resolved_embedding_size(self) -> int:
        """`embedding_size`, or what follows from the units."""
        return self.embedding_size or self.resolved_units


@dataclass(frozen=True)
class DecodingConfig:
    """How translations are looked for.

    Attributes:
        beam_width: Sequences that the beam search of `serving_default` keeps. 1 is greedy. From 1 to 10.
        length_penalty: How much longer translations are preferred (the alpha of Wu et al. 2016). From 0.
        max_length: Tokens of a translation at most, its end included. At least 2.
        validation_pairs: So many validation pairs are translated greedily after each epoch, for the figure `bleu` by
            which epochs can be compared. 0 does without.
    """

    beam_width: int = 5
    length_penalty: float = 0.6
    max_length: int = 120
    validation_pairs: int = 1_000

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(1 <= self.beam_width <= 10, "decoding.beam_width", "from 1 to 10", self.beam_width)
        require(self.length_penalty >= 0, "decoding.length_penalty", "at least 0", self.length_penalty)
        require(self.max_length >= 2, "decoding.max_length", "at least 2", self.max_length)
        require(self.validation_pairs >= 0, "decoding.validation_pairs", "at least 0", self.validation_pairs)

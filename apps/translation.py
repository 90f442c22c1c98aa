"""Translation: one language into another, from pairs of sentences."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from apps.cells import CellName
from apps.errors import UserError
from apps.language_names import language_name
from apps.runs.training_config import TrainingConfig, require
from apps.task import Processor, Signatures, Task
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


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

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.heads >= 1, "model.heads", "at least 1", self.heads)
        for name in ("units", "encoder_layers", "decoder_layers", "embedding_size", "hidden_size"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"model.{name}", "at least 1", value)
        for name in ("dropout", "inner_dropout"):
            value = getattr(self, name)
            require(value is None or 0 <= value < 1, f"model.{name}", "from 0 to below 1", value)
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


def _training() -> TrainingConfig:
    return TrainingConfig(
        epochs=30, learning_rate=2e-3, beta_2=0.98, label_smoothing=0.1, average_decay=0.998, monitor="bleu"
    )


@dataclass(frozen=True)
class Config:
    """All that decides a translation run.

    Attributes:
        data: Which pairs of sentences.
        text: How sentences become ids.
        batch: How ids become batches.
        model: The layers.
        decoding: How translations are looked for.
        training: How to train.
    """

    data: ParallelConfig = field(default_factory=ParallelConfig)
    text: PairTextConfig = field(default_factory=PairTextConfig)
    batch: PairBatchConfig = field(default_factory=PairBatchConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    training: TrainingConfig = field(default_factory=_training)

    def __post_init__(self) -> None:
        """Check what must fit together."""
        shared = self.model.shared_embeddings
        require(self.text.joint or not shared, "model.shared_embeddings", "false without text.joint", shared)
        if not self.decoding.validation_pairs:
            monitor = self.training.monitor
            require(monitor != "bleu", "training.monitor", "another than bleu if nothing is translated", monitor)


@dataclass(frozen=True)
class TranslationProcessor:
    """The tokenizers of a run."""

    tokenizer: Any
    labels: list[str] = field(default_factory=list)


class TranslationTask(Task):
    """Translation, as the verbs see it."""

    name = "translation"
    summary = "Translate one language into another: a translator of your own parallel text."
    config_class = Config
    predictor = "apps.commands.translate"

    def datasets(self, config: Config, tokenizer: Any = None) -> Any:
        """The batches, as `pipelines.translation.TranslationData`."""
        from pipelines.translation import load_translation

        return load_translation(config.data, config.text, config.batch, config.training.seed, tokenizer)

    def load_processor(self, vocabulary: Path, labels: list[str]) -> TranslationProcessor:
        """The tokenizers in a folder."""
        from pipelines.text.language_pair import load_language_pair

        return TranslationProcessor(load_language_pair(vocabulary))

    def data_facts(self, data: Any, config: Config) -> dict[str, Any]:
        """What is recorded about the data; rows are pairs."""
        report = data.report
        return {
            "source": report["source"],
            "licence": report["licence"],
            "digest": report["digest"],
            "rows": report["splits"],
            "unit": "pairs",
            "labels": [],
            "languages": report["languages"],
            "report": report,
        }

    def build_model(self, config: Config, processor: Processor) -> "keras.Model":
        """A `keras_seq.models.EncoderDecoder`, built."""
        from apps.translation_model import build_translator

        return build_translator(config.model, processor.tokenizer, config.training.seed)

    def loss(self, config: Config) -> Callable[..., Any]:
        """Cross entropy of the tokens of the translations, with label smoothing."""
        from keras_seq.training import SequenceCrossEntropy

        return SequenceCrossEntropy(ignore_class=None, label_smoothing=config.training.label_smoothing)

    def training_loss(self, model: "keras.Model", config: Config) -> Callable[..., Any]:
        """The same from what the output layer is given, which is faster."""
        from apps.translation_loss import loss_of_features

        return loss_of_features(model.decoder, config.training.label_smoothing)

    def metrics(self, config: Config) -> "list[keras.metrics.Metric]":
        """Accuracy of the next token."""
        from apps.translation_loss import LargeVocabularyAccuracy

        return [LargeVocabularyAccuracy(ignore_class=None, name="accuracy")]

    def more_figures(self, model: "keras.Model", data: Any, config: Config) -> Callable[[], dict[str, float]] | None:
        """BLEU of greedy translations of validation pairs."""
        count = config.decoding.validation_pairs
        if data.validation is None or not count:
            return None
        from apps.translation_evaluation import ValidationBleu

        return ValidationBleu(model, data, count, config.decoding.max_length)

    def signatures(self, model: "keras.Model", processor: Processor, config: Config) -> dict[str, "tf.function"]:
        """`serving_default`, `translate` and `score`."""
        from apps.translation_signatures import translation_signatures

        return translation_signatures(model, processor.tokenizer, config.decoding, config.text.max_length)

    def check_inputs(self, processor: Processor, config: Config) -> Mapping[str, Mapping[str, Any]]:
        """Some texts to translate with all that `translate` tells, and one to score."""
        from apps.translation_signatures import translate_inputs

        texts = [text.encode() for text in ("", "A dog.", "我爱中国 Café")]
        return {
            "translate": translate_inputs(texts, beam_width=3, n_best=2, max_length=12),
            "score": {"text": texts, "translation": [b"", b"Ein Hund.", b"x"]},
        }

    def records(self, config: Config, split: str, processor: Processor) -> Any:
        """The pairs of a split; with `all`, every pair of files of one's own."""
        from apps.translation_evaluation import MeasuredPairs
        from pipelines.translation import load_translation

        data = config.data
        if split == "all":
            if data.resolved_source not in ("files", "tsv"):
                raise UserError(
                    "--split all is for files of your own (--data.source_file and --data.target_file, or --data.tsv); "
                    f"{data.resolved_source} has validation and test."
                )
            # Files that are the test data are read whole, and not divided.
            data = dataclasses.replace(
                data, test_source_file=data.source_file, test_target_file=data.target_file, test_tsv=data.tsv
            )
            split = "test"
        opened = load_translation(
            data, config.text, config.batch, config.training.seed, processor.tokenizer, splits=[split]
        )
        return MeasuredPairs(opened.records(split), opened.languages[1])

    def validation_records(self, data: Any, config: Config) -> Any:
        """The pairs of the validation split of data that are open already."""
        from apps.translation_evaluation import MeasuredPairs

        return MeasuredPairs(data.records("validation"), data.languages[1])

    def evaluate(self, call: Signatures, records: Any, labels: list[str]) -> dict[str, Any]:
        """The figures of `apps.translation_evaluation`."""
        from apps.translation_evaluation import measure

        return measure(call, records)

    def show_evaluation(self, figures: dict[str, Any]) -> Iterable[Any]:
        """The tables of `apps.translation_evaluation`."""
        from apps.translation_evaluation import show_figures

        return show_figures(figures)

    def card(self, config: Config, facts: dict[str, Any], command: str) -> Any:
        """What the model card says in words."""
        from apps.serving.model_card import Card

        model, units = config.model, config.model.resolved_units
        source, target = facts.get("languages", ["", ""])
        between = f"from {language_name(source)} to {language_name(target)}"
        kinds = {
            "transformer": f"A Transformer of {model.layers[0]} + {model.layers[1]} layers of {units}",
            "rnn_attention": f"A {model.cell.upper()} encoder and decoder of {units} units with attention",
            "rnn": f"A {model.cell.upper()} encoder and decoder of {units} units without attention",
        }
        return Card(
            summary=f"Translates sentences {between}. {kinds[model.kind]}.",
            command=command,
            limits=(
                f"It knows sentences like those of {facts['source']}; others can come out fluent and wrong.",
                "It translates one sentence at a time, and knows nothing of those around it.",
                f"It reads {f'at most {config.text.max_length}' if config.text.max_length else 'all'} tokens of a "
                "sentence.",
            ),
            examples=("我爱中国。",) if source in ("zh", "cmn") else ("A man is standing on a ladder.",),
        )


TASK = TranslationTask()

"""Text generation: a language model of any text, by character, word or subword."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from apps.cells import CellName
from apps.errors import UserError
from apps.runs.training_config import TrainingConfig, require
from apps.task import Processor, Signatures, Task
from pipelines.corpus_config import FILE_SOURCES, CorpusConfig, VocabularyConfig, WindowConfig

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True)
class ModelConfig:
    """The language model: embedding, recurrent layers or a Transformer, scores of the next token.

    Attributes:
        kind: `recurrent` layers, which carry their state along the text, or a `transformer`, which sees one window.
        cell: The recurrent cell.
        units: Size of the state of each layer; of a Transformer, its width. At least 1.
        layers: Layers on top of each other. At least 1.
        embedding_size: Features of a token. Left out, it is 128, or with `tied_embeddings` the units.
        tied_embeddings: Whether the embeddings are the output weights as well; always so in a Transformer.
        dropout: Share of the features of every layer's input, and of the last output, that is dropped in training,
            the same ones in all steps of a window. From 0 to below 1.
        embedding_dropout: The share of recurrent layers for the embeddings; left out, it is `dropout`. Characters have
            few features to lose: 0 suits them. From 0 to below 1.
        weight_dropout: Share of the entries of the recurrent kernels dropped in training, anew for each batch. From 0
            to below 1.
        sampled_softmax: Compare each token in training with so many sampled ones only, not with the whole vocabulary:
            quicker where there are tens of thousands of words. 0 does without.
        heads: Heads of a Transformer's attention; they divide the units.
        positions: What a Transformer knows of places.
        context: Tokens that a Transformer sees at most when it writes. At least 2.
    """

    kind: Literal["recurrent", "transformer"] = "recurrent"
    cell: CellName = "gru"
    units: int = 256
    layers: int = 1
    embedding_size: int | None = None
    tied_embeddings: bool = False
    dropout: float = 0.2
    embedding_dropout: float | None = None
    weight_dropout: float = 0.0
    sampled_softmax: int = 0
    heads: int = 4
    positions: Literal["sinusoidal", "rotary", "relative"] = "rotary"
    context: int = 512

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, least in (("units", 1), ("layers", 1), ("sampled_softmax", 0), ("heads", 1), ("context", 2)):
            require(getattr(self, name) >= least, f"model.{name}", f"at least {least}", getattr(self, name))
        size = self.embedding_size
        require(size is None or size >= 1, "model.embedding_size", "at least 1", size)
        for name in ("dropout", "embedding_dropout", "weight_dropout"):
            require(0 <= (getattr(self, name) or 0) < 1, f"model.{name}", "from 0 to below 1", getattr(self, name))
        if self.kind == "transformer":
            require(
                self.units % self.heads == 0, "model.units", f"a multiple of model.heads = {self.heads}", self.units
            )
        elif self.tied_embeddings:
            require(size in (None, self.units), "model.embedding_size", "model.units if they are tied", size)

    @property
    def resolved_embedding_size(self) -> int:
        """`embedding_size`, or what follows from the rest."""
        return self.embedding_size or (self.units if self.tied_embeddings or self.kind == "transformer" else 128)


@dataclass(frozen=True)
class CacheConfig:
    """A continuous cache (Grave et al. 2017): recurrent layers look at what followed their states of the recent past.

    It is there when texts are measured, not in training, and when they are written only if that is asked for. These
    settings may change after training: `keras-seq evaluate --keep_settings` puts others into a run.

    Attributes:
        size: Tokens that are remembered; the state of a text grows with them. 0 does without.
        share: The most that the cache has of a probability. Above 0, below 1.
        sharpness: How fast the weight of a state falls with its distance. Above 0.
        closeness: The cosine at which a single state of the past gives the cache half of its share. From -1 to 1.
        writes: Whether the model looks at the cache when it writes, too. Names then stay the same, but what the model
            has made up comes again and again as well, and writing is several times as slow.
    """

    size: int = 0
    share: float = 0.35
    sharpness: float = 17.0
    closeness: float = 0.8
    writes: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.size >= 0, "cache.size", "at least 0", self.size)
        require(0 < self.share < 1, "cache.share", "above 0 and below 1", self.share)
        require(self.sharpness > 0, "cache.sharpness", "above 0", self.sharpness)
        require(-1 <= self.closeness <= 1, "cache.closeness", "from -1 to 1", self.closeness)


def _training() -> TrainingConfig:
    return TrainingConfig(
        epochs=10, learning_rate=1e-2, beta_2=0.99, weight_decay=0.01, average_decay=0.99, monitor="loss"
    )


@dataclass(frozen=True)
class Config:
    """All that decides a text generation run.

    Attributes:
        data: Which text.
        text: How text becomes ids.
        batch: How ids become batches.
        model: The layers.
        cache: What the model sees of its own text.
        training: How to train.
    """

    data: CorpusConfig = field(default_factory=CorpusConfig)
    text: VocabularyConfig = field(default_factory=VocabularyConfig)
    batch: WindowConfig = field(default_factory=WindowConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    training: TrainingConfig = field(default_factory=_training)

    def __post_init__(self) -> None:
        """Check what must fit together."""
        if self.model.kind == "transformer":
            cutting = self.batch.cutting
            require(cutting == "windows", "batch.cutting", "windows for a transformer, which carries no state", cutting)
            size = self.cache.size
            require(size == 0, "cache.size", "0 for a transformer, which looks at its past by itself", size)


@dataclass(frozen=True)
class LanguageProcessor:
    """The tokenizer of a run."""

    tokenizer: Any
    labels: list[str] = field(default_factory=list)


class TextGenerationTask(Task):
    """Text generation, as the verbs see it."""

    name = "text_generation"
    summary = "Write on in the style of a text: a language model of your own files."
    config_class = Config
    predictor = "apps.commands.generate"
    # A loss by token does not compare texts that are cut into other tokens.
    search_objective = "bits_per_character"
    later_section = "cache"

    def datasets(self, config: Config, tokenizer: Any = None) -> Any:
        """The batches, as `pipelines.text_generation.TextData`."""
        from pipelines.text_generation import load_text_generation

        batch = config.batch
        if config.model.kind == "transformer":  # it reads each window from nothing, wherever documents begin
            batch = dataclasses.replace(batch, reset="row")
        # What the cache sees at the start of a stream is to be what it sees everywhere.
        lead = max(batch.evaluation_lead, math.ceil(config.cache.size / batch.evaluation_window))
        batch = dataclasses.replace(batch, evaluation_lead=lead)
        return load_text_generation(config.data, config.text, batch, config.training.seed, tokenizer)

    def load_processor(self, vocabulary: Path, labels: list[str]) -> LanguageProcessor:
        """The tokenizer in a folder."""
        from pipelines.text import load_tokenizer

        return LanguageProcessor(load_tokenizer(vocabulary))

    def data_facts(self, data: Any, config: Config) -> dict[str, Any]:
        """What is recorded about the data; rows are characters."""
        report = data.report
        return {
            "source": report["source"],
            "licence": report["licence"],
            "digest": report["digest"],
            "rows": report["characters"],
            "unit": "characters",
            "labels": [],
            "report": report,
        }

    def build_model(self, config: Config, processor: Processor) -> "keras.Model":
        """A `TruncatedBPTT` around a `LanguageModel`, built."""
        from apps.language_model import build_language_model

        return build_language_model(config.model, len(processor.tokenizer.vocabulary), config.training.seed)

    def loss(self, config: Config) -> Callable[..., Any]:
        """Cross entropy of the next token."""
        from keras_seq.training import SequenceCrossEntropy

        return SequenceCrossEntropy(ignore_class=None, label_smoothing=config.training.label_smoothing)

    def training_loss(self, model: "keras.Model", config: Config) -> Callable[..., Any] | None:
        """The sampled softmax, if that is asked for."""
        if not config.model.sampled_softmax:
            return None
        from apps.language_model import sampled_loss

        return sampled_loss(model.model.decoder, config.model.sampled_softmax)

    def metrics(self, config: Config) -> "list[keras.metrics.Metric]":
        """Accuracy of the next token."""
        from keras_seq.training import TokenAccuracy

        return [TokenAccuracy(ignore_class=None, name="accuracy")]

    def signatures(self, model: "keras.Model", processor: Processor, config: Config) -> dict[str, "tf.function"]:
        """`serving_default`, `start` and `step`, `score`, `activations`, `begin` and `read`."""
        from apps.language_model import with_cache
        from apps.language_signatures import language_signatures

        reader = with_cache(model.model, config.cache)
        writer = reader if config.cache.writes else model.model
        return language_signatures(writer, processor.tokenizer, config.model.context, reader)

    def check_inputs(self, processor: Processor, config: Config) -> Mapping[str, Mapping[str, Any]]:
        """Two prompts, to be continued in the most probable way."""
        from apps.language_signatures import prompt_inputs

        return {"serving_default": prompt_inputs([b"", "The caf\u00e9".encode()], temperature=0.0, max_tokens=12)}

    def records(self, config: Config, split: str, processor: Processor) -> Any:
        """The text of a split, in batches; with `all`, a file of one's own from its beginning to its end."""
        data = config.data
        if split == "all":
            source = data.resolved_source
            if source not in (*FILE_SOURCES, "stdlib", "samples"):
                raise UserError(
                    f"--split all is for texts of your own (--data.file, --data.folder); {source} has validation."
                )
            data = dataclasses.replace(data, validation_fraction=0.0, test_fraction=1.0)
            split = "test"
        opened = self.datasets(dataclasses.replace(config, data=data), processor.tokenizer)
        return self._measured(opened, split, config)

    def validation_records(self, data: Any, config: Config) -> Any:
        """The validation text."""
        return self._measured(data, "validation", config)

    def _measured(self, data: Any, split: str, config: Config) -> Any:
        from apps.language_evaluation import MeasuredText

        return MeasuredText(data, split, config.model.kind == "recurrent")

    def evaluate(self, call: Signatures, records: Any, labels: list[str]) -> dict[str, Any]:
        """The figures of `apps.language_evaluation`."""
        from apps.language_evaluation import measure

        return measure(call, records)

    def show_evaluation(self, figures: dict[str, Any]) -> Iterable[Any]:
        """The tables of `apps.language_evaluation`."""
        from apps.language_evaluation import show_figures

        return show_figures(figures)

    def card(self, config: Config, facts: dict[str, Any], command: str) -> Any:
        """What the model card says in words."""
        from apps.serving.model_card import Card

        model = config.model
        if model.kind == "transformer":
            layers = f"A Transformer of {model.layers} layers of {model.units} units"
        else:
            layers = f"{model.layers} {model.cell.upper()} layer(s) of {model.units} units"
        if config.cache.size:
            uses = "reads and writes" if config.cache.writes else "reads (not when it writes)"
            layers += f", with a continuous cache of {config.cache.size:,} tokens when it {uses}"
        level = config.text.level
        return Card(
            summary=f"Writes on in the style of {facts['source']}, {level} by {level}. {layers}.",
            command=command,
            limits=(
                f"It knows nothing but {facts['source']}; what it writes need not be true.",
                "It can repeat passages of the text that it was trained on.",
            ),
            inputs={
                "temperature": 0.8,
                "top_k": 0,
                "top_p": 1.0,
                "max_tokens": 200,
                "seed": 1,
            },
            examples=("The ",),
        )


TASK = TextGenerationTask()

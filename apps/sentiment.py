"""Sentiment: which of a few classes a text belongs to. Works for any labelled texts, whatever the classes are."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.errors import UserError
from apps.runs.training_config import TrainingConfig, require
from apps.sentiment_config import ModelConfig
from apps.task import Processor, Signatures, Task
from pipelines.config import FILE_SOURCES, BatchConfig, DataConfig, TextConfig

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf


@dataclass(frozen=True)
class Config:
    """All that decides a sentiment run.

    Attributes:
        data: Which records.
        text: How texts become ids.
        batch: How ids become batches.
        model: The layers.
        training: How to train.
        explain_steps: Points of the integral behind the saliencies of the exported model. At least 1.
    """

    data: DataConfig = field(default_factory=DataConfig)
    text: TextConfig = field(default_factory=TextConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    explain_steps: int = 10

    def __post_init__(self) -> None:
        """Check the ranges and what must fit together."""
        if self.model.teacher is not None:
            there = self.data.unlabelled or self.data.unlabelled_file is not None
            require(there, "data.unlabelled", "true, or data.unlabelled_file given, with model.teacher", False)
        require(self.explain_steps >= 1, "explain_steps", "at least 1", self.explain_steps)


@dataclass(frozen=True)
class SentimentProcessor:
    """The tokenizer and labels of a run."""

    tokenizer: Any
    labels: list[str]


class SentimentTask(Task):
    """Sentiment, as the verbs see it."""

    name = "sentiment"
    summary = "Tell which class a text belongs to: positive or negative, or your own labels."
    config_class = Config

    def settled(self, config: Config) -> Config:
        """The teacher with its version: a newer one must not take its place when a run goes on."""
        if config.model.teacher is None:
            return config
        from apps.teacher import exact_name

        return dataclasses.replace(
            config, model=dataclasses.replace(config.model, teacher=exact_name(config.model.teacher))
        )

    def datasets(self, config: Config, tokenizer: Any = None) -> Any:
        """The batches, as `pipelines.sentiment.SentimentData`."""
        from pipelines.sentiment import load_sentiment

        if tokenizer is None and config.model.language_model is not None:
            from apps.language_start import vocabulary_of

            tokenizer = vocabulary_of(config.model.language_model)
        teacher = None
        if config.model.teacher is not None:
            from apps.teacher import open_teacher

            teacher = open_teacher(config.model.teacher)
        return load_sentiment(config.data, config.text, config.batch, config.training.seed, tokenizer, teacher=teacher)

    def load_processor(self, vocabulary: Path, labels: list[str]) -> SentimentProcessor:
        """The tokenizer in a folder, with the labels."""
        from pipelines.text import load_tokenizer

        return SentimentProcessor(load_tokenizer(vocabulary), labels)

    def data_facts(self, data: Any, config: Config) -> dict[str, Any]:
        """What is recorded about the data, with the labels and the counts of the pipeline's own report."""
        report = data.report
        return {
            "source": report["source"],
            "licence": report["licence"],
            "digest": report["digest"],
            "rows": report["splits"],
            "labels": data.labels,
            "report": report,
        }

    def build_model(self, config: Config, processor: Processor) -> "keras.Model":
        """A `keras_seq.models.SequenceClassifier`, built."""
        from apps.sentiment_model import build_classifier

        return build_classifier(config.model, len(processor.tokenizer.vocabulary), len(processor.labels))

    def start_weights(self, model: "keras.Model", data: Any, config: Config) -> None:
        """Vectors from the co-occurrences of words, or the layers of a language model; and weights of n-grams."""
        if model.ngrams is not None:
            from apps.ngram_start import start_ngrams

            start_ngrams(model.ngrams, data.texts("train"), len(data.labels))
        if config.model.language_model is not None:
            from apps.language_start import start_from_language_model

            start_from_language_model(model, config.model.language_model, config.model.layers)
        elif config.model.embedding_start == "cooccurrence":
            import numpy as np

            from pipelines.text.word_vectors import cooccurrence_vectors

            texts = data.texts("train")
            ids, offsets = texts.ids, texts.offsets
            if data.unlabelled is not None:
                more = data.unlabelled
                ids, offsets = np.concatenate([ids, more.ids]), np.concatenate([offsets, more.offsets[1:] + len(ids)])
            size, seed = config.model.embedding_size, config.training.seed
            vectors = cooccurrence_vectors(ids, offsets, len(data.tokenizer.vocabulary), size, seed)
            model.embedding.embeddings.assign(vectors)

    def layer_groups(self, model: "keras.Model", config: Config) -> list[list[Any]]:
        """The head with the pooling and `top_units`, each other layer from the top to the bottom, the embeddings."""
        from apps.language_start import cells_of_layers

        layers = cells_of_layers(model.encoder)[: config.model.layers]
        embeddings = model.embedding.trainable_weights
        below = [[weight for cell in cells for weight in cell.trainable_weights] for cells in layers]
        known = {id(weight) for group in [embeddings, *below] for weight in group}
        top = [weight for weight in model.trainable_weights if id(weight) not in known]
        return [top, *reversed(below), embeddings]

    def loss(self, config: Config) -> Callable[[Any, Any], Any]:
        """Cross entropy of the logits, with label smoothing."""
        from apps.sentiment_model import cross_entropy

        return cross_entropy(config.training.label_smoothing)

    def objective(self, config: Config) -> Callable[..., tuple[Any, Any]] | None:
        """Adversarial training, if that is asked for."""
        if not config.model.adversarial_size:
            return None
        from apps.adversarial import adversarial_objective

        return adversarial_objective(self.loss(config), config.model.adversarial_size)

    def metrics(self, config: Config) -> "list[keras.metrics.Metric]":
        """Accuracy."""
        from apps.sentiment_model import LikeliestAccuracy

        return [LikeliestAccuracy(name="accuracy")]

    def signatures(self, model: "keras.Model", processor: Processor, config: Config) -> dict[str, "tf.function"]:
        """`serving_default` (label, probabilities) and `explain` (tokens and their saliency beside these)."""
        from apps.sentiment_model import classifier_signatures

        return classifier_signatures(model, processor, config.text, config.explain_steps)

    def records(self, config: Config, split: str, processor: Processor) -> Iterator[Any]:
        """The texts of `validation` or `test`, or, with `all`, every row of a file of one's own."""
        from pipelines.sentiment import load_sentiment

        data = config.data
        if split == "all":
            source = data.resolved_source
            if source not in FILE_SOURCES:
                raise UserError(
                    f"--split all is for files (--data.csv and the like); {source} has validation and test."
                )
            # A file that is the test data is read whole, and not divided.
            data = dataclasses.replace(data, test_file=getattr(data, source))
            split = "test"
        loaded = load_sentiment(
            data,
            config.text,
            config.batch,
            config.training.seed,
            tokenizer=processor.tokenizer,
            labels=processor.labels,
            splits=[split],
        )
        return loaded.records(split)

    def evaluate(self, call: Signatures, records: Iterable[Any], labels: list[str]) -> dict[str, Any]:
        """The figures of `apps.classification`."""
        from apps.classification import evaluate_records

        return evaluate_records(lambda texts: call("serving_default", text=texts), records, labels)

    def show_evaluation(self, figures: dict[str, Any]) -> Iterable[Any]:
        """The tables of `apps.classification`."""
        from apps.classification import show_figures

        return show_figures(figures)

    def prediction_rows(self, outputs: Mapping[str, "np.ndarray"], labels: list[str]) -> Iterator[dict[str, Any]]:
        """Label and probabilities."""
        from apps.classification import prediction_rows

        return prediction_rows(outputs, labels)

    def card(self, config: Config, facts: dict[str, Any], command: str) -> Any:
        """What the model card says in words."""
        from apps.serving.model_card import Card

        model = config.model
        classes = ", ".join(facts["labels"])
        direction = "bidirectional " if model.bidirectional else ""
        pooling = "mean and max" if model.pooling == "mean_max" else model.pooling
        above = f", {model.top_units} more in each direction above them," if model.top_units else ""
        network = f"A {direction}{model.cell.upper()} network of {model.units} units{above} with {pooling} pooling."
        if model.language_model is not None:
            network += " It began as a language model, which had learnt to predict the next word of such texts."
        if model.teacher is not None:
            network += f" It learnt as well from the answers of {model.teacher} for texts without labels."
        if not model.layers:
            network = f"Word vectors of {model.embedding_size} numbers with {model.pooling} pooling: it knows no order."
        if model.ngrams:
            network += f" Beside it, a linear model of which words occur, and which runs of up to {model.ngrams}."
        length = f"at most {config.text.max_length} tokens" if config.text.max_length else "all of its tokens"
        limits = [
            f"It knows texts like those of {facts['source']}; on others, its probabilities can be far off.",
            f"It sees {length} of a text.",
            "A saliency says what the model looked at, not why the text is what it is.",
        ]
        return Card(
            summary=f"Tells which of {len(facts['labels'])} classes a text belongs to: {classes}. {network}",
            command=command,
            limits=tuple(limits),
            examples=("A wonderful film that I will not forget.", "Two hours of my life that I want back."),
        )


TASK = SentimentTask()

"""Translation: one language into another, from pairs of sentences."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.errors import UserError
from apps.language_names import language_name
from apps.runs.training_config import TrainingConfig, require
from apps.task import Processor, Signatures, Task
from apps.translation_config import DecodingConfig, ModelConfig
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


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
    later_section = "decoding"

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

    def objective(self, config: Config) -> Callable[..., tuple[Any, Any]] | None:
        """The consistent loss over two passes with other dropout, if that is asked for."""
        if not config.model.consistency:
            return None
        from apps.translation_loss import consistent_objective

        return consistent_objective(config.training.label_smoothing, config.model.consistency)

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

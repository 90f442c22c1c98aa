"""Small translators with random weights, for tests of what is built on them."""

import dataclasses

import numpy as np

from apps.serving.export import export_model
from apps.translation import TASK, Config, TranslationProcessor
from apps.translation_config import DecodingConfig, ModelConfig
from pipelines.parallel_config import PairTextConfig
from pipelines.text.character import CharacterTokenizer
from pipelines.text.language_pair import LanguagePair
from pipelines.text.sentence import SentenceTokenizer

LETTERS = ["", "[UNK]", "\x02", "\x03", " ", *"abcdefgh", "é", "爱"]


def export_translator(directory, name="tiny", kind="transformer", seed=0):
    """Export a translator of letters."""
    config = Config(
        text=PairTextConfig(level="character"),
        model=ModelConfig(kind=kind, units=16, encoder_layers=1, decoder_layers=1, heads=2),
        decoding=DecodingConfig(beam_width=3),
    )
    sentences = SentenceTokenizer(CharacterTokenizer(LETTERS))
    processor = TranslationProcessor(LanguagePair(sentences, sentences))
    model = TASK.build_model(config, processor)
    for number, weight in enumerate(model.weights):
        if "float" in weight.dtype:
            weight.assign(np.random.default_rng(number + 1000 * seed).normal(size=weight.shape) * 0.7)
    facts = {"source": "letters", "labels": [], "rows": {"train": 3}, "licence": "CC0", "languages": ["en", "de"]}
    return export_model(
        TASK.signatures(model, processor, config),
        [model, processor.tokenizer],
        name,
        directory,
        metadata={
            "task": "translation",
            "labels": [],
            "data": facts,
            "metrics": {"validation": {"bleu": 30.0}},
            "config": {"decoding": dataclasses.asdict(config.decoding)},
        },
        card=TASK.card(config, facts, "keras-seq train translation"),
        check=False,
    )

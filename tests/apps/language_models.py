"""Small language models with random weights, for tests of what is built on them."""

import numpy as np

from apps.language_model import build_language_model
from apps.language_signatures import language_signatures
from apps.serving.export import export_model
from apps.text_generation import TASK, Config, ModelConfig
from pipelines.text.character import CharacterTokenizer

LETTERS = ["", "[UNK]", " ", "\n", *"abcdefgh", "é", "好"]


def make_model(kind="recurrent", **options):
    """A built model with random weights, its tokenizer and its configuration."""
    defaults = {"units": 12, "heads": 2, "context": 64, "embedding_size": 5} if kind == "recurrent" else {}
    defaults |= {"units": 12, "heads": 2, "context": 64}
    config = Config(
        model=ModelConfig(kind=kind, **{**defaults, **options}),
        **({} if kind == "recurrent" else {"batch": type(Config().batch)(cutting="windows")}),
    )
    tokenizer = CharacterTokenizer(LETTERS)
    model = build_language_model(config.model, len(LETTERS), seed=1)
    for number, weight in enumerate(model.weights):
        if "float" in weight.dtype:
            weight.assign(np.random.default_rng(number).normal(size=weight.shape) * 0.6)
    return model, tokenizer, config


def export_language_model(directory, kind="recurrent", name="tiny", check=False, **options):
    """Export such a model; returns its report and its functions."""
    model, tokenizer, config = make_model(kind, **options)
    signatures = language_signatures(model.model, tokenizer, config.model.context)
    facts = {"source": "letters", "labels": [], "rows": {"train": 3}, "licence": "CC0"}
    processor = type("Processor", (), {"tokenizer": tokenizer, "labels": []})()
    report = export_model(
        signatures,
        [model, tokenizer],
        name,
        directory,
        metadata={
            "task": "text_generation",
            "labels": [],
            "data": facts,
            "metrics": {"validation": {"perplexity": 9.0}},
        },
        card=TASK.card(config, facts, "keras-seq train text_generation"),
        check=check,
        check_inputs=TASK.check_inputs(processor, config),
    )
    return report, signatures

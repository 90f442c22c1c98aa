"""`keras-seq cells`: train the small cells that the studio looks into, and export them as one model."""

import hashlib
from typing import Any

from apps.commands.export import DEFAULT_MODELS
from apps.console import Console, import_tensorflow, table
from apps.errors import UsageError
from apps.settings import Parser

SUMMARY = "Make the model of the studio's Cells page: a minute of training, no data needed."
TAKES_TASK = False
USAGE = "[--name NAME] [--version N] [--steps N] [--seed N]"
NAME, STEPS, SEED = "cells", 250, 1
LIMITS = (
    "It is there to be looked into: the cells are small and know nothing but brackets and capital letters.",
    "Characters outside ASCII are read as unknown ones.",
)


def add_arguments(parser: Parser, task: None) -> None:
    """Declare the options."""
    parser.add_argument("--name", metavar="NAME", help=f"The model's name. (default: {NAME})")
    parser.add_argument("--version", type=int, metavar="N", help="Its version; the next free one if left out.")
    parser.add_argument(
        "--steps", type=int, metavar="N", help=f"Batches that each cell learns from. (default: {STEPS})"
    )
    parser.add_argument("--seed", type=int, metavar="N", help=f"What decides texts and weights. (default: {SEED})")
    parser.add_argument(
        "--models.dir", metavar="DIR", help=f"The folder of exported models. (default: {DEFAULT_MODELS})"
    )


def run(arguments: Any, task: None, console: Console) -> None:
    """Train and export."""
    steps, seed = arguments.get("steps", STEPS), arguments.get("seed", SEED)
    if steps < 1:
        raise UsageError(f"--steps must be at least 1. Received: {steps}")
    if seed < 0:
        raise UsageError(f"--seed must be at least 0. Received: {seed}")
    import_tensorflow()
    import tensorflow as tf

    from apps import cell_memory
    from apps.serving.export import export_model
    from apps.serving.model_card import Card
    from pipelines.sources.samples import samples_folder
    from pipelines.text.character import CharacterTokenizer

    tf.config.experimental.enable_op_determinism()
    content = (samples_folder() / "stories.txt").read_bytes()
    text = content.decode("utf-8")
    tokenizer = CharacterTokenizer(cell_memory.VOCABULARY)
    readers, accuracies = cell_memory.train(text, steps, seed, console.note)
    report = export_model(
        cell_memory.signatures(readers, tokenizer, text),
        [*(reader.model for reader in readers), *(reader.start for reader in readers), tokenizer],
        arguments.get("name") or NAME,
        arguments.get("models.dir") or DEFAULT_MODELS,
        metadata=cell_memory.metadata(seed, accuracies, hashlib.sha256(content).hexdigest(), steps),
        card=Card(
            "Six recurrent cells that say after each character whether a bracket is open and whether the word began "
            "with a capital letter. The signature named for a cell gives its gates and states, `gradient` how much of "
            "the gradient of the last state reaches the character at each distance before it.",
            command=_command(arguments),
            limits=LIMITS,
            examples=("She (or so they say) went home.",),
        ),
        version=arguments.get("version"),
        check_inputs={"gradient": {"length": 20}},
    )
    key = f"{arguments.get('name') or NAME}/{report.version}"
    result = {
        "model": key,
        "path": str(report.path),
        "parameters": report.parameters,
        "bytes": report.size,
        **accuracies,
    }
    rows = [
        ["folder", report.path.as_posix()],
        ["parameters", f"{report.parameters:,}"],
        ["size", f"{report.size / 1e6:.1f} MB"],
        ["checked", "a process with TensorFlow alone gives the same answers"],
    ]
    console.result(result, table("", ["", key], rows))


def _command(arguments: Any) -> str:
    given = [f"--{name} {arguments[name]}" for name in ("name", "steps", "seed") if arguments.get(name) is not None]
    return " ".join(["keras-seq cells", *given])

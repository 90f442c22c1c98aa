"""Starting a classifier from a language model of texts like those it is to read.

Dai and Le (2015), "Semi-supervised Sequence Learning": what a recurrent network learns from predicting the next word of
many texts without labels is a better beginning than random weights.
"""

from pathlib import Path
from typing import Any

from apps.errors import UserError
from apps.runs.folder import RunFolder

TASK_NAME = "text_generation"


def _run_of(path: str) -> RunFolder:
    """The run in a folder.

    Raises:
        UserError: when it is not one of text generation.
    """
    folder = Path(path)
    if folder.parent.name != TASK_NAME or not (folder / "config.yaml").is_file():
        raise UserError(
            f"--model.language_model must name the folder of a text generation run, such as runs/{TASK_NAME}/NAME. "
            f"Received: {path}"
        )
    return RunFolder(str(folder.parent.parent), TASK_NAME, folder.name)


def vocabulary_of(path: str) -> Any:
    """The tokenizer of a text generation run."""
    from pipelines.text import load_tokenizer

    return load_tokenizer(_run_of(path).vocabulary)


def start_from_language_model(model: Any, path: str, layers: int) -> None:
    """Give a classifier the embeddings and recurrent layers of a language model.

    Args:
        model: A built `SequenceClassifier` whose lowest layers run recurrent cells in one direction.
        path: The folder of the run of the language model; its best weights are taken.
        layers: How many layers are to be those of the language model.

    Raises:
        UserError: when the sizes or cells differ; the line says which.
    """
    import keras

    from apps.runs.trained import open_run
    from apps.text_generation import TASK

    policy = keras.mixed_precision.dtype_policy()
    try:
        language = open_run(TASK, _run_of(path), lambda line: None)
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    decoder = language.model.model.decoder
    if not hasattr(decoder, "cells"):
        raise UserError(f"{path} is a Transformer: a recurrent classifier starts from a recurrent language model.")
    pairs = [("embedding_size", [model.embedding.embeddings], [decoder.embedding.embeddings])]
    cells = [cell for cells in cells_of_layers(model.encoder)[:layers] for cell in cells]
    if len(cells) != len(decoder.cells):
        raise UserError(f"{path} has {len(decoder.cells)} layers: set --model.layers {len(decoder.cells)}.")
    for ours, theirs in zip(cells, decoder.cells, strict=True):
        if type(ours) is not type(theirs):
            raise UserError(f"{path} has cells of the kind {language.config.model.cell}: set --model.cell to that.")
        pairs.append(("units", ours.weights, theirs.weights))
    for option, own, given in pairs:
        for variable, value in zip(own, given, strict=True):
            if tuple(variable.shape) != tuple(value.shape):
                expected = decoder.embedding_size if option == "embedding_size" else language.config.model.units
                raise UserError(
                    f"The weights of {path} do not fit: set --model.{option} {expected} "
                    f"(a weight is {tuple(value.shape)} there and {tuple(variable.shape)} here)."
                )
    for _, own, given in pairs:
        for variable, value in zip(own, given, strict=True):
            variable.assign(value)


def cells_of_layers(encoder: Any) -> list[list[Any]]:
    """The cells of each recurrent layer of an encoder from the bottom to the top: one, or two that read both ways."""
    if encoder is None:
        return []
    if hasattr(encoder, "cell"):
        return [[encoder.cell]]
    if hasattr(encoder, "forward_layer"):
        return [[encoder.forward_layer.cell, encoder.backward_layer.cell]]
    inner = encoder.layers if hasattr(encoder, "layers") else [encoder.layer]
    return [cells for layer in inner for cells in cells_of_layers(layer)]

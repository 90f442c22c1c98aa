"""MODEL_CARD.md: what a person should know before using a model."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Card:
    """What the metadata cannot say.

    Attributes:
        summary: What the model does, in one or two sentences.
        command: The command that trained it.
        limits: What it was not made for and where it is known to fail, one sentence each.
        examples: Texts to call it with in the shown code.
        licence: The terms under which the model itself may be used.
        inputs: What `serving_default` takes besides the texts, with good values; it goes into the metadata as well.
    """

    summary: str
    command: str = ""
    limits: tuple[str, ...] = ()
    examples: tuple[str, ...] = ("An example.",)
    licence: str = field(default="Apache-2.0")
    inputs: Mapping[str, float | int] = field(default_factory=dict)


def render(metadata: Mapping[str, Any], card: Card) -> str:
    """The text of the model card.

    Args:
        metadata: The fields of metadata.json, files and digests not needed.
        card: The words that go with them.

    Returns:
        Markdown.
    """
    sections = [
        f"# {metadata['name']}, version {metadata['version']}",
        card.summary,
        _section("What it answers", _labels(metadata)),
        _section("Data", _data(metadata.get("data", {}))),
        _section("Training", _training(metadata, card)),
        _section("Metrics", _metrics(metadata.get("metrics", {}))),
        _section("Limits", "\n".join(f"- {limit}" for limit in card.limits)),
        _section("How to call it", _usage(metadata, card)),
        _section("Licence", _licence(metadata, card)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _section(title: str, body: str) -> str:
    """A headed section, or nothing when there is nothing to say."""
    return f"## {title}\n\n{body}" if body else ""


def _labels(metadata: Mapping[str, Any]) -> str:
    """The classes and the signatures."""
    lines = []
    if metadata.get("labels"):
        lines += [
            "Classes, in the order of the probabilities: " + ", ".join(f"`{x}`" for x in metadata["labels"]) + ".",
            "",
        ]
    lines += ["| signature | in | out |", "| --- | --- | --- |"]
    for name, signature in metadata["signatures"].items():
        lines.append(f"| `{name}` | {_tensors(signature['inputs'])} | {_tensors(signature['outputs'])} |")
    return "\n".join(lines)


def _tensors(specs: Mapping[str, Any]) -> str:
    """Names, types and shapes of tensors in a few words."""
    return ", ".join(f"`{name}`: {spec['dtype']} {shape_text(spec['shape'])}" for name, spec in specs.items())


def shape_text(shape: list[int | None] | None) -> str:
    """A shape with `?` for a size that is not fixed."""
    if shape is None:
        return "[...]"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _data(data: Mapping[str, Any]) -> str:
    """Source, licence, size and digest of the data."""
    return "\n".join(f"- {key.replace('_', ' ')}: {_plain(value)}" for key, value in data.items())


def _plain(value: Any) -> str:
    """A value of the metadata as people write it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _training(metadata: Mapping[str, Any], card: Card) -> str:
    """How the model was made."""
    lines = []
    if card.command:
        lines += ["```", card.command, "```", ""]
    lines.append(f"- parameters: {metadata['parameters']:,}")
    if metadata.get("seed") is not None:
        lines.append(f"- seed: {metadata['seed']}")
    lines.append("- made with: " + ", ".join(f"{key} {value}" for key, value in metadata["versions"].items()))
    lines.append(f"- exported: {metadata['created']}")
    return "\n".join(lines)


def metric_rows(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """The single numbers among the metrics, as (split, metric, value).

    Metrics are grouped by the split they were measured on; a number outside a group has the split "".
    """
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            for name, number in value.items():
                if isinstance(number, int | float) and not isinstance(number, bool):
                    yield key, name, number
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield "", key, value


def _metrics(metrics: Mapping[str, Any]) -> str:
    """A table of the single numbers, a column for each split."""
    rows = list(metric_rows(metrics))
    splits = list(dict.fromkeys(split for split, _, _ in rows))
    if not rows:
        return ""
    values = {(split, name): value for split, name, value in rows}
    lines = [
        "| metric | " + " | ".join(split or "value" for split in splits) + " |",
        "| --- |" + " --- |" * len(splits),
    ]
    for name in dict.fromkeys(name for _, name, _ in rows):
        cells = (_plain(values[split, name]) if (split, name) in values else "" for split in splits)
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _usage(metadata: Mapping[str, Any], card: Card) -> str:
    """Code that calls the model, in plain TensorFlow and over TF Serving's REST interface."""
    path = f"saved_models/{metadata['name']}/{metadata['version']}"
    return f"Plain TensorFlow:\n\n```python\n{python_example(metadata, path, card.examples)}\n```\n\n" + (
        f"TF Serving:\n\n```sh\n{serving_example(metadata, card.examples)}\n```"
    )


def python_example(metadata: Mapping[str, Any], path: str, examples: tuple[str, ...]) -> str:
    """Python code that loads the model from `path` and calls it."""
    outputs = metadata["signatures"]["serving_default"]["outputs"]
    lines = ["import tensorflow as tf", "", f"model = tf.saved_model.load({_quoted(path)})", "texts = tf.constant(["]
    lines += [f"    {_quoted(text)}," for text in examples]
    settings = [f"{name}=tf.constant({value})" for name, value in metadata.get("inputs", {}).items()]
    arguments = ", ".join(["text=texts", *settings])
    lines += ["])", f'answer = model.signatures["serving_default"]({arguments})']
    lines += [f"print(answer[{_quoted(name)}].numpy())" for name in outputs]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A text as Python code, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def serving_example(metadata: Mapping[str, Any], examples: tuple[str, ...]) -> str:
    """Shell commands that start TF Serving with the model and ask it over REST."""
    name = metadata["name"]
    inputs = {"text": list(examples), **metadata.get("inputs", {})}
    body = json.dumps({"inputs": inputs}, ensure_ascii=False).replace("'", "'\\''")
    return "\n".join(
        [
            f"docker run --rm -p 8501:8501 -e MODEL_NAME={name} \\",
            f'  -v "$PWD/saved_models/{name}:/models/{name}" tensorflow/serving &',
            f"curl -d '{body}' \\",
            f"  http://localhost:8501/v1/models/{name}:predict",
        ]
    )


def _licence(metadata: Mapping[str, Any], card: Card) -> str:
    """The terms of the model, and those of its data."""
    terms = metadata.get("data", {}).get("licence")
    return f"The model: {card.licence}." + (f" The data it was trained on: {terms}." if terms else "")

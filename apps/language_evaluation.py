"""Measuring language models: the loss of a text, read as one text and in windows, and what it writes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.language_signatures import prompt_inputs
from apps.task import Signatures
from pipelines.progress import counted

WINDOW = 256
SAMPLE = 400
UNCACHED = ("nats_per_character", "bits_per_character")


@dataclass(frozen=True)
class MeasuredText:
    """A split of a text, for `measure`.

    Attributes:
        data: `pipelines.text_generation.TextData`.
        split: Which text of it.
        carries: Whether the model goes on from the state of the window before.
    """

    data: Any
    split: str
    carries: bool

    def in_order(self) -> Iterator[Any]:
        """Batches that go on from each other: `(ids, targets, reset, weights)`."""
        dataset = self.data.validation if self.split == "validation" else self.data.test
        if dataset is None:
            self.data.text(self.split)  # says which texts there are
        yield from _unpacked(dataset)

    def windows(self) -> Iterator[Any]:
        """Batches of windows, each from an empty state."""
        yield from _unpacked(self.data.windows(self.split, WINDOW))

    @property
    def characters_per_token(self) -> float:
        """The mean length of a token of this text."""
        text = self.data.text(self.split)
        return text.characters / len(text.ids)


def _unpacked(dataset: Any) -> Iterator[Any]:
    for (ids, reset), targets, weights in dataset.as_numpy_iterator():
        whole = reset
        if reset.ndim == 1:
            whole = np.zeros(ids.shape, bool)
            whole[:, 0] = reset
        yield ids, targets, whole, weights


def measure(call: Signatures, records: MeasuredText) -> dict[str, Any]:
    """The figures of a served language model.

    Args:
        call: `call(signature, **inputs)`; `begin`, `read` and `serving_default` are asked.
        records: The text.

    Returns:
        `nats_per_token`, `perplexity`, `nats_per_character` and `bits_per_character` of the text read as a whole, from
        start to end, if the model carries a state; `windows` the same of windows of 256 tokens, each from an empty
        state, as nanoGPT measures; in both, for a model with a cache, `nats_per_character_without_cache` and its bits;
        and a `sample` of what the model writes.
    """
    by_windows = _measured(call, records.windows(), records, carries=False)
    result = _measured(call, records.in_order(), records, carries=True) if records.carries else dict(by_windows)
    result["windows"] = by_windows
    written = call("serving_default", **prompt_inputs([""], temperature=0.8, max_tokens=SAMPLE))
    result["sample"] = written["continuation"][0].decode("utf-8", "replace")
    return result


def _measured(call: Signatures, batches: Iterable[Any], records: MeasuredText, carries: bool) -> dict[str, Any]:
    totals, count = _totals(call, batches, carries, reads_on=records.carries)
    result: dict[str, Any] = _figures(totals["log_probabilities"], count, records)
    if "uncached_log_probabilities" in totals:
        without = _figures(totals["uncached_log_probabilities"], count, records)
        result |= {f"{name}_without_cache": without[name] for name in UNCACHED}
    return result


def _totals(call: Signatures, batches: Iterable[Any], carries: bool, reads_on: bool) -> tuple[dict[str, float], float]:
    """The negative log-probabilities of the tokens that count, and how many there are."""
    totals, count = {"log_probabilities": 0.0}, 0.0
    state: dict[str, np.ndarray] = {}
    steps = counted(batches, "measuring", "tokens", size=lambda batch: int(batch[3].sum()))
    for ids, targets, reset, weights in steps:
        if not reads_on:
            outputs = call("read", ids=ids, targets=targets)
        else:
            if not (carries and state):
                state = dict(call("begin", rows=len(ids)))
            outputs = call("read", ids=ids, targets=targets, reset=reset, **state)
            state = {name: outputs[name] for name in state}
        for name in outputs:
            if name.endswith("log_probabilities"):
                lost = float(np.sum(outputs[name].astype(np.float64) * weights))
                totals[name] = totals.get(name, 0.0) - lost
        count += float(weights.sum())
    return totals, count


def _figures(total: float, count: float, records: MeasuredText) -> dict[str, float]:
    nats = total / max(count, 1.0)
    per_character = nats / records.characters_per_token
    return {
        "nats_per_token": nats,
        "perplexity": math.exp(min(nats, 700.0)),
        "nats_per_character": per_character,
        "bits_per_character": per_character / math.log(2),
        "tokens": int(count),
    }


def show_figures(figures: dict[str, Any]) -> Iterable[Any]:
    """The figures for people."""
    from apps.console import table

    both = (figures, figures["windows"])
    names: tuple[str, ...] = ("nats_per_token", "perplexity", "nats_per_character", "bits_per_character")
    names += tuple(f"{name}_without_cache" for name in UNCACHED if f"{name}_without_cache" in figures)
    rows = [[name.replace("_", " "), *(one[name] for one in both)] for name in names]
    yield table("", ["", "read as one text", f"windows of {WINDOW}, each from nothing"], rows)
    yield "What it writes (temperature 0.8):\n"
    yield figures["sample"]

"""The table that `benchmarks/imdb.py` prints, and what is said beneath it."""

import os
from importlib import metadata
from typing import Any

from apps.errors import UserError

NOTES = """\
One run of each (seed {seed}), on {cores} CPU cores, TensorFlow {tensorflow}, Keras {keras}, scikit-learn {sklearn};
the same {train:,} reviews to train on, {validation:,} to choose by and {test:,} to test on. Training time includes
measuring the validation split after each epoch, and leaves out reading and encoding the texts.{start}

- Keras example: vocabulary 20,000, the last 200 words of a review, padded on the left, no mask; batches of 32, Adam,
  2 epochs, of which the last counts. As in the example, words without punctuation marks.
- TensorFlow tutorial: vocabulary 1,000, whole reviews, masked; batches of 64, Adam with learning rate 1e-4, 10 epochs.
  Words without punctuation marks, as in the tutorial. Unlike there, batches are made of reviews of like length, which
  saves time, and the weights of the best epoch on validation count.
- Both Keras models are compiled without XLA, which is slower for such loops on a CPU.
- Linear models: which words, punctuation marks and pairs of neighbours occur; C is chosen on validation, and the time
  is that of all values of C together. Log-count ratios: Wang & Manning (2012).
"""


def environment() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "scikit-learn")}
    return {"cores": os.cpu_count(), "versions": versions}


def table_of(results: list[dict[str, Any]], trial: bool, own_vectors: bool) -> str:
    """The results in Markdown, with notes.

    Args:
        results: A row each.
        trial: Whether these are figures of a part of the data or the training.
        own_vectors: Whether our row starts from word vectors, whose making is no part of its time.

    Raises:
        UserError: when the rows had different reviews.
    """
    first = results[0]
    for result in results[1:]:
        if result["data"] != first["data"]:
            raise UserError(
                f"The rows {first['row']} and {result['row']} had different reviews: measure one of them again with "
                f"--only {result['row']} --fresh."
            )
    header = ("model", "parameters", "training", "validation", "test")
    cells = [
        (r["title"], f"{r['parameters']:,}", f"{r['seconds']:,.0f} s", f"{r['validation']:.2%}", f"{r['test']:.2%}")
        for r in results
    ]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [header, *cells]
    texts = [
        " | ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    table = "\n".join(f"| {text} |" for text in [texts[0], " | ".join(rule), *texts[1:]])
    start = ""
    if own_vectors and any(result["row"] == "ours" for result in results):
        start = " It also leaves out\ncomputing the vectors that the embeddings of `keras-seq` start from."
    versions = first["versions"]
    notes = NOTES.format(
        seed=first["settings"]["seed"],
        cores=first["cores"],
        tensorflow=versions["tensorflow"],
        keras=versions["keras"],
        sklearn=versions["scikit-learn"],
        start=start,
        **first["data"]["rows"],
    )
    warning = "A trial, not a result: see the settings in results.json.\n\n" if trial else ""
    return f"{warning}{table}\n\n{notes}"

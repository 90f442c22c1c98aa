"""How fast are texts encoded, and how much of a batch is padding?

    python benchmarks/pipeline.py --data.dir FOLDER_OF_TFDS
    python benchmarks/pipeline.py --data.csv reviews.csv

Two tables, in Markdown. The first: the tokenizers, in the graph as a served model has them, one batch after the other;
and the `tokenizers` package with the same vocabulary on the same words (the time for splitting texts into words left
out). The second: batches of one epoch of training as they come from this project's pipeline, from tf.data's
`padded_batch` without buckets, and from tf.data's `bucket_by_sequence_length` with the same boundaries.
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jsonargparse
import numpy as np
import tensorflow as tf

from pipelines.batching import BatchReader, EncodedTexts, find_boundaries, plan_epoch
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.encoding import encode_split, learn_tokenizer
from pipelines.sources import Record, open_source
from pipelines.text import SubwordTokenizer, Tokenizer

Row = tuple[str, ...]


def main():
    parser = jsonargparse.ArgumentParser(description="Measures the text pipeline.")
    parser.add_argument("--data", type=DataConfig, default=DataConfig())
    parser.add_argument("--text", type=TextConfig, default=TextConfig())
    parser.add_argument("--batch_size", type=int, default=32, help="texts in a batch")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many measurements counts")
    options = parser.instantiate(parser.parse_args())

    records = [row for row in open_source(options.data).train() if isinstance(row, Record)][: options.data.limit]
    texts = [record.text for record in records]
    print(f"{len(texts)} texts, {os.cpu_count()} cores, TensorFlow {tf.__version__}\n")
    rows: list[Row] = []
    encoded = None
    for kind in ("word", "subword"):
        config = TextConfig(**{**vars(options.text), "tokenizer": kind})
        start = time.perf_counter()
        tokenizer = learn_tokenizer(texts, config)
        learning = time.perf_counter() - start
        rows += measure_tokenizer(tokenizer, texts, learning, options.repeats)
        seconds, split = timed(
            lambda c=config, t=tokenizer: encode_split([(x, 0, "") for x in texts], t, c), options.repeats
        )
        rows.append(
            speed_row(f"{kind}, whole split (cut to {config.max_length})", len(texts), len(split.texts.ids), seconds)
        )
        encoded = encoded or split.texts
    print_table(("tokenizer", "learnt in s", "texts/s", "tokens/s"), rows)
    assert encoded is not None
    print_table(
        ("batches", "padding", "cells an epoch", "shapes", "texts/s"),
        measure_batches(encoded, options.batch_size, options.repeats),
    )


def measure_tokenizer(tokenizer: Tokenizer, texts: list[str], learning: float, repeats: int) -> list[Row]:
    encode = tf.function(tokenizer.encode, input_signature=[tf.TensorSpec([None], tf.string)])
    chunks = [tf.constant(texts[start : start + 512]) for start in range(0, len(texts), 512)]
    encode(chunks[0])
    seconds, tokens = timed(lambda: sum(len(encode(chunk).flat_values) for chunk in chunks), repeats)
    rows = [speed_row(f"{tokenizer.kind}, in the graph", len(texts), tokens, seconds, learning)]
    if isinstance(tokenizer, SubwordTokenizer):
        from tokenizers import Tokenizer as Reference
        from tokenizers import models, pre_tokenizers

        ids = {token or "[PAD]": index for index, token in enumerate(tokenizer.vocabulary)}
        reference = Reference(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
        reference.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        lines = [
            [line.decode() for line in tf.strings.reduce_join(tokenizer.words(chunk), -1, separator=" ").numpy()]
            for chunk in chunks
        ]
        seconds, tokens = timed(
            lambda: sum(len(encoding) for chunk in lines for encoding in reference.encode_batch(chunk)), repeats
        )
        rows.append(speed_row("subword, the `tokenizers` package (words given)", len(texts), tokens, seconds))
    return rows


def measure_batches(texts: EncodedTexts, batch_size: int, repeats: int) -> list[Row]:
    lengths = texts.lengths
    ragged = tf.RaggedTensor.from_row_splits(texts.ids, texts.offsets)
    boundaries = find_boundaries(lengths, BatchConfig().bucket_count)
    unbatched = tf.data.Dataset.from_tensor_slices((ragged, texts.labels)).shuffle(len(texts), seed=1)
    unbatched = unbatched.map(lambda ids, label: (tf.convert_to_tensor(ids), label))
    candidates: list[tuple[str, Callable[[], tf.data.Dataset]]] = [
        ("tf.data, padded_batch without buckets", lambda: unbatched.padded_batch(batch_size).prefetch(2)),
        (
            f"tf.data, bucket_by_sequence_length, {len(boundaries)} buckets",
            lambda: unbatched.bucket_by_sequence_length(
                lambda ids, label: tf.size(ids),
                [boundary + 1 for boundary in boundaries[:-1]],
                [batch_size] * len(boundaries),
            ).prefetch(2),
        ),
    ]
    reader = BatchReader(texts)
    average = int(batch_size * lengths.mean())
    for name, config in (
        ("no buckets", BatchConfig(batch_size=batch_size, bucket_count=1)),
        ("4 buckets", BatchConfig(batch_size=batch_size, bucket_count=4)),
        ("8 buckets", BatchConfig(batch_size=batch_size, bucket_count=8)),
        ("12 buckets (default)", BatchConfig(batch_size=batch_size)),
        ("12 buckets, static shapes", BatchConfig(batch_size=batch_size, static_shapes=True)),
        (f"12 buckets, {average} tokens a batch", BatchConfig(tokens=average)),
    ):
        edges = find_boundaries(lengths, config.bucket_count)
        candidates.append((f"ours, {name}", lambda c=config, e=edges: reader.dataset(plan_epoch(lengths, e, c, 1, 0))))
    rows = []
    for name, make in candidates:
        seconds, (cells, shapes) = timed(lambda m=make: read_epoch(m()), repeats)
        padding = 1 - lengths.sum() / cells
        rows.append((name, f"{padding:.1%}", f"{cells:,}", str(shapes), f"{len(texts) / seconds:,.0f}"))
    return rows


def read_epoch(dataset: tf.data.Dataset) -> tuple[int, int]:
    shapes = [ids.shape for ids, _ in dataset]
    return sum(int(np.prod(shape)) for shape in shapes), len(set(map(tuple, shapes)))


def timed(function: Callable, repeats: int) -> tuple[float, object]:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return best, result


def speed_row(name: str, texts: int, tokens: int, seconds: float, learning: float | None = None) -> Row:
    learnt = "" if learning is None else f"{learning:.1f}"
    return name, learnt, f"{texts / seconds:,.0f}", f"{tokens / seconds:,.0f}"


def print_table(header: Row, rows: list[Row]) -> None:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Row) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return "| " + " | ".join(padded) + " |"

    print(line(header))
    print("| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |")
    print("\n".join(line(row) for row in rows), end="\n\n")


if __name__ == "__main__":
    main()

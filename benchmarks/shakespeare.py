"""How well, and how fast, do language models learn tiny Shakespeare?

The split is that of nanoGPT: the first 90 % of the characters train, the last 10 % validate. Settings are chosen on the
first half of these 10 % ("validation"); the second half ("test") is reported as well. Two protocols stand side by
side: the text read as one, with the state carried through it, and windows of 256 characters, each from an empty state,
as nanoGPT measures. Each is printed with the continuous cache, which is a part of the state, and without it.

    python benchmarks/shakespeare.py                                 # the shipped model's settings
    python benchmarks/shakespeare.py --cells --minutes 5             # cells of equal size: a table and a picture

How fast the same model trains and writes in stock Keras and in PyTorch is measured by benchmarks/language_speed.py.

All take `--data.dir FOLDER` (prepared TensorFlow Datasets) or `--data.file FILE`, and any option of
`keras-seq train text_generation`. With `--results FILE` results are kept as they come and not measured again.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONFIG = Path(__file__).with_name("shakespeare.yaml")
SPLIT = ["--data.validation_fraction", "0.05", "--data.test_fraction", "0.05"]
PROTOCOLS = ("carried", "windows", "carried without cache", "windows without cache")
ONE_LAYER = ["--model.layers", "1"]
THREE_LAYERS = ["--model.layers", "3"]
EQUAL = {
    "LSTM": ["--model.cell", "lstm", *ONE_LAYER, "--training.learning_rate", "0.006"],
    "GRU": ["--model.cell", "gru", *ONE_LAYER, "--training.learning_rate", "0.012"],
    "Elman": ["--model.cell", "elman", *ONE_LAYER, "--training.learning_rate", "0.002"],
    "SRU": ["--model.cell", "sru", *THREE_LAYERS, "--training.learning_rate", "0.006"],
    "minGRU": ["--model.cell", "min_gru", *THREE_LAYERS, "--training.learning_rate", "0.006"],
    "Transformer": [
        *("--model.kind", "transformer", "--model.layers", "4", "--batch.cutting", "windows", "--batch.window", "256"),
        *("--batch.batch_size", "16", "--training.learning_rate", "0.002"),
    ],
}
EQUAL_OPTIONS = ["--model.dropout", "0.1", "--training.average_decay", "0.98", "--cache.size", "0"]


def command(*words):
    """A `keras-seq` command in a process of its own; its result as JSON."""
    line = [sys.executable, "-m", "apps", *map(str, words), "--json"]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    return json.loads(done.stdout)


def train(options, minutes, runs, name):
    """Train for some minutes, unless that has been done; returns the report of the run."""
    report = runs / "text_generation" / name / "report.json"
    if report.exists():
        return json.loads(report.read_text())
    budget = ["--training.minutes", minutes]
    return command(
        *("train", "text_generation", "--config", str(CONFIG), *SPLIT, *options, *budget),
        *("--runs.dir", runs, "--name", name),
    )


def written_characters(name, runs, length=400, rounds=3):
    """Characters a second of the exported model that writes one text, the median of some rounds."""
    import tensorflow as tf

    models = runs / "models"
    command("export", "text_generation", "--run", name, "--runs.dir", runs, "--models.dir", models, "--name", name)
    served = tf.saved_model.load(str(models / name / "1"))
    settings = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "max_tokens": length, "seed": 1}
    inputs = {key: tf.constant(value) for key, value in {"text": ["ROMEO:"], **settings}.items()}
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        served.signatures["serving_default"](**inputs)
        times.append(time.perf_counter() - start)
    return round(length / statistics.median(times[1:]))


def measure(options, minutes, runs, name):
    """Train, and measure both halves of the last 10 %, and how fast the exported model writes."""
    report = train(options, minutes, runs, name)
    figures = {}
    for split in ("validation", "test"):
        found = command("evaluate", "text_generation", "--run", name, "--runs.dir", runs, "--split", split)
        by_protocol = {"carried": found, "windows": found["windows"]}
        losses = {protocol: one["nats_per_character"] for protocol, one in by_protocol.items()}
        for protocol, one in by_protocol.items():
            losses[f"{protocol} without cache"] = one.get("nats_per_character_without_cache", losses[protocol])
        figures[split] = {**losses, "tokens": found["tokens"]}
    history = [[entry["seconds"], entry["validation"]["loss"]] for entry in report["history"]]
    characters = report["data"]["rows"]["train"]
    epochs = report["steps"] / max(1, report["history"][0]["step"])
    return {
        "minutes": minutes,
        "parameters": report["parameters"],
        "epochs": round(epochs, 2),
        "characters_per_second": round(characters * epochs / report["seconds"]),
        "written_per_second": written_characters(name, runs),
        "seconds": report["seconds"],
        "history": history,
        **figures,
    }


def whole(figures, protocol):
    """The loss of the whole 10 %, from its halves."""
    halves = [figures["validation"], figures["test"]]
    return sum(half[protocol] * half["tokens"] for half in halves) / sum(half["tokens"] for half in halves)


def show(results):
    """Print the table."""
    print("\nnats per character; carried: one text, from start to end; windows: of 256, each from nothing\n")
    print("| model | parameters | minutes | epochs | characters/s in training | written/s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, found in results.items():
        print(
            f"| {name} | {found['parameters']:,} | {found['seconds'] / 60:.1f} | {found['epochs']:.1f} | "
            f"{found['characters_per_second']:,} | {found['written_per_second']:,} |"
        )
    print("\n| model | protocol | validation half | test half | both |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, found in results.items():
        halves = found["validation"], found["test"]
        # Without a cache, the figures without it are the same.
        cached = halves[0][PROTOCOLS[0]] != halves[0][PROTOCOLS[2]]
        for protocol in PROTOCOLS if cached else PROTOCOLS[:2]:
            losses = " | ".join(f"{half[protocol]:.4f}" for half in halves)
            print(f"| {name} | {protocol} | {losses} | {whole(found, protocol):.4f} |")


def draw(results, path):
    """Validation loss against seconds, all models in one picture."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, found in results.items():
        seconds, losses = zip(*found["history"], strict=True)
        axes.plot(seconds, losses, label=f"{name} ({found['parameters'] / 1e6:.1f} M)")
    axes.set_xlabel("seconds of training, two cores")
    axes.set_ylabel("nats per character, validation half")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    print(f"picture: {path}")


def equal_units(options, parameters):
    """The number of units with which a model has about so many parameters."""
    from apps.language_model import build_language_model
    from apps.settings import build_config
    from apps.text_generation import ModelConfig

    given = dict(zip([word.removeprefix("--model.") for word in options[::2]], options[1::2], strict=True))
    given = {name: value for name, value in given.items() if not name.startswith("--")}
    best = None
    for units in range(64, 2049, 32):
        config = build_config(ModelConfig, {"embedding_size": 64, **given, "units": units})
        count = build_language_model(config, 66, 1).count_params()
        if best is None or abs(count - parameters) < abs(best[1] - parameters):
            best = units, count
        if count > parameters:
            break
    return best[0]


def compare_cells(options, minutes, runs, keep):
    """Cells with equal parameters for equal times."""
    results = keep.read()
    for name, own in EQUAL.items():
        if name not in results:
            units = equal_units(own, 550_000)
            print(f"{name}: {units} units", file=sys.stderr)
            results[name] = measure([*EQUAL_OPTIONS, *own, "--model.units", str(units), *options], minutes, runs, name)
            keep.write(results)
    return results


class Keep:
    """Results in a file, if one was named."""

    def __init__(self, path):
        self.path = path

    def read(self):
        return json.loads(self.path.read_text()) if self.path and self.path.exists() else {}

    def write(self, results):
        if self.path:
            self.path.write_text(json.dumps(results, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--cells", action="store_true", help="compare cells of equal size")
    parser.add_argument("--picture", default="shakespeare.png", type=Path)
    parser.add_argument("--results", type=Path, help="file that keeps results as they come")
    parser.add_argument("--runs", type=Path, help="folder of the runs; a temporary one if left out")
    arguments, options = parser.parse_known_args()
    keep = Keep(arguments.results)
    with tempfile.TemporaryDirectory() as folder:
        runs = (arguments.runs or Path(folder)).resolve()
        if arguments.cells:
            results = compare_cells(options, arguments.minutes, runs, keep)
            draw(results, arguments.picture)
        else:
            name = f"{arguments.minutes:g} minutes"
            results = keep.read()
            if name not in results:
                results[name] = measure(options, arguments.minutes, runs, f"m{math.ceil(arguments.minutes)}")
                keep.write(results)
        show(results)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()

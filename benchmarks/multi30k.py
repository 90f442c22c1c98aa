"""BLEU on Multi30k: the Transformer, a recurrent network with attention and one without, both ways.

Trains each for `--minutes` on the 29,000 pairs, keeps the epoch with the best BLEU of greedy translations on `val`, and
measures `val` and, with `--test`, once `test_2016_flickr`: BLEU of lower-cased tokens, as papers on Multi30k report it,
and sacreBLEU (13a, cased). A picture shows BLEU against the length of the sentence: what one vector for a sentence
costs, and attention does not.

    python benchmarks/multi30k.py --data.dir FOLDER --minutes 60
    python benchmarks/multi30k.py --data.dir FOLDER --models rnn rnn_attention --directions en-de --minutes 20 --test

FOLDER has `train`, `val` and `test_2016_flickr` as `NAME.LANGUAGE.gz`. Runs stay in `--runs`; what has been trained is
measured again, and what was interrupted goes on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("multi30k.yaml")
RECURRENT = [
    *("--model.units", "256", "--model.dropout", "0.3", "--decoding.length_penalty", "1.4"),
    *("--training.learning_rate", "0.006", "--training.warmup", "0.1"),
]
MODELS = {
    "transformer": [],
    "rnn_attention": [
        *("--model.kind", "rnn_attention", "--model.encoder_layers", "1", "--model.decoder_layers", "1"),
        *RECURRENT,
    ],
    "rnn": ["--model.kind", "rnn", "--model.encoder_layers", "1", "--model.decoder_layers", "1", *RECURRENT],
}
LEAST_PAIRS = 20
SPLITS = {"": "train", "validation_": "val", "test_": "test_2016_flickr"}


def command(*words, json_output=True):
    """A `keras-seq` command in a process of its own; its result as JSON."""
    line = [sys.executable, "-m", "apps", *map(str, words), *(["--json"] if json_output else [])]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    return json.loads(done.stdout) if json_output else None


def files(folder, source, target):
    """The options that name the six files."""
    options = []
    for prefix, name in SPLITS.items():
        for side, language in (("source", source), ("target", target)):
            options += [f"--data.{prefix}{side}_file", folder / f"{name}.{language}.gz"]
    return options


def measure(model, direction, arguments, options):
    """Train one model, or go on, and measure it."""
    source, target = direction.split("-")
    name = f"{model}-{direction}"
    where = ["--name", name, "--runs.dir", arguments.runs]
    run = arguments.runs / "translation" / name
    if not (run / "config.yaml").exists():
        given = [*files(arguments.folder, source, target), *MODELS[model], "--training.minutes", arguments.minutes]
        report = command("train", "translation", "--config", CONFIG, *given, *options, *where)
    else:
        report = command("train", "translation", *where, "--resume")
    found = {"model": model, "direction": direction, "parameters": report["parameters"], "seconds": report["seconds"]}
    for split in ("validation", "test") if arguments.test else ("validation",):
        figures = command("evaluate", "translation", "--run", name, "--runs.dir", arguments.runs, "--split", split)
        found[split] = {key: figures[key] for key in ("bleu", "bleu_tokenized", "chrf", "perplexity", "by_length")}
    return found


def show(results, split):
    """Print the table."""
    print(f"\n{split}\n\n| direction | model | parameters | minutes | BLEU, lower-cased tokens | sacreBLEU | chrF |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for found in results:
        figures = found[split]
        print(
            f"| {found['direction']} | {found['model']} | {found['parameters']:,} | {found['seconds'] / 60:.0f} | "
            f"{figures['bleu_tokenized']:.1f} | {figures['bleu']:.1f} | {figures['chrf']:.1f} |"
        )


def draw(results, path):
    """BLEU against the length of the source, for the first direction."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.5, 4), layout="constrained")
    for found in results:
        if found["direction"] == results[0]["direction"]:
            # The BLEU of a handful of sentences says nothing.
            groups = [group for group in found["validation"]["by_length"] if group["pairs"] >= LEAST_PAIRS]
            labels = [f"{group['from']} to {group['to'] or '...'}" for group in groups]
            name = {"rnn": "RNN, context at every step", "rnn_attention": "RNN with attention"}.get(found["model"])
            axes.plot(labels, [group["bleu"] for group in groups], marker="o", label=name or found["model"])
    axes.set_xlabel("words of the sentence")
    axes.set_ylabel("sacreBLEU, validation")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    print(f"\npicture: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data.dir", dest="folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--directions", nargs="+", default=["en-de"])
    parser.add_argument("--test", action="store_true", help="measure the test set as well: once, at the end")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "multi30k")
    parser.add_argument("--picture", type=Path, default=Path("multi30k.png"))
    arguments, options = parser.parse_known_args()
    arguments.folder, arguments.runs = arguments.folder.resolve(), arguments.runs.resolve()
    results = [
        measure(model, direction, arguments, options)
        for direction in arguments.directions
        for model in arguments.models
    ]
    show(results, "validation")
    if arguments.test:
        show(results, "test")
    draw(results, arguments.picture)


if __name__ == "__main__":
    main()

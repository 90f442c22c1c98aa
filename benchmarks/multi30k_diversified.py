"""BLEU on Multi30k with diversified data (Nguyen et al. 2020), from nothing: teachers, translations, a student.

Four teachers, a Transformer and a recurrent network with attention for each direction, learn from the 29,000 pairs.
Those of the direction translate the sources of the training pairs, the others their targets; then a student learns from
the real pairs and these four sets, five times as many. The settings are those of benchmarks/multi30k.py; other options
are the student's. What every stage took is printed, and the sum.

    python benchmarks/multi30k_diversified.py --data.dir FOLDER --model.dropout 0.15 --test
    python benchmarks/multi30k_diversified.py --data.dir FOLDER --student rnn_attention --minutes 27

FOLDER has `train`, `val` and `test_2016_flickr` as `NAME.LANGUAGE.gz`. Everything stays in `--runs`: what is there is
not made again, and what was interrupted goes on.
"""

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

from multi30k import CONFIG, MODELS, command, files, show

TEACHERS = ("transformer", "rnn_attention")
SEARCH = ["--beam_width", "3", "--max_length", "60", "--batch_size", "128"]


class Stages:
    """What each stage took, in seconds, in a file."""

    def __init__(self, path):
        self.path = path
        self.seconds = json.loads(path.read_text()) if path.exists() else {}

    def add(self, name, seconds):
        self.seconds[name] = round(seconds)
        self.path.write_text(json.dumps(self.seconds, indent=1))
        print(f"{name}: {seconds / 60:.1f} minutes", file=sys.stderr)


def train(name, given, minutes, runs):
    """The report of a run: a new one, one that goes on, or one that has ended."""
    where = ["--name", name, "--runs.dir", runs]
    if (runs / "translation" / name / "config.yaml").exists():
        return command("train", "translation", *where, "--resume")
    return command("train", "translation", "--config", CONFIG, *given, "--training.minutes", minutes, *where)


def plain(path):
    """The lines of a file that may be compressed, as bytes."""
    content = path.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    return content if content.endswith(b"\n") else content + b"\n"


def translations(model, direction, minutes, arguments, stages):
    """The file of a teacher's translations of the training sentences of its source language."""
    source, target = direction.split("-")
    name, made = f"{model}-{direction}", arguments.runs / f"{model}-{direction}.txt"
    if made.exists():
        return made
    given = [*files(arguments.folder, source, target), *MODELS[model]]
    stages.add(f"training {name}", train(name, given, minutes, arguments.runs)["seconds"])
    models = arguments.runs / "models"
    if not (models / name).exists():
        where = ["--runs.dir", arguments.runs, "--models.dir", models, "--name", name]
        command("export", "translation", "--run", name, *where)
    asked = ["--model", name, "--models.dir", models, "--file", arguments.folder / f"train.{source}.gz"]
    begin = time.perf_counter()
    command("predict", "translation", *asked, *SEARCH, "--output", made, "--resume", json_output=False)
    stages.add(f"translating {name}", time.perf_counter() - begin)
    return made


def diversify(direction, arguments, stages):
    """The files of all pairs: the real ones, and those with one side from a teacher."""
    source, target = direction.split("-")
    real = [plain(arguments.folder / f"train.{language}.gz") for language in (source, target)]
    pairs = [real]
    minutes = arguments.teacher_minutes
    for model, there, back in zip(TEACHERS, minutes[::2], minutes[1::2], strict=True):
        pairs.append([real[0], translations(model, direction, there, arguments, stages).read_bytes()])
        pairs.append([translations(model, f"{target}-{source}", back, arguments, stages).read_bytes(), real[1]])
    paths = [arguments.runs / f"all.{direction}.{language}" for language in (source, target)]
    for path, sides in zip(paths, zip(*pairs, strict=True), strict=True):
        path.write_bytes(b"".join(sides))
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data.dir", dest="folder", type=Path, required=True)
    parser.add_argument("--direction", default="en-de")
    parser.add_argument("--student", choices=("transformer", "rnn_attention"), default="transformer")
    parser.add_argument("--minutes", type=float, default=60.0, help="training of the student")
    parser.add_argument(
        "--teacher_minutes",
        nargs=4,
        type=float,
        default=[40.0, 25.0, 15.0, 9.0],
        metavar=("THERE", "BACK", "RNN_THERE", "RNN_BACK"),
        help="training of the Transformers of the direction and of the other, and of the recurrent networks",
    )
    parser.add_argument("--test", action="store_true", help="measure the test set as well: once, at the end")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "multi30k-diversified")
    arguments, options = parser.parse_known_args()
    arguments.folder, arguments.runs = arguments.folder.resolve(), arguments.runs.resolve()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    stages = Stages(arguments.runs / "seconds.json")
    source, target = arguments.direction.split("-")
    sides = diversify(arguments.direction, arguments, stages)
    held_out = files(arguments.folder, source, target)[4:]
    given = ["--data.source_file", sides[0], "--data.target_file", sides[1], *held_out, *MODELS[arguments.student]]
    name = f"{arguments.student}-{arguments.direction}-diversified"
    report = train(name, [*given, *options], arguments.minutes, arguments.runs)
    stages.add(f"training {name}", report["seconds"])
    found = {"model": name, "direction": arguments.direction}
    found |= {"parameters": report["parameters"], "seconds": report["seconds"]}
    for split in ("validation", "test") if arguments.test else ("validation",):
        where = ["--run", name, "--runs.dir", arguments.runs, "--split", split]
        found[split] = command("evaluate", "translation", *where)
        show([found], split)
    print(f"\nall stages together: {sum(stages.seconds.values()) / 3600:.2f} hours")


if __name__ == "__main__":
    main()

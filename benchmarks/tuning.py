"""Three ways to search under the same budget, and what a process for each trial costs.

The first part gives random search, Hyperband (Li et al. 2018) and Bayesian optimisation the same minutes for the
sentiment task and the space of `benchmarks/tune-sentiment.yaml` without its slowest choices, and compares the best
validation figure that each has found by then. A trial that is at work when the budget ends does not count. The second
part trains the first trials of the random search once more, each in a process of its own and all in one process, and
compares time and memory.

    python benchmarks/tuning.py --data.dir FOLDER_OF_TFDS --minutes 30 --plot docs/images/tuning-budget.png
    python benchmarks/tuning.py --samples --minutes 1 --overhead 2

Searches and runs stay in the folder of --out; the same command goes on where it was interrupted. Nothing else may run
beside it: time is what is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from apps.runs import atomic
from apps.tuning.journal import Journal
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords

ROOT = Path(__file__).parents[1]
CONFIG = Path(__file__).with_name("tune-sentiment.yaml")
NAMES = {"random": "random", "hyperband": "Hyperband", "bayesian": "Bayesian"}
LINES = {  # each can be seen where it runs over another
    "random": {"color": "#8a8d99", "linewidth": 4},
    "hyperband": {"color": "#1f5fa8", "linewidth": 2},
    "bayesian": {"color": "#b3381f", "linewidth": 2, "linestyle": (0, (3, 2))},
}
# Hyperband gives out epochs, and so the others have epochs as well, not minutes, for a trial.
EPOCHS = ("--training.minutes", "null", "--training.min_steps", "0")
# And no choice that makes one trial take as long as twenty others: half an hour would hold only a few trials.
QUICK = ("--model.adversarial_size", "0", "--space.model.adversarial_size", "off", "--space.model.units", "32,64")
SAMPLES = (
    *("--data.source", "samples", "--data.limit", "96", "--text.max_length", "12", "--model.embedding_size", "8"),
    *("--space.text.max_length", "off", "--space.model.units", "4,8", "--space.text.vocabulary_size", "off"),
)
OBJECTIVE = Objective("accuracy")
WAYS = {"processes": "a process each", "together": "one process"}


def search(algorithm, seed, arguments):
    """Run a search, or go on with one, until its minutes are spent. -> its journal"""
    name = f"{algorithm}-{seed}"
    folder = arguments.out / "sentiment" / name
    journal = Journal(folder / "events.jsonl")
    events = journal.read()
    if events and events[-1]["event"] == "done":
        return events
    words = ["tune", "sentiment", "--name", name, "--searches.dir", arguments.out]
    if (folder / "search.yaml").exists():
        words.append("--resume")
    else:
        words += ["--config", CONFIG, "--tuner.algorithm", algorithm, "--tuner.seed", seed, "--tuner.trials", 100_000]
        words += ["--tuner.minutes", arguments.minutes, *EPOCHS, *QUICK]
        words += ["--training.epochs", arguments.epochs]
        words += SAMPLES if arguments.samples else data_options(arguments)
    keras_seq(*words)
    return journal.read()


def data_options(arguments):
    return ["--data.dir", arguments.data_dir] if arguments.data_dir else []


def keras_seq(*words):
    subprocess.run([sys.executable, "-m", "apps", *map(str, words)], check=True, stdout=sys.stderr, cwd=ROOT)


def best_so_far(events, minutes):
    """The best figure after each trial that ended within the budget, as (minutes at work, figure)."""
    records, steps = SearchRecords(events), []
    for trial in sorted(records.searched, key=lambda trial: trial.ended or 0.0):
        if not trial.successful or trial.ended is None:
            continue
        moment = sum(max(0.0, min(end, trial.ended) - start) for start, end in records.sessions) / 60
        if moment <= minutes and (not steps or OBJECTIVE.better(trial.score, steps[-1][1])):
            steps.append((moment, trial.score))
    return steps


def figure_at(steps, moment):
    """The best figure by a moment."""
    return next((score for minutes, score in reversed(steps) if minutes <= moment), None)


def train_processes(settings, folder):
    """Train each in a process of its own. -> seconds, processor seconds and the largest memory of each"""
    rows = []
    for number, file in enumerate(settings):
        started = time.monotonic()
        words = train_words(file, folder, number)
        process = subprocess.Popen([sys.executable, "-m", "apps", *words], stdout=subprocess.DEVNULL, cwd=ROOT)
        _, code, usage = os.wait4(process.pid, 0)
        if code:
            raise SystemExit(f"{file}: the training ended with {code}")
        processor = usage.ru_utime + usage.ru_stime
        rows.append(
            {"seconds": time.monotonic() - started, "processor": processor, "mebibytes": usage.ru_maxrss / 1024}
        )
    return rows


def train_together(settings, folder):
    """Train all in this process. -> the same, with the memory that is held after each"""
    import contextlib
    import gc
    import io

    from apps.cli import main

    rows = []
    for number, file in enumerate(settings):
        started, processor = time.monotonic(), time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            code = main(train_words(file, folder, number))
        if code:
            raise SystemExit(f"{file}: the training ended with {code}")
        import keras

        keras.utils.clear_session()
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        spent = {"seconds": time.monotonic() - started, "processor": time.process_time() - processor}
        rows.append({**spent, "mebibytes": pages * os.sysconf("SC_PAGE_SIZE") / 2**20})
    return rows


def train_words(file, folder, number):
    return ["train", "sentiment", "--config", str(file), "--runs.dir", str(folder), "--name", f"trial-{number}"]


def overhead(way, arguments):
    """The figures of one way to train the first trials of the random search."""
    results = arguments.out / f"{way}.json"
    if not results.exists():
        words = [__file__, "--out", arguments.out, "--overhead", arguments.overhead, "--way", way]
        words += ["--seeds", arguments.seeds[0]]
        subprocess.run([sys.executable, *map(str, words)], check=True, cwd=ROOT)
    return json.loads(results.read_text())


def measure(way, arguments):
    """What a process does that `overhead` has started: a fresh one, so that nothing has been imported."""
    trials = arguments.out / "sentiment" / f"random-{arguments.seeds[0]}" / "trials" / "sentiment"
    settings = sorted(trials.glob("*/trial.yaml"))[: arguments.overhead]
    folder = arguments.out / f"runs-{way}-{time.time():.0f}"
    rows = (train_processes if way == "processes" else train_together)(settings, folder)
    atomic.write_json(arguments.out / f"{way}.json", rows)


def budget_table(found, minutes):
    quarters = [minutes * share for share in (0.25, 0.5, 1.0)]
    head = [f"best after {moment:g} min" for moment in quarters]
    lines = ["| search | seed | trials | stopped early | " + " | ".join(head) + " |"]
    lines.append("| --- |" + " ---: |" * (3 + len(head)))
    for (algorithm, seed), events in found.items():
        records, steps = SearchRecords(events), best_so_far(events, minutes)
        ended = [trial for trial in records.searched if trial.status != "running"]
        stopped = sum(trial.status == "stopped" for trial in ended)
        best = [figure_at(steps, moment) for moment in quarters]
        cells = [NAMES[algorithm], seed, len(ended), stopped, *("" if b is None else f"{b:.2%}" for b in best)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def overhead_table(rows_of):
    lines = ["| trials in | trials | seconds a trial | processor seconds a trial | memory, first trial | last trial |"]
    lines.append("| --- |" + " ---: |" * 5)
    for way, rows in rows_of.items():
        means = [sum(row[name] for row in rows) / len(rows) for name in ("seconds", "processor")]
        memory = [f"{row['mebibytes']:,.0f} MiB" for row in (rows[0], rows[-1])]
        lines.append(f"| {WAYS[way]} | {len(rows)} | {means[0]:.1f} | {means[1]:.1f} | {memory[0]} | {memory[1]} |")
    return "\n".join(lines)


def draw(found, rows_of, minutes, path):
    """The best so far against the minutes of the search, and memory against the number of trials."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(1, 2 if rows_of else 1, figsize=(8.6, 3.4), layout="constrained", squeeze=False)
    best = axes[0][0]
    for (algorithm, seed), events in found.items():
        steps = best_so_far(events, minutes)
        if steps:
            across, up = zip(*steps, (minutes, steps[-1][1]), strict=True)
            label = NAMES[algorithm] if seed == next(iter(found))[1] else None
            best.step(across, up, where="post", label=label, **LINES[algorithm])
    best.set_xlabel("minutes of searching")
    best.set_ylabel("best validation accuracy so far")
    best.set_xlim(0, minutes)
    best.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=1))
    if best.get_legend_handles_labels()[0]:
        best.legend(loc="lower right", fontsize="small")
    for way, rows in rows_of.items():
        label = {"processes": "a process each: its most", "together": "one process: what it holds"}[way]
        axes[0][1].plot(range(1, len(rows) + 1), [row["mebibytes"] for row in rows], marker="o", label=label)
    if rows_of:
        most = max(row["mebibytes"] for rows in rows_of.values() for row in rows)
        count = max(map(len, rows_of.values()))
        axes[0][1].set(xlabel="trials", ylabel="memory (MiB)", ylim=(0, 1.1 * most), xticks=range(1, count + 1))
        axes[0][1].legend(loc="lower right", fontsize="small")
    for axis in axes[0]:
        axis.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main():
    """Measure what is not there yet, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithms", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="a search of each kind with each of them")
    parser.add_argument("--minutes", type=float, default=30.0, help="the budget of each search")
    parser.add_argument("--epochs", type=int, default=9, help="epochs of a whole training")
    parser.add_argument("--overhead", type=int, default=8, help="trials of the second part; 0 leaves it out")
    parser.add_argument("--data.dir", dest="data_dir", help="the folder of TensorFlow Datasets")
    parser.add_argument("--samples", action="store_true", help="tiny models of the bundled samples, to try this out")
    parser.add_argument("--out", type=Path, default=Path("searches/benchmark"), help="where all of it is kept")
    parser.add_argument("--plot", type=Path, help="where to draw the picture")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    if arguments.way:
        measure(arguments.way, arguments)
        return
    found = {(kind, seed): search(kind, seed, arguments) for seed in arguments.seeds for kind in arguments.algorithms}
    ways = list(WAYS) if arguments.overhead and "random" in arguments.algorithms else []
    rows_of = {way: overhead(way, arguments) for way in ways}
    tables = [budget_table(found, arguments.minutes), *([overhead_table(rows_of)] if rows_of else [])]
    atomic.write_text(arguments.out / "table.md", "\n\n".join(tables) + "\n")
    print("\n\n".join(tables))
    if arguments.plot:
        draw(found, rows_of, arguments.minutes, arguments.plot)


if __name__ == "__main__":
    main()

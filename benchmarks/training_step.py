"""What a step of training costs: batches in parts on a core each, memory that is kept or given back.

    python benchmarks/training_step.py translation --config benchmarks/multi30k.yaml --data.source_file ...

The arguments are those of `keras-seq train`. Each row is that training, broken off after some steps, in a process of
its own; the rows take turns, and the quickest turn of each counts. Batches are the same in all rows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from apps.console import table

WARM_UP = 10
MARK = "seconds of steps: "


def measure(steps: int, keep: bool, arguments: list[str]) -> None:
    """Train for so many steps in this process, and print what each took."""
    from apps import cli, console
    from apps.runs.steps import Steps

    if not keep:
        console.keep_freed_memory = lambda: False
    train, seconds = Steps.train, []

    def timed(self, batch):
        start = time.perf_counter()
        loss = train(self, batch)
        seconds.append(time.perf_counter() - start)
        if len(seconds) == steps:
            print(MARK + json.dumps(seconds[WARM_UP:]), flush=True)
            os._exit(0)
        return loss

    Steps.train = timed
    sys.exit(cli.main(["train", *arguments, "--quiet"]))


def in_a_process(steps: int, shards: int, keep: bool, arguments: list[str]) -> float:
    """Seconds of a step in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        options = [*arguments, "--training.shards", str(shards), "--runs.dir", folder]
        command = [sys.executable, __file__, "--steps", str(steps), "--only", "keep" if keep else "give", *options]
        done = subprocess.run(command, capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if not found:
        sys.exit(done.stderr or done.stdout)
    return float(np.mean(json.loads(found[0].removeprefix(MARK))))


def main() -> None:
    """Measure all, show the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="steps of each training")
    parser.add_argument("--turns", type=int, default=2, help="how often each row is measured")
    parser.add_argument("--shards", type=int, default=os.cpu_count(), help="parts of a batch")
    parser.add_argument("--only", choices=("keep", "give"), help=argparse.SUPPRESS)
    options, arguments = parser.parse_known_args()
    if options.only:
        measure(options.steps, options.only == "keep", arguments)
    rows = [(1, False), (options.shards, False), (1, True), (options.shards, True)]
    best = dict.fromkeys(rows, float("inf"))
    for _ in range(options.turns):
        for row in rows:
            best[row] = min(best[row], in_a_process(options.steps, *row, arguments))
    names = {False: "given back", True: "kept"}
    lines = [
        [shards, names[keep], f"{1e3 * best[shards, keep]:.0f}", f"{best[rows[0]] / best[shards, keep]:.2f}"]
        for shards, keep in rows
    ]
    from rich.console import Console

    Console().print(table("", ["parts", "freed memory", "ms a step", "times as fast"], lines))


if __name__ == "__main__":
    main()

"""Which cells remember for how long? The two tasks of Hochreiter and Schmidhuber (1997), as in Le et al. (2015).

Adding: at each step a number from 0 to 1 and a marker that is 1 at two steps, one in each half of the sequence; the
answer is the sum of the two marked numbers. Without memory the best squared error is 0.167; solved means below 0.01 on
sequences not seen in training.

Copy: ten symbols, then `length` steps of nothing, then a sign; the answer is the ten symbols in their order. Solved
means 99 % of the symbols right on sequences not seen in training; without memory it is one in eight.

Every cell gets the same number of units, Adam, clipping by norm, and at most `--steps` steps or `--seconds` seconds.
Results are written as they come, and what is in the file is not measured again.

    python benchmarks/long_memory.py --results long_memory.jsonl
    python benchmarks/long_memory.py --cells ElmanCell LSTMCell --lengths 50 --tasks adding
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SYMBOLS, SHOWN = 8, 10
LIMITS = {"adding": 0.01, "copy": 0.99}


def cell_names():
    """The cells of keras-seq that can be made from a number of units alone, wrappers left out."""
    import keras_seq

    names = []
    for name in sorted(keras_seq.__all__):
        kind = getattr(keras_seq, name)
        if isinstance(kind, type) and issubclass(kind, keras_seq.RecurrentCell):
            try:
                keras_seq.Recurrent(make_cell(name, 4))(np.zeros((1, 2, 3), "float32"))
            except (TypeError, ValueError, NotImplementedError):  # a wrapper of another cell, or an abstract class
                continue
            names.append(name)
    return names


def make_cell(name, units):
    """A cell with its default settings."""
    import keras_seq

    return getattr(keras_seq, name)(units)


def adding_problem(rng, batch, length):
    """Inputs `[batch, length, 2]` and the sums `[batch, 1]`."""
    numbers = rng.random((batch, length))
    markers = np.zeros((batch, length))
    rows, half = np.arange(batch), length // 2
    markers[rows, rng.integers(0, half, batch)] = 1
    markers[rows, rng.integers(half, length, batch)] = 1
    answers = (numbers * markers).sum(axis=1, keepdims=True)
    return np.stack([numbers, markers], axis=-1).astype("float32"), answers.astype("float32")


def copy_problem(rng, batch, length):
    """Ids `[batch, SHOWN + length + SHOWN]` and the symbols `[batch, SHOWN]`: 0 is nothing, SYMBOLS + 1 the sign."""
    symbols = rng.integers(1, SYMBOLS + 1, (batch, SHOWN))
    ids = np.zeros((batch, SHOWN + length + SHOWN), "int32")
    ids[:, :SHOWN] = symbols
    ids[:, SHOWN + length] = SYMBOLS + 1
    return ids, symbols - 1


def regressor(cell):
    """A network that gives one number for a sequence."""
    import keras

    import keras_seq

    return keras.Sequential([keras_seq.Recurrent(cell), keras.layers.Dense(1)])


def copier(cell):
    """A network that gives the logits of a symbol at each of the last steps."""
    import keras

    import keras_seq

    return keras.Sequential(
        [
            keras.layers.Embedding(SYMBOLS + 2, 16),
            keras_seq.Recurrent(cell, return_sequences=True),
            keras.layers.Lambda(lambda outputs: outputs[:, -SHOWN:]),
            keras.layers.Dense(SYMBOLS),
        ]
    )


def run(task, name, length, arguments):
    """Train until the task is solved or the budget is spent; the figures as a dictionary."""
    import keras

    keras.utils.set_random_seed(arguments.seed)
    problem, network = (adding_problem, regressor) if task == "adding" else (copy_problem, copier)
    loss = "mse" if task == "adding" else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = network(make_cell(name, arguments.units))
    optimizer = keras.optimizers.Adam(arguments.learning_rate, global_clipnorm=1.0)
    # XLA compiles such loops for longer than it saves.
    model.compile(optimizer, loss, jit_compile=False)
    rng, unseen = np.random.default_rng(arguments.seed), problem(np.random.default_rng(10**6), 500, length)
    started, best, solved, step = time.perf_counter(), None, False, 0
    while step < arguments.steps and time.perf_counter() - started < arguments.seconds:
        model.train_on_batch(*problem(rng, arguments.batch, length))
        step += 1
        if step % arguments.check == 0:
            answers = model.predict(unseen[0], batch_size=250, verbose=0)
            figure = _figure(task, answers, unseen[1])
            best = figure if best is None else (min if task == "adding" else max)(best, figure)
            solved = figure < LIMITS[task] if task == "adding" else figure > LIMITS[task]
            if solved or not np.isfinite(answers).all():
                break
    seconds = round(time.perf_counter() - started, 1)
    figures = {"best": best, "solved": bool(solved), "steps": step, "seconds": seconds}
    return {"task": task, "cell": name, "length": length, "units": arguments.units, **figures}


def _figure(task, answers, truth):
    if task == "adding":
        return float(np.mean((answers - truth) ** 2))
    return float(np.mean(answers.argmax(axis=-1) == truth))


def table_of(results):
    """One row a cell, one column a task and length: the steps it took, or the best figure in brackets."""
    from rich.table import Table

    columns = sorted({(result["task"], result["length"]) for result in results})
    table = Table(title="Steps until solved (best figure within the budget in brackets)")
    table.add_column("cell")
    for task, length in columns:
        table.add_column(f"{task} {length}", justify="right")
    for name in sorted({result["cell"] for result in results}):
        row = []
        for task, length in columns:
            found = [r for r in results if (r["cell"], r["task"], r["length"]) == (name, task, length)]
            result = found[-1] if found else None
            if result is None or result["best"] is None:
                row.append("-")
            else:
                row.append(f"{result['steps']:,}" if result["solved"] else f"({result['best']:.3f})")
        table.add_row(name, *row)
    return table


def main():
    """Measure what the file of results does not hold yet, and print the table."""
    from rich.console import Console

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", help="names of cells (default: all)")
    parser.add_argument("--tasks", nargs="+", choices=list(LIMITS), default=list(LIMITS))
    parser.add_argument("--lengths", nargs="+", type=int, default=[50, 200, 800])
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=300.0, help="budget of one cell, task and length")
    parser.add_argument("--check", type=int, default=50, help="steps between two measurements")
    parser.add_argument("--learning_rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="a file of JSON lines to add to and to go on from")
    arguments = parser.parse_args()

    file, results = arguments.results, []
    if file and file.exists():
        results = [json.loads(line) for line in file.read_text().splitlines()]
    done = {(result["task"], result["cell"], result["length"]) for result in results}
    for length in arguments.lengths:
        for task in arguments.tasks:
            for name in arguments.cells or cell_names():
                if (task, name, length) in done:
                    continue
                result = run(task, name, length, arguments)
                results.append(result)
                print(json.dumps(result), file=sys.stderr, flush=True)
                if file:
                    with file.open("a") as lines:
                        lines.write(json.dumps(result) + "\n")
    Console().print(table_of(results))


if __name__ == "__main__":
    main()

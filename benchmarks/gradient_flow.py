"""How much of the gradient of the last output reaches a state, by the distance between the two?

For every cell: |dL/dh_t| of all states at step t, relative to the last step; at initialisation, on inputs small enough
for tanh to be nearly a straight line, and after training on the adding problem (`benchmarks/long_memory.py`). A curve
that falls is a gradient that vanishes, one that rises a gradient that explodes; a flat one is memory. An Elman network
is also shown with recurrent weights smaller and larger than orthogonal ones, an LSTM with its forget gates more open.
The picture is docs/images/gradient-flow.png.

    python benchmarks/gradient_flow.py
    python benchmarks/gradient_flow.py --cells ElmanCell LSTMCell --length 200 --picture flow.png
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from long_memory import adding_problem, cell_names, make_cell, regressor
from rich.console import Console
from rich.progress import track
from rich.table import Table

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "gradient-flow.png"
# What the picture shows: the others crowd it, and are in the table.
DRAWN = {
    "start": ("Elman x 0.5", "Elman", "Elman x 1.5", "IRNN", "LSTM", "LSTM open", "GRU"),
    "trained": ("Elman", "IRNN", "LSTM", "LSTM open", "GRU", "SRU"),
}
COLOURS = ("#9ecae1", "#3182bd", "#08306b", "#e6550d", "#31a354", "#006d2c", "#756bb1", "#636363")
FLOOR = 1e-12


def gradient_norms(cell, sequences):
    """|dL/dh_t| for t = 1 ... time, summed over the batch, where L is the last output in a random direction.

    The states are walked one step at a time, since no driver hands out the gradients of the states between.
    """
    sequences = tf.convert_to_tensor(sequences)
    batch, length = sequences.shape[:2]
    direction = tf.random.stateless_normal([batch, cell.output_size], seed=(3, 4))
    with tf.GradientTape() as tape:
        projected = cell.project_inputs(sequences)
        states, visited = cell.get_initial_state(batch_size=batch), []
        tape.watch(states)  # of a cell without trained weights, an echo state network, nothing would be recorded
        for t in range(length):
            step_inputs = keras.tree.map_structure(lambda part, t=t: part[:, t], projected)
            output, states = cell.step(step_inputs, states, training=False)
            visited.append(states)
        loss = tf.reduce_sum(output * direction)
    # The last step's states are behind the output in some cells and beside it in others: the one before is in all.
    gradients = tape.gradient(loss, visited[:-1], unconnected_gradients="zero")
    return np.array([float(tf.sqrt(tf.add_n([tf.reduce_sum(g**2) for g in step]))) for step in gradients])


def variants(names, units):
    """Functions that make the cells, by the name in table and picture."""
    import keras_seq

    made = {name.removesuffix("Cell"): lambda name=name: make_cell(name, units) for name in names}
    if "Elman" in made:
        for gain in (0.5, 1.5):
            initializer = keras.initializers.Orthogonal(gain)
            made[f"Elman x {gain}"] = lambda i=initializer: keras_seq.ElmanCell(units, recurrent_initializer=i)
    if "LSTM" in made:
        made["LSTM open"] = lambda: keras_seq.LSTMCell(units)
    return made


def measure(name, make, arguments):
    """The two curves of a cell, by distance from the last step."""
    keras.utils.set_random_seed(arguments.seed)
    cell = make()
    model = regressor(cell)
    inputs, _ = adding_problem(np.random.default_rng(arguments.seed), arguments.batch, arguments.length)
    model(inputs)
    if name == "LSTM open":  # forget gates at sigmoid(5) = 0.993: a memory of about 150 steps
        bias = cell.bias.numpy()
        bias[cell.units : 2 * cell.units] = 5
        cell.bias.assign(bias)
    small = np.random.default_rng(arguments.seed).normal(size=inputs.shape, scale=0.01).astype("float32")
    curves = {"start": gradient_norms(cell, small)[::-1]}
    rng = np.random.default_rng(arguments.seed + 1)
    model.compile(keras.optimizers.Adam(arguments.learning_rate, global_clipnorm=1.0), "mse", jit_compile=False)
    started = time.perf_counter()
    for _ in range(arguments.steps):
        model.train_on_batch(*adding_problem(rng, arguments.batch, arguments.length))
        if time.perf_counter() - started > arguments.seconds:
            break
    curves["trained"] = gradient_norms(cell, inputs)[::-1]
    return {moment: (curve / max(curve[0], FLOOR)).tolist() for moment, curve in curves.items()}


def draw(results, path):
    """Both moments side by side, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = dict.fromkeys(name for names in DRAWN.values() for name in names)
    colours = dict(zip(shown, COLOURS, strict=True))
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for axis, (moment, title) in zip(
        axes, (("start", "At initialisation"), ("trained", "After training on the adding problem")), strict=True
    ):
        for name in [name for name in DRAWN[moment] if name in results]:
            curve = np.maximum(results[name][moment], FLOOR)
            axis.semilogy(np.arange(1, len(curve) + 1), curve, label=name, linewidth=2, color=colours[name])
        axis.set_title(title)
        axis.set_xlabel("steps back from the last one")
        axis.grid(alpha=0.3)
        axis.set_ylim(FLOOR, 1e6)
        axis.legend(loc="lower left", fontsize="small")
    axes[0].set_ylabel("gradient of the state, relative to the last step")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main():
    """Measure, print a table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=cell_names(), help="names of cells (default: all)")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=100, help="steps over which the gradient is followed")
    parser.add_argument("--steps", type=int, default=1500, help="steps of training between the two moments")
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of the training of one cell")
    parser.add_argument("--learning_rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file of curves to add to and to go on from")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    arguments = parser.parse_args()

    console = Console(width=None if sys.stdout.isatty() else 120)
    cells = variants(arguments.cells, arguments.units)
    stored = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    results = {name: stored[name] for name in cells if name in stored}
    left = [name for name in cells if name not in results]
    for name in track(left, "cells", console=Console(stderr=True), disable=not sys.stderr.isatty()):
        results[name] = measure(name, cells[name], arguments)
        if arguments.json:
            arguments.json.write_text(json.dumps({**stored, **results}))
    table = Table(title=f"Gradient of the state, relative to the last step ({arguments.units} units)")
    distances = [d for d in (10, 25, 50, arguments.length - 1) if d < arguments.length]
    table.add_column("cell")
    for moment in ("start", "trained"):
        for distance in distances:
            table.add_column(f"{moment}\n-{distance}", justify="right")
    for name, curves in results.items():
        values = [curves[moment][distance - 1] for moment in ("start", "trained") for distance in distances]
        table.add_row(name, *[f"{value:.0e}" if value < 0.01 or value >= 1000 else f"{value:.2f}" for value in values])
    console.print(table)
    draw(results, arguments.picture)


if __name__ == "__main__":
    main()

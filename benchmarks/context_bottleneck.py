"""What one vector cannot hold: encoder-decoders with and without attention on copying, reversing and sorting.

Sequences of up to `--length` symbols of 20 kinds. The plain encoder-decoder hands on the last state of its encoder, one
vector whatever the length (Sutskever et al. 2014); with attention the decoder looks at all states (Luong et al. 2015),
and a Transformer has nothing but attention (Vaswani et al. 2017). Each takes the same number of training steps on
sequences of all lengths; then accuracy is measured at every length, a sequence counting only if it is right as a whole.
`--plot` draws accuracy against length.

Time is processor time, of all cores together, so that it does not depend on what else the machine does; the time that
training takes on a machine with nothing else to do is shorter.

    python benchmarks/context_bottleneck.py --plot docs/images/context-bottleneck.png
    python benchmarks/context_bottleneck.py --tasks reverse --models attention --steps 500
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SYMBOLS, START, END, FIRST = 20, 2, 3, 4
VOCABULARY = FIRST + SYMBOLS
TASKS = {"copy": lambda row: row, "reverse": lambda row: row[::-1], "sort": np.sort}
NAMES = {"plain": "one vector", "attention": "attention", "transformer": "Transformer"}
COLOURS = {"plain": "#b3381f", "attention": "#1f5fa8", "transformer": "#3a8f4d"}


def examples(rng, task, lengths, length):
    """Source, target inputs and targets of sequences of these lengths, padded to `length` symbols and one step more."""
    source = np.zeros((len(lengths), length), "int32")
    inputs, targets = np.zeros((2, len(lengths), length + 1), "int32")
    for row, count in enumerate(lengths):
        symbols = rng.integers(FIRST, VOCABULARY, count)
        answer = TASKS[task](symbols)
        source[row, :count] = symbols
        inputs[row, 0], inputs[row, 1 : count + 1] = START, answer
        targets[row, :count], targets[row, count] = answer, END
    return (source, inputs), targets


def make_model(kind, units):
    import keras_seq

    if kind == "transformer":
        encoder = keras_seq.TransformerEncoder(2, 4)
        decoder = keras_seq.TransformerDecoder(VOCABULARY, units, 2, 4)
    else:
        encoder = keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.GRUCell(units // 2)))
        attention = keras_seq.MultiplicativeAttention("general") if kind == "attention" else None
        decoder = keras_seq.RecurrentDecoder(VOCABULARY, keras_seq.GRUCell(units), attention=attention)
    return keras_seq.EncoderDecoder(VOCABULARY, encoder, decoder, start_token=START, end_token=END)


def accuracy(decode, task, length, longest, count):
    """The share of `count` sequences of a length that come out without a mistake."""
    (source, _), targets = examples(np.random.default_rng(length), task, [length] * count, longest)
    return float((np.asarray(decode(source).ids)[:, 0] == targets).all(axis=1).mean())


def run(task, kind, arguments):
    """Train one model, and measure it at all lengths."""
    import keras

    import keras_seq

    keras.utils.set_random_seed(arguments.seed)
    length, rng = arguments.length, np.random.default_rng(arguments.seed)
    model = make_model(kind, arguments.units)
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, arguments.steps, alpha=0.02, warmup_target=arguments.rate, warmup_steps=100
    )
    optimizer = keras.optimizers.Adam(rates, global_clipnorm=1.0)
    # XLA compiles such loops for longer than it saves.
    model.compile(optimizer, keras_seq.training.SequenceCrossEntropy(), jit_compile=False)
    decode = model.decoding_function(max_length=length + 1, keep_alignments=False)
    accuracy(decode, task, length, length, arguments.count)
    started, enough = time.process_time(), None
    for step in range(1, arguments.steps + 1):
        # A batch holds sequences of one length, so that no time goes into padding; long ones come more often.
        places = int(rng.integers(1, length + 1, 2).max())
        loss = model.train_on_batch(*examples(rng, task, [places] * arguments.batch, places))
        if step % arguments.check == 0 or step == arguments.steps:
            found = accuracy(decode, task, length, length, arguments.count)
            seconds = time.process_time() - started
            enough = round(seconds) if enough is None and found >= 0.99 else enough
            print(
                f"{task} {kind} {step} steps {seconds:.0f} s loss {loss:.4f} {found:.1%}", file=sys.stderr, flush=True
            )
    curve = {places: accuracy(decode, task, places, length, 500) for places in range(1, length + 1)}
    return {"task": task, "model": kind, "seconds": round(seconds), "enough": enough, "accuracy": curve}


def table(results):
    head = "| task | model | training | 99 % at length 20 after | at length 5 | 10 | 15 | 20 |"
    lines = [head, "|" + " --- |" * 2 + " ---: |" * 6]
    for result in results:
        curve = {int(places): value for places, value in result["accuracy"].items()}
        shown = [f"{curve[places]:.1%}" if places in curve else "" for places in (5, 10, 15, 20)]
        enough = "" if result["enough"] is None else f"{result['enough']} s"
        cells = [result["task"], NAMES[result["model"]], f"{result['seconds']} s", enough, *shown]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(results, path):
    """Accuracy against length, one panel a task."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    tasks = list(dict.fromkeys(result["task"] for result in results))
    figure, axes = pyplot.subplots(1, len(tasks), figsize=(3.7 * len(tasks), 3.4), sharey=True, layout="constrained")
    for axis, task in zip(np.atleast_1d(axes), tasks, strict=True):
        for result in (result for result in results if result["task"] == task):
            places, values = zip(*((int(key), value) for key, value in result["accuracy"].items()), strict=True)
            label, colour = NAMES[result["model"]], COLOURS[result["model"]]
            axis.plot(places, values, label=label, linewidth=2, color=colour)
        axis.set_title(task)
        axis.set_xlabel("length of the sequence")
        axis.set_xticks(range(0, max(places) + 1, 5))
        axis.grid(alpha=0.3)
    axes = np.atleast_1d(axes)
    axes[0].set_ylabel("sequences without a mistake")
    axes[0].yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0))
    axes[0].legend(loc="lower left", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main():
    """Measure what the file of results does not hold yet, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--models", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--steps", type=int, default=2600, help="training steps")
    parser.add_argument("--check", type=int, default=150, help="steps between two measurements")
    parser.add_argument("--count", type=int, default=200, help="sequences of a measurement while training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="a file of JSON lines to add to and to go on from")
    parser.add_argument("--plot", type=Path, help="where to draw the picture")
    arguments = parser.parse_args()
    results = []
    if arguments.results and arguments.results.exists():
        results = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    for task in arguments.tasks:
        for kind in arguments.models:
            if any((result["task"], result["model"]) == (task, kind) for result in results):
                continue
            results.append(run(task, kind, arguments))
            if arguments.results:
                with arguments.results.open("a") as lines:
                    lines.write(json.dumps(results[-1]) + "\n")
    print(table(results))
    if arguments.plot:
        draw(results, arguments.plot)


if __name__ == "__main__":
    main()

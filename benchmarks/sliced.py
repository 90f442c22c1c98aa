"""How much faster is a sliced GRU than a plain one, and how does that grow with the length?

Prints the times of a forward pass and of a training step (forward, and the gradients of inputs and weights) of three
layers with the same units: `keras.layers.GRU`, our `Recurrent(GRUCell)`, and `Sliced(GRUCell)`, all on TensorFlow
without XLA; then how many times as fast as each of the plain ones the sliced one is. All return the last output. Every
round measures all engines in turn, so that a machine whose speed drifts still gives fair ratios.

    python benchmarks/sliced.py
    python benchmarks/sliced.py --lengths 4096 --batch 1 16 64 --rounds 5
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

LENGTHS = [512, 1024, 2048, 4096, 8192, 16384, 32768]


def timed(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1e3


def levels_for(length, slices):
    """Cuts until a minimum slice is no longer than `slices` squared."""
    levels = 0
    while length > slices**2:
        length, levels = -(-length // slices), levels + 1
    return levels


def functions_of(layer, x, warm=True):
    """A forward pass and a training step of a layer as graphs; with `warm`, both were run once."""
    import tensorflow as tf

    layer.build(x.shape)
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function(jit_compile=False)
    def forward():
        return layer(x, training=False)

    @tf.function(jit_compile=False)
    def train():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.square(layer(x, training=True)))
        return tape.gradient(loss, [x, *weights])

    for function in (forward, train):
        function.get_concrete_function()
        if warm:
            function()
    return {"forward": forward, "train": train}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--slices", type=int, default=8, help="n of the paper; the levels follow from the length")
    parser.add_argument("--rounds", type=int, default=3, help="rounds up to a length of 4,096; one beyond")
    parser.add_argument(
        "--keras_up_to", type=int, default=8192, help="longest for Keras, whose time grows as its square"
    )
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    import keras_seq

    tf.get_logger().setLevel("ERROR")
    rows = []
    names = ["keras", "ours", "sliced"]
    header = ["batch", "length", "n, k", "what", *[f"{name} ms" for name in names], "/ keras", "/ ours"]
    print(" ".join(f"{text:>10}" for text in header))
    for batch in options.batch:
        for length in options.lengths:
            levels = levels_for(length, options.slices)
            x = tf.random.stateless_normal([batch, length, options.features], seed=(1, 2))
            layers = {
                "keras": keras.layers.GRU(options.units),
                "ours": keras_seq.Recurrent(keras_seq.GRUCell(options.units)),
                "sliced": keras_seq.Sliced(keras_seq.GRUCell(options.units), options.slices, levels),
            }
            if length > options.keras_up_to:
                del layers["keras"]
            engines = {
                name: functions_of(layer, x, warm=name != "keras" or length <= 4096) for name, layer in layers.items()
            }
            for what in ("forward", "train"):
                rounds = options.rounds if length <= 4096 else 1
                times = {name: [] for name in engines}
                for _ in range(rounds):
                    for name, functions in engines.items():
                        times[name].append(timed(functions[what]))
                median = {name: statistics.median(values) for name, values in times.items()}
                ratios = [median[name] / median["sliced"] if name in median else None for name in ("keras", "ours")]
                texts = [str(batch), str(length), f"{options.slices}, {levels}", what]
                texts += ["" if figure is None else f"{figure:.1f}" for figure in [*map(median.get, names), *ratios]]
                print(" ".join(f"{text:>10}" for text in texts))
                sys.stdout.flush()
                rows.append(
                    {"batch": batch, "length": length, "slices": options.slices, "levels": levels, "what": what}
                    | {"ms": median, "times_as_fast_as_keras": ratios[0], "times_as_fast_as_ours": ratios[1]}
                )
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

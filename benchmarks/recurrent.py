"""How fast is `Recurrent` beside Keras' own layers and PyTorch's?

Prints the median times of a forward pass and of a training step (forward, and the gradients of inputs and weights), and
as ratios: below 1, keras-seq is faster. Every round measures all engines in turn, so that a machine whose speed drifts
still gives fair ratios. PyTorch runs in a process of its own; without it its column stays empty.

With `--every_cell` it prints how many times as fast as `keras.layers.LSTM` each cell of keras-seq is, at one shape.

    python benchmarks/recurrent.py
    python benchmarks/recurrent.py --every_cell
    python benchmarks/recurrent.py --every_cell SRU MinGRU --shapes 64,200,128,256
    python benchmarks/recurrent.py --cells lstm --rounds 15 --json recurrent.json
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SHAPES = [(32, 100, 128, 128), (64, 200, 128, 256), (64, 400, 128, 128), (64, 128, 128, 512)]
CELLS = {"elman": "RNN", "lstm": "LSTM", "gru": "GRU"}


def lengths(batch, time_steps):
    """Lengths of a padded batch: from half of the steps to all of them."""
    return [time_steps // 2 + (i * (time_steps - time_steps // 2)) // max(batch - 1, 1) for i in range(batch)]


def timed(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1e3


class TensorFlowEngine:
    """A Keras layer on TensorFlow, without XLA (which is slower here for a loop)."""

    def __init__(self, layer, shape, padded):
        import tensorflow as tf

        batch, steps, features, _ = shape
        x = tf.random.stateless_normal([batch, steps, features], seed=(1, 2))
        x = tf.cast(x, layer.compute_dtype)
        mask = tf.sequence_mask(lengths(batch, steps), steps) if padded else None
        layer.build(x.shape)
        weights = [weight.value for weight in layer.trainable_variables]

        @tf.function(jit_compile=False)
        def forward():
            return layer(x, mask=mask, training=False)

        @tf.function(jit_compile=False)
        def train():
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_mean(tf.square(tf.cast(layer(x, mask=mask, training=True), tf.float32)))
            return tape.gradient(loss, [x, *weights])

        self.functions = {"forward": forward, "train": train}
        for function in self.functions.values():
            function()
            function()

    def measure(self, what):
        return timed(self.functions[what])


class TorchEngine:
    """`torch.nn.LSTM` and its like, in another process."""

    def __init__(self, python):
        self.process = subprocess.Popen(
            [python, __file__, "--torch_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, what, cell, shape, padded):
        self.process.stdin.write(json.dumps([what, cell, shape, padded]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def torch_worker():
    """Measure what standard input asks for, a line each."""
    import torch

    cache = {}
    for line in sys.stdin:
        what, cell, shape, padded = json.loads(line)
        key = (cell, tuple(shape))
        if key not in cache:
            cache.clear()
            layer = getattr(torch.nn, CELLS[cell])(shape[2], shape[3], batch_first=True)
            cache[key] = layer, torch.randn(*shape[:3], requires_grad=True)
        layer, x = cache[key]

        def run(layer=layer, x=x, padded=padded, shape=shape):
            if not padded:
                return layer(x)[0]
            packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths(*shape[:2]), True, enforce_sorted=False)
            return torch.nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True)[0]

        def forward(run=run):
            with torch.no_grad():
                run()

        function = forward if what == "forward" else lambda run=run: run().square().mean().backward()
        function()
        print(timed(function), flush=True)


def find_torch():
    """The interpreter that has PyTorch, or None."""
    if importlib.util.find_spec("torch"):
        return sys.executable
    other = Path(__file__).resolve().parents[1] / ".venv-backends" / "bin" / "python"
    has_torch = other.exists() and subprocess.run([other, "-c", "import torch"], capture_output=True).returncode == 0
    return str(other) if has_torch else None


def engines_for(cell, shape, padded, dtypes):
    import keras

    import keras_seq

    units = shape[3]
    theirs = {"elman": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    ours = {"elman": keras_seq.ElmanCell, "lstm": keras_seq.LSTMCell, "gru": keras_seq.GRUCell}[cell]
    engines = {"keras float32": TensorFlowEngine(theirs(units, return_sequences=True), shape, padded)}
    for dtype in dtypes:
        layer = keras_seq.Recurrent(ours(units, dtype=dtype), return_sequences=True, dtype=dtype)
        engines[f"ours {dtype}"] = TensorFlowEngine(layer, shape, padded)
    return engines


def every_cell(units):
    """A function for each cell that makes it; wrappers are around an LSTM."""
    import keras_seq

    own = "Elman LSTM GRU IRNN PeepholeLSTM CoupledLSTM LayerNormElman LayerNormLSTM LayerNormGRU NAS MGU ESN IndRNN"
    own += " Leaky SLSTM SRU QRNN MinGRU MinLSTM"
    made = {name: lambda name=name: getattr(keras_seq, f"{name}Cell")(units) for name in own.split()}
    return made | {
        "ProjectedLSTM": lambda: keras_seq.ProjectedLSTMCell(units, units // 2),
        "Jordan": lambda: keras_seq.JordanCell(units, units),
        "HigherOrder": lambda: keras_seq.HigherOrderCell(units, order=3),
        "Clockwork": lambda: keras_seq.ClockworkCell(units, periods=(1, 2, 4, 8)),
        "MLSTM": lambda: keras_seq.MLSTMCell(units, heads=8),
        "Residual": lambda: keras_seq.ResidualCell(keras_seq.LSTMCell(units), dense=True),
        "LearnedInitialState": lambda: keras_seq.LearnedInitialStateCell(keras_seq.LSTMCell(units)),
        "SkipThroughTime": lambda: keras_seq.SkipThroughTimeCell(keras_seq.LSTMCell(units), 2),
        "VariationalDropout": lambda: keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(units), 0.2, 0.2),
        "Zoneout": lambda: keras_seq.ZoneoutCell(keras_seq.LSTMCell(units), 0.1),
    }


def measure_every_cell(names, shape, rounds):
    """Print a row for each cell, measured in turns with `keras.layers.LSTM`; return the rows."""
    import keras

    import keras_seq

    cells, rows = every_cell(shape[3]), []
    lstm = TensorFlowEngine(keras.layers.LSTM(shape[3], return_sequences=True), shape, padded=False)
    print(f"full batches of {','.join(map(str, shape))}, float32; x: times as fast as keras.layers.LSTM")
    print(f"{'cell':20} {'forward ms':>10} {'x':>6} {'train ms':>10} {'x':>6}")
    for name in names or cells:
        engine = TensorFlowEngine(keras_seq.Recurrent(cells[name](), return_sequences=True), shape, padded=False)
        row = {"cell": name, "shape": shape}
        for what in ("forward", "train"):
            times = [(lstm.measure(what), engine.measure(what)) for _ in range(rounds)]
            theirs, ours = (statistics.median(column) for column in zip(*times, strict=True))
            row |= {f"{what}_ms": ours, f"{what}_lstm_ms": theirs, f"{what}_speedup": theirs / ours}
        forward, train = (f"{row[f'{what}_ms']:10.1f} {row[f'{what}_speedup']:6.2f}" for what in ("forward", "train"))
        print(f"{name:20} {forward} {train}", flush=True)
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=["lstm", "gru", "elman"])
    parser.add_argument("--shapes", nargs="+", help="batch,time,features,units; several; default: the four of the docs")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "mixed_bfloat16"])
    parser.add_argument("--padded", choices=["no", "yes", "both"], default="both")
    parser.add_argument("--every_cell", nargs="*", metavar="CELL", help="these cells, or all, beside Keras' LSTM")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--torch_worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch_worker:
        torch_worker()
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    shapes = [tuple(int(n) for n in text.split(",")) for text in options.shapes] if options.shapes else SHAPES
    if options.every_cell is not None:
        rows = measure_every_cell(options.every_cell, shapes[0] if options.shapes else SHAPES[1], options.rounds)
        save(rows, options.json)
        return
    python = find_torch()
    torch = TorchEngine(python) if python else None
    if torch is None:
        print("PyTorch is not installed: its column stays empty (make test-backends installs it)")
    rows = []
    print(f"{'cell':6} {'shape':>18} {'padded':6} {'what':8} {'engine':20} {'ms':>8} {'/ keras':>8} {'/ torch':>8}")
    for cell in options.cells:
        for padded in {"no": [False], "yes": [True], "both": [False, True]}[options.padded]:
            for shape in shapes:
                engines = engines_for(cell, shape, padded, options.dtypes)
                for what in ("forward", "train"):
                    times = {name: [] for name in engines}
                    times["torch float32"] = []
                    for _ in range(options.rounds):
                        for name, engine in engines.items():
                            times[name].append(engine.measure(what))
                        if torch:
                            times["torch float32"].append(torch.measure(what, cell, shape, padded))
                    median = {name: statistics.median(values) for name, values in times.items() if values}
                    for name, value in median.items():
                        ratios = [
                            value / median[other] if other in median and name.startswith("ours") else None
                            for other in ("keras float32", "torch float32")
                        ]
                        texts = ["" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
                        label = ",".join(map(str, shape))
                        flag = "yes" if padded else "no"
                        print(
                            f"{cell:6} {label:>18} {flag:6} {what:8} {name:20} {value:8.1f} {texts[0]:>8} {texts[1]:>8}"
                        )
                        sys.stdout.flush()
                        rows.append(
                            {"cell": cell, "shape": shape, "padded": padded, "what": what, "engine": name, "ms": value}
                            | {"ratio_to_keras": ratios[0], "ratio_to_torch": ratios[1]}
                        )
    save(rows, options.json)


def save(rows, path):
    """Write the figures to a file, if one is wanted."""
    if path:
        Path(path).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Characters a second of a character language model, in training and in writing: ours, stock Keras and PyTorch.

One embedding of 128, one LSTM, one output layer of 65 characters, random weights, no dropout. Writing draws each
character from the model's distribution:

    keras-seq                 the signature `serving_default` that `keras-seq export` makes: strings in, strings out
    Keras, a graph a step     a loop in Python over a compiled step of the same layers, as in TensorFlow's tutorial
    PyTorch                   a loop in Python over a step without gradients, if `.venv-backends` has it

PyTorch begins, in a process of its own; then every round measures the others in turn. Medians are printed, and how many
times as fast ours is.

    python benchmarks/language_speed.py
    python benchmarks/language_speed.py --units 1024 --batches 1 --rounds 5
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CHARACTERS = "".join(sorted("\n !$&',-.3:;?" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"))
STREAMS, WINDOW, STEPS = 64, 64, 8
WRITTEN = 400
TORCH = Path(__file__).parents[1] / ".venv-backends" / "bin" / "python"


def seconds(function):
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(functions, rounds):
    """The median seconds of each function, all called in turn, after a call of each that is not counted."""
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return {name: statistics.median(found) for name, found in times.items()}


def stock_model(units):
    """The model of Keras' layers, its state carried from batch to batch."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Embedding(len(CHARACTERS) + 2, 128),
            keras.layers.LSTM(units, return_sequences=True, stateful=True),
            keras.layers.Dense(len(CHARACTERS) + 2),
        ]
    )
    model.build((STREAMS, WINDOW))
    return model


def our_model(units):
    """The model of `keras-seq train text_generation`."""
    from apps.language_model import build_language_model
    from apps.text_generation import ModelConfig

    config = ModelConfig(cell="lstm", units=units, embedding_size=128, dropout=0.0)
    return build_language_model(config, len(CHARACTERS) + 2, 1)


def training(units, rounds):
    """Seconds of `STEPS` training steps."""
    import numpy as np
    import tensorflow as tf

    from keras_seq.training import SequenceCrossEntropy

    ids = np.random.default_rng(0).integers(2, len(CHARACTERS) + 2, (STREAMS, WINDOW + 1)).astype("int32")
    data = tf.data.Dataset.from_tensors((ids[:, :-1], ids[:, 1:])).repeat(STEPS)
    functions = {}
    for name, model, options in (
        ("keras-seq", our_model(units), {"jit_compile": False}),
        ("Keras", stock_model(units), {}),
        ("Keras, jit_compile=False", stock_model(units), {"jit_compile": False}),
    ):
        model.compile("adam", SequenceCrossEntropy(None), **options)
        functions[name] = lambda model=model: model.fit(data, verbose=0)
    return in_turns(functions, rounds)


def writing(units, batch, rounds):
    """Seconds in which `batch` texts of `WRITTEN` characters are written."""
    import tensorflow as tf

    from apps.language_signatures import language_signatures, prompt_inputs
    from pipelines.text import CharacterTokenizer

    tokenizer = CharacterTokenizer(["", "[UNK]", *CHARACTERS])
    write = language_signatures(our_model(units).model, tokenizer, WINDOW)["serving_default"]
    inputs = {
        name: tf.constant(value)
        for name, value in prompt_inputs(["R"] * batch, temperature=1.0, max_tokens=WRITTEN).items()
    }
    embedding, lstm, dense = stock_model(units).layers

    @tf.function
    def step(ids, *states):
        outputs, *states = lstm.cell(embedding(ids), list(states))
        drawn = tf.random.categorical(dense(outputs), 1)[:, 0]
        return drawn, *states[0]

    def stock():
        ids, states = tf.fill([batch], tf.constant(30, tf.int64)), [tf.zeros([batch, units])] * 2
        written = []
        for _ in range(WRITTEN):
            ids, *states = step(ids, *states)
            written.append(ids)
        return tf.stack(written, axis=1).numpy()

    return in_turns({"keras-seq": lambda: write(**inputs), "Keras, a graph a step": stock}, rounds)


PYTORCH = """
import json, statistics, sys, time, torch
units, rounds, characters, streams, window, steps, written, *batches = map(int, sys.argv[1:])
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(characters, 128)
        self.lstm = torch.nn.LSTM(128, units, batch_first=True)
        self.head = torch.nn.Linear(units, characters)
    def forward(self, ids, states=None):
        outputs, states = self.lstm(self.embedding(ids), states)
        return self.head(outputs), states
model = Model()
optimizer = torch.optim.Adam(model.parameters())
ids = torch.randint(2, characters, (streams, window + 1))
def train():
    states = None
    for _ in range(steps):
        optimizer.zero_grad()
        logits, states = model(ids[:, :-1], states)
        states = [state.detach() for state in states]
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimizer.step()
def write(batch):
    last, states = torch.full((batch, 1), 30), None
    with torch.no_grad():
        for _ in range(written):
            logits, states = model(last, states)
            last = torch.multinomial(logits[:, -1].softmax(-1), 1)
def median(function, *arguments):
    function(*arguments)
    times = []
    for _ in range(rounds):
        start = time.perf_counter(); function(*arguments); times.append(time.perf_counter() - start)
    return statistics.median(times)
print(json.dumps({"training": median(train), **{str(batch): median(write, batch) for batch in batches}}))
"""


def in_pytorch(units, batches, rounds):
    """The seconds of PyTorch, by "training" and by batch; nothing if it is not there."""
    if not TORCH.exists():
        print("PyTorch is not there: `make test-backends` installs it", file=sys.stderr)
        return {}
    numbers = [units, rounds, len(CHARACTERS) + 2, STREAMS, WINDOW, STEPS, WRITTEN, *batches]
    line = [TORCH, "-c", PYTORCH, *map(str, numbers)]
    return json.loads(subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout)


def show(what, characters, times):
    """Print one table."""
    print(f"\n| {what} | characters a second | ours is so many times as fast |\n| --- | ---: | ---: |")
    for name, found in times.items():
        print(f"| {name} | {characters / found:,.0f} | {found / times['keras-seq']:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64], help="how many texts are written at once")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch = in_pytorch(arguments.units, arguments.batches, arguments.rounds)
    found = training(arguments.units, arguments.rounds)
    if torch:
        found["PyTorch"] = torch["training"]
    show(f"training, {STREAMS} streams, windows of {WINDOW}", STEPS * STREAMS * WINDOW, found)
    for batch in arguments.batches:
        found = writing(arguments.units, batch, arguments.rounds)
        if torch:
            found["PyTorch"] = torch[str(batch)]
        show("writing one text" if batch == 1 else f"writing {batch} texts at once", batch * WRITTEN, found)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()

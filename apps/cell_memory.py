"""Small cells that have learnt to remember, and what can be seen inside them: the model of the studio's Cells page.

Each cell reads a text character by character and says after each of them whether a bracket is open and whether the
word began with a capital letter. What it must keep for long and what only for a word is known, so that its gates can be
read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.cell_gates import CELLS, described, last_output, look_inside

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

TASK = "cells"
VOCABULARY = ("", "[UNK]", "\n", *map(chr, range(32, 127)))
OPENING, CLOSING = "(", ")"
QUESTIONS = {"bracket": "Is a bracket open?", "capital": "Did the word begin with a capital letter?"}
UNITS, FEATURES = 16, 12
BATCH, LENGTH, LONGEST_GAP = 32, 100, 60
HELD_OUT = 0.1
NOISE, UNKNOWN = 0.05, 0.02
PASSAGES, LONGEST = 16, 200
"""How many passages the gradient is a mean over, and how long they are."""


@dataclass(frozen=True)
class Reader:
    """One cell that reads.

    Attributes:
        name: Which, a key of `CELLS`.
        model: Ids `[batch, time]` to a logit for each question `[batch, time, questions]`: embedding, the driver of the
            cell, a dense layer.
        start: The same before training.
    """

    name: str
    model: "keras.Sequential"
    start: "keras.Sequential"

    @property
    def cell(self) -> Any:
        """The trained cell."""
        return self.model.layers[1].cell


def build(name: str, seed: int) -> "keras.Sequential":
    """The untrained network of a cell; the same one for the same seed."""
    import keras

    import keras_seq
    from apps.cells import make_cell

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Embedding(len(VOCABULARY), FEATURES, keras.initializers.RandomNormal(stddev=0.4)),
            keras_seq.Recurrent(make_cell(name, UNITS), return_sequences=True),
            keras.layers.Dense(len(QUESTIONS)),
        ]
    )
    model.build((None, None))
    return model


def passages(text: str, rng: np.random.Generator, count: int, length: int, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Passages of a text with brackets in random places, and the right answers.

    Args:
        text: Where they are from; its own brackets are left out.
        rng: What draws them.
        count: How many.
        length: Characters of each.
        gap: Characters from a bracket to the one that closes it at most.

    Returns:
        Ids `[count, length]`, and answers `[count, length, questions]` that are 0 or 1.
    """
    codes = np.array([ord(character) for character in text if character not in OPENING + CLOSING])
    rows = codes[rng.integers(0, len(codes) - length, count)[:, None] + np.arange(length)]
    noisy = rng.random(rows.shape) < NOISE
    others = np.array([ord(character) for character in VOCABULARY[2:] if character not in OPENING + CLOSING])
    rows[noisy] = rng.choice(others, noisy.sum())
    marks = np.zeros(rows.shape, bool)
    for row, marked in zip(rows, marks, strict=True):
        places = rng.integers(gap // 2) + np.cumsum(rng.integers(1, gap, length))
        places = places[places < length]
        row[places[::2]], row[places[1::2]], marked[places] = ord(OPENING), ord(CLOSING), True
    ids = np.ones(128, np.int32)
    ids[[ord(character) for character in VOCABULARY[2:]]] = np.arange(2, len(VOCABULARY))
    known = np.where(rows < 128, ids[np.minimum(rows, 127)], 1)
    known[(rng.random(rows.shape) < UNKNOWN) & ~marks] = 1
    return known, answers(rows)


def answers(rows: np.ndarray) -> np.ndarray:
    """The right answers for code points `[count, length]`: `[count, length, questions]`, 0 or 1."""
    places = np.arange(rows.shape[1])

    def latest(marked: np.ndarray) -> np.ndarray:
        """The place of the last mark up to each place, -1 before the first."""
        return np.maximum.accumulate(np.where(marked, places, -1), axis=1)

    bracket = latest(rows == ord(OPENING)) > latest(rows == ord(CLOSING))
    upper = (rows >= ord("A")) & (rows <= ord("Z"))
    letter = upper | (rows >= ord("a")) & (rows <= ord("z"))
    first = np.minimum(latest(~letter) + 1, rows.shape[1] - 1)
    capital = letter & np.take_along_axis(upper, first, axis=1)
    return np.stack([bracket, capital], axis=-1).astype(np.float32)


def train(text: str, steps: int, seed: int, note: Callable[[str], None]) -> tuple[list[Reader], dict[str, float]]:
    """Train every cell on the same passages.

    Args:
        text: What the passages are from; its last tenth is kept to measure on.
        steps: Batches that each cell learns from.
        seed: What decides passages and weights.
        note: Is told how each cell did.

    Returns:
        The cells, and of each the share of right answers on passages with longer gaps than those it has learnt from.
    """
    import keras

    held_out = int(len(text) * (1 - HELD_OUT))
    inputs, targets = passages(text[:held_out], np.random.default_rng(seed), steps * BATCH, LENGTH, LONGEST_GAP)
    test = passages(text[held_out:], np.random.default_rng(seed + 1), 2 * BATCH, 2 * LENGTH, 3 * LONGEST_GAP)
    readers, accuracies = [], {}
    for name in CELLS:
        reader = Reader(name, build(name, seed), build(name, seed))
        rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        reader.model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, jit_compile=False)
        reader.model.fit(inputs, targets, batch_size=BATCH, shuffle=False, verbose=0)
        right = (reader.model(test[0]).numpy() > 0) == (test[1] > 0)
        accuracies[f"{name}_accuracy"] = float(right.mean())
        note(f"{CELLS[name].title}: {right.mean():.1%} of the answers are right")
        readers.append(reader)
    return readers, accuracies


def signatures(
    readers: Sequence[Reader], tokenizer: Any, text: str
) -> "dict[str, tf.types.experimental.GenericFunction]":
    """The functions of the served model.

    `serving_default` gives what each cell answers, a signature named for each cell what is inside it, and `gradient`
    how much of the gradient of the last state reaches the character at each distance before it.

    Args:
        readers: The trained cells.
        tokenizer: The tokenizer of `VOCABULARY`.
        text: What the passages that the gradient is measured on are from.
    """
    import tensorflow as tf

    texts = [tf.TensorSpec([None], tf.string, name="text")]
    rows, _ = passages(text, np.random.default_rng(0), PASSAGES, LONGEST, LONGEST_GAP)

    def read(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Characters and ids `[batch, time]`, at least one a row, and 1 where they are no padding."""
        characters, ids = tokenizer.tokenize(text).to_tensor(""), tokenizer.encode(text).to_tensor(0)
        room = [[0, 0], [0, tf.cast(tf.equal(tf.shape(ids)[1], 0), tf.int32)]]
        characters, ids = tf.pad(characters, room, constant_values=""), tf.pad(ids, room)
        return characters, ids, tf.cast(ids > 0, tf.float32)[..., None]

    def answer(text: tf.Tensor) -> dict[str, tf.Tensor]:
        characters, ids, valid = read(text)
        known = [tf.sigmoid(reader.model(ids)) * valid for reader in readers]
        return {"characters": characters, "known": tf.stack(known, axis=2)}

    def inside(reader: Reader) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        def call(text: tf.Tensor) -> dict[str, tf.Tensor]:
            characters, ids, valid = read(text)
            found = look_inside(reader.name, reader.cell, reader.model.layers[0](ids))
            return {"characters": characters, **{name: value * valid for name, value in found.items()}}

        return call

    def gradient(length: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = tf.constant(rows)[:, -length:]
        found = [gradient_norms(reader, ids) for reader in readers]
        return {"untrained": tf.stack([first for first, _ in found]), "trained": tf.stack([last for _, last in found])}

    graphs = {"serving_default": answer, **{reader.name: inside(reader) for reader in readers}}
    known = {
        name: tf.function(call, input_signature=texts, jit_compile=False, autograph=False)
        for name, call in graphs.items()
    }
    length = [tf.TensorSpec([], tf.int32, name="length")]
    return known | {"gradient": tf.function(gradient, input_signature=length, jit_compile=False, autograph=False)}


def gradient_norms(reader: Reader, ids: Any) -> list[Any]:
    """|dh_T/dx_t| for t = T, T - 1, ... 1, over a batch of ids `[batch, time]`: `[time]`, before and after training.

    The gradient is that of the last output in a random direction, a different one for each row.
    """
    import keras
    import tensorflow as tf

    def layers(model: keras.Sequential) -> list[Any]:
        return [variable for layer in model.layers[:2] for variable in layer.variables]

    def norms(ids: tf.Tensor, *values: tf.Tensor) -> tf.Tensor:
        with keras.StatelessScope(state_mapping=list(zip(layers(reader.model), values, strict=True))):
            inputs = tf.gather(values[0], ids)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                last = last_output(reader.cell, inputs)
                along = tf.reduce_sum(last * tf.random.stateless_normal(tf.shape(last), seed=(3, 4)))
            gradient = tf.reverse(tape.gradient(along, inputs), axis=[1])
        largest = tf.reduce_max(tf.abs(gradient), axis=(0, 2))  # squares of small numbers would be zero
        scaled = tf.math.divide_no_nan(gradient, largest[:, None])
        return largest * tf.sqrt(tf.reduce_sum(scaled**2, axis=(0, 2)))

    # One graph for both moments: the weights are what it is called with.
    shared = tf.function(norms, jit_compile=False, autograph=False)
    return [shared(ids, *map(tf.convert_to_tensor, layers(model))) for model in (reader.start, reader.model)]


def metadata(seed: int, accuracies: dict[str, float], digest: str, steps: int) -> dict[str, Any]:
    """What metadata.json says of the model beside what every model has."""
    return {
        "task": TASK,
        "seed": seed,
        "data": {
            "source": "samples/stories.txt, with brackets in random places",
            "licence": "Apache-2.0",
            "digest": digest,
        },
        "labels": [],
        "metrics": {"validation": accuracies},
        "config": {"units": UNITS, "features": FEATURES, "steps": steps, "batch": BATCH, "length": LENGTH},
        "cells": described(list(CELLS)),
        "questions": [{"name": name, "title": title} for name, title in QUESTIONS.items()],
        "longest": LONGEST,
    }

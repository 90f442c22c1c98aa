"""How good are recursive networks on the Stanford Sentiment Treebank, from random word vectors?

    python benchmarks/sst.py --data.dir FOLDER
    python benchmarks/sst.py --data.dir FOLDER --models rntn --test

FOLDER holds train.txt, dev.txt and test.txt, one tree in brackets a line (Socher et al. 2013). Each model is trained
with a loss on every node and judged at the root: by five classes, and by two, where sentences of the middle class are
left out and the same model decides by its probabilities, those of classes 3 and 4 against those of 0 and 1. The
weights that count are the averages over the last steps, at the epoch that is best on dev.txt. Nothing but --test
reads test.txt.
"""

import argparse
import dataclasses
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_seq
from pipelines.config import BatchConfig
from pipelines.trees import TreeConfig, load_trees

MIDDLE = 2


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a model is made and trained; chosen on dev.txt.

    Attributes:
        units: Size of a node's state.
        embedding_size: Size of a word vector.
        epochs: Passes over the training trees.
        batch_size: Trees in a batch.
        learning_rate: Of Adam.
        average: Decay of the averaged weights.
        forget: A training word of n occurrences is unknown with probability forget / (forget + n), as words that are
            not in the training trees are.
        word_dropout: Fraction of the words that are dropped.
        embedding_dropout: Fraction of the components of word vectors that are dropped.
        output_dropout: Fraction of the components of outputs that are dropped before they are scored.
        recurrent_dropout: Fraction of the components of inner nodes' candidates that are dropped; the Tree-LSTM's.
    """

    units: int
    embedding_size: int
    epochs: int
    batch_size: int = 25
    learning_rate: float = 0.001
    average: float = 0.998
    forget: float = 0.3
    word_dropout: float = 0.1
    embedding_dropout: float = 0.2
    output_dropout: float = 0.3
    recurrent_dropout: float = 0.0


MODELS = {
    "rntn": Settings(units=30, embedding_size=30, epochs=14),
    "tree-lstm": Settings(
        units=150,
        embedding_size=150,
        epochs=9,
        batch_size=32,
        average=0.99,
        embedding_dropout=0.3,
        output_dropout=0.5,
        recurrent_dropout=0.5,
    ),
}


def average_of_children(shape, dtype=None):
    """The first kernel of the tensor network: half of one child plus half of the other, and some noise."""
    units = shape[1]
    halves = np.concatenate([np.eye(units), np.eye(units)]) / 2
    noise = keras.random.uniform(shape, -1, 1, seed=0) / (4 * units**0.5)
    return keras.ops.cast(halves + noise, dtype or "float32")


def make_model(name, settings, vocabulary_size, classes, seed):
    """The model, built."""
    if name == "rntn":
        cell = keras_seq.TensorCell(settings.units, kernel_initializer=average_of_children)
        scale = 0.1
    else:
        cell = keras_seq.NaryTreeLSTMCell(settings.units, recurrent_dropout=settings.recurrent_dropout, seed=seed)
        scale = 0.05
    model = keras_seq.TreeClassifier(
        vocabulary_size,
        classes,
        cell,
        embedding_size=settings.embedding_size,
        word_dropout=settings.word_dropout,
        embedding_dropout=settings.embedding_dropout,
        output_dropout=settings.output_dropout,
        seed=seed,
    )
    model.embedding.embeddings_initializer = keras.initializers.RandomUniform(-scale, scale, seed=seed)
    model.build()
    return model


def forget_words(data, strength, seed):
    """A map over batches that makes rare words unknown at random; it trains the vector of unknown words."""
    chance = strength / (strength + np.maximum(data.word_counts(), 1))
    chance[:2] = 0
    chance = tf.constant(chance, tf.float32)
    random = tf.random.Generator.from_seed(seed)

    def forget(table, labels, weights):
        forgotten = random.uniform(tf.shape(table["ids"])) < tf.gather(chance, table["ids"])
        return {**table, "ids": tf.where(forgotten, 1, table["ids"])}, labels, weights

    return forget


class Judge(keras.callbacks.Callback):
    """Judges the averaged weights after each epoch on dev.txt, and keeps the best."""

    def __init__(self, data, started):
        super().__init__()
        self.data, self.started = data, started
        self.best, self.best_weights, self.log = -1.0, None, []

    def on_epoch_end(self, epoch, logs=None):
        variables = self.model.trainable_variables
        trained = [variable.numpy() for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)  # the averages take the place of the weights
        figures = judge(self.model, self.data, "validation")
        score = figures["fine"] + figures["binary"]
        if score > self.best:
            self.best, self.best_weights = score, self.model.get_weights()
        for variable, value in zip(variables, trained, strict=True):
            variable.assign(value)
        seconds, cpu = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        print(
            f"epoch {epoch + 1}: loss {logs['loss']:.4f}, dev {figures['fine']:.2%} {figures['binary']:.2%} "
            f"(log loss {figures['log_loss']:.4f}), {seconds:.0f} s, {cpu:.0f} s of CPU time"
        )
        sys.stdout.flush()
        self.log.append({"epoch": epoch + 1, **figures, "seconds": seconds, "cpu_seconds": cpu})


def judge(model, data, split):
    """Accuracy at the root, by five classes and by two, and the log loss."""
    scores = [model.predict_on_batch(table)[:, 0] for table, *_ in data.dataset(split)]
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(np.concatenate(scores)))
    labels = data.root_labels(split)
    positive = probabilities[:, MIDDLE + 1 :].sum(axis=1) > probabilities[:, :MIDDLE].sum(axis=1)
    clear = labels != MIDDLE
    return {
        "fine": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "binary": float(np.mean(positive[clear] == (labels > MIDDLE)[clear])),
        "log_loss": float(-np.mean(np.log(probabilities[np.arange(len(labels)), labels]))),
    }


def train(name, settings, data, seed):
    """Train a model; the judge has its best weights and its log."""
    keras.utils.set_random_seed(seed)
    model = make_model(name, settings, len(data.vocabulary), len(data.labels), seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(settings.learning_rate, use_ema=True, ema_momentum=settings.average)
    model.compile(optimizer, loss)
    started = time.perf_counter(), time.process_time()
    batches = data.train(0, settings.epochs)
    if settings.forget:
        batches = batches.map(forget_words(data, settings.forget, seed))
    judging = Judge(data, started)
    steps = -(-len(data.root_labels("train")) // settings.batch_size)
    options = {"epochs": settings.epochs, "steps_per_epoch": steps, "shuffle": False, "verbose": 0}
    model.fit(batches.prefetch(2), callbacks=[judging], **options)
    model.set_weights(judging.best_weights)
    return model, judging.log


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data.dir", dest="data", required=True, help="folder with train.txt, dev.txt and test.txt")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--test", action="store_true", help="read test.txt, for settings that are final")
    parser.add_argument("--json", help="write all figures to this file")
    for field in dataclasses.fields(Settings):
        kind = int if field.type in (int, "int") else float
        parser.add_argument(f"--{field.name}", type=kind, help="instead of the model's own; for trials on dev.txt")
    options = vars(parser.parse_args())
    changes = {field.name: options[field.name] for field in dataclasses.fields(Settings)}
    changes = {name: value for name, value in changes.items() if value is not None}
    splits = ("train", "validation", "test") if options["test"] else ("train", "validation")
    rows, records = [], []
    for name in options["models"]:
        settings = dataclasses.replace(MODELS[name], **changes)
        print(f"{name}: {settings}")
        batch = BatchConfig(batch_size=settings.batch_size, bucket_count=1)
        data = load_trees(options["data"], TreeConfig(arity=2), batch, options["seed"], splits)
        model, log = train(name, settings, data, options["seed"])
        best = max(log, key=lambda entry: entry["fine"] + entry["binary"])
        test = judge(model, data, "test") if options["test"] else None
        record = {"model": name, "settings": dataclasses.asdict(settings), "parameters": model.count_params()}
        records.append({**record, "best_epoch": best["epoch"], "log": log, "test": test})
        time_used = f"{log[-1]['seconds']:.0f} s ({log[-1]['cpu_seconds']:.0f} s)"
        accuracy = [f"{figures[key]:.1%}" if figures else "" for key in ("fine", "binary") for figures in (best, test)]
        rows.append([name, f"{model.count_params():,}", time_used, str(best["epoch"]), *accuracy])
        if options["json"]:
            with open(options["json"], "w", encoding="utf-8") as file:
                json.dump(records, file, indent=1)
    print("\n| model | parameters | training (CPU time) | best epoch | fine: dev | test | binary: dev | test |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()

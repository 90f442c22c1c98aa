"""The models that `benchmarks/imdb.py` puts beside this project's own. Each is measured in a process of its own.

Every function here takes the same job: which data, which seed, how many epochs. It trains on the training split, makes
each choice on the validation split, and reads the test reviews after that.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from apps.cli import explain
from apps.console import import_tensorflow
from apps.errors import UserError
from apps.runs import atomic
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.errors import DataError

import_tensorflow()  # before anything else does, which would let its notices through

from imdb_linear import bigrams, bigrams_naive_bayes  # noqa: E402
from imdb_reviews import Job, Reviews, say  # noqa: E402

from pipelines.batching import BatchReader, EncodedTexts, find_boundaries, plan_epoch  # noqa: E402

PROGRESS_SECONDS = 30


def keras_example(job: Job) -> dict[str, Any]:
    """The model of the Keras example "Bidirectional LSTM on IMDB"."""
    import keras
    import tensorflow as tf

    prepare_keras(job)
    width, batch_size = 200, 32
    text = TextConfig(vocabulary_size=20_000, min_count=1, max_length=None)
    reviews = Reviews(job, text, words_only=True)
    model = keras.Sequential(
        [
            keras.Input([None], dtype="int32"),
            keras.layers.Embedding(20_000, 128),
            keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True)),
            keras.layers.Bidirectional(keras.layers.LSTM(64)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    train = left_padded(reviews.train, width)

    def make_epoch(epoch: int) -> tf.data.Dataset:
        order = np.random.default_rng([job.seed, epoch]).permutation(len(reviews.train))
        return tf.data.Dataset.from_tensor_slices((train[order], reviews.train.labels[order])).batch(batch_size)

    def in_order(texts: EncodedTexts) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices((left_padded(texts, width), texts.labels)).batch(128)

    return train_keras(model, reviews, make_epoch, in_order, job.epochs or 2, keep_best=False)


def tensorflow_tutorial(job: Job) -> dict[str, Any]:
    """The model of the TensorFlow tutorial "Text classification with an RNN"."""
    import keras
    import tensorflow as tf

    prepare_keras(job)
    text = TextConfig(vocabulary_size=1000, min_count=1, max_length=None)
    reviews = Reviews(job, text, words_only=True)
    model = keras.Sequential(
        [
            keras.Input([None], dtype="int32"),
            keras.layers.Embedding(1000, 64, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.LSTM(64)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-4),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
        jit_compile=False,
    )
    boundaries = find_boundaries(reviews.train.lengths, BatchConfig().bucket_count)

    def batches(reader: BatchReader, texts: EncodedTexts, config: BatchConfig, epoch: int = 0) -> tf.data.Dataset:
        return reader.dataset(plan_epoch(texts.lengths, boundaries, config, job.seed, epoch))

    reader = BatchReader(reviews.train)
    return train_keras(
        model,
        reviews,
        lambda epoch: batches(reader, reviews.train, BatchConfig(batch_size=64), epoch),
        lambda texts: batches(BatchReader(texts), texts, BatchConfig(batch_size=128, shuffle=False)),
        job.epochs or 10,
        keep_best=True,
    )


def prepare_keras(job: Job) -> None:
    """Fix the random numbers, and use deterministic operations as this project's trainer does."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(job.seed)
    tf.config.experimental.enable_op_determinism()


def left_padded(texts: EncodedTexts, width: int) -> np.ndarray:
    """int32 [texts, width]: the last `width` ids of each text, with zeros before those of a shorter one."""
    padded = np.zeros([len(texts), width], np.int32)
    for row, (start, stop) in enumerate(zip(texts.offsets[:-1], texts.offsets[1:], strict=True)):
        kept = texts.ids[max(start, stop - width) : stop]
        padded[row, width - len(kept) :] = kept
    return padded


def train_keras(
    model: Any,
    reviews: Reviews,
    make_epoch: Callable[[int], Any],
    in_order: Callable[[EncodedTexts], Any],
    epochs: int,
    keep_best: bool,
) -> dict[str, Any]:
    """Train with `fit`, and measure.

    Args:
        model: Compiled, with the metric `accuracy`.
        reviews: The splits.
        make_epoch: The batches of an epoch of training, counted from 0.
        in_order: The batches of a split to measure.
        epochs: How many.
        keep_best: Take the weights of the best epoch on validation, and not those of the last.
    """
    import keras

    validation = in_order(reviews.validation)
    seconds = 0.0
    history: list[float] = []
    best_weights = None
    for epoch in range(epochs):
        batches = make_epoch(epoch)
        count = int(batches.cardinality())
        state = {"shown": time.monotonic()}

        def progress(batch: int, logs: dict, epoch=epoch, count=count, state=state) -> None:
            if time.monotonic() - state["shown"] >= PROGRESS_SECONDS:
                say(f"epoch {epoch + 1} of {epochs}, batch {batch + 1} of {count}: loss {logs['loss']:.4f}")
                state["shown"] = time.monotonic()

        start = time.monotonic()
        fitted = model.fit(
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=validation,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=progress)],
            shuffle=False,  # each epoch comes in an order of its own
            verbose=0,
        ).history
        history.append(fitted["val_accuracy"][-1])
        if keep_best and history[-1] > max(history[:-1], default=-1):
            best_weights = model.get_weights()
        seconds += time.monotonic() - start
        say(
            f"epoch {epoch + 1} of {epochs}: loss {fitted['loss'][-1]:.4f}, accuracy {fitted['accuracy'][-1]:.4f}, "
            f"validation {history[-1]:.4f}, {seconds:.0f} s"
        )
    if best_weights is not None:
        model.set_weights(best_weights)
    chosen = int(np.argmax(history)) if keep_best else epochs - 1
    test = model.evaluate(in_order(reviews.test()), verbose=0, return_dict=True)["accuracy"]
    return {
        "parameters": model.count_params(),
        "seconds": seconds,
        "validation": history[chosen],
        "test": test,
        "data": reviews.facts,
        "details": {"epochs": epochs, "chosen_epoch": chosen + 1, "validation_of_epochs": history},
    }


BASELINES: dict[str, Callable[[Job], dict[str, Any]]] = {
    "keras": keras_example,
    "tensorflow": tensorflow_tutorial,
    "bigrams": bigrams,
    "naive-bayes": bigrams_naive_bayes,
}


def main() -> int:
    """Measure the row that the first argument describes (JSON) and write the figures to the file of the second."""
    job, target = json.loads(sys.argv[1]), Path(sys.argv[2])
    job = Job(**{**job, "data": DataConfig(**job["data"])})
    try:
        atomic.write_json(target, BASELINES[job.row](job))
    except (UserError, DataError, OSError, KeyboardInterrupt) as error:
        line, code = explain(error)
        print(f"error: {line}", file=sys.stderr)
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

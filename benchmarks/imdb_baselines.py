"""The models that `benchmarks/imdb.py` puts beside this project's own. Each is measured in a process of its own.

Every function here takes the same job: which data, which seed, how many epochs. It trains on the training split, makes
each choice on the validation split, and reads the test reviews after that.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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

from pipelines.batching import BatchReader, EncodedTexts, find_boundaries, plan_epoch  # noqa: E402
from pipelines.sentiment import SentimentData, load_sentiment  # noqa: E402

PROGRESS_SECONDS = 30
INVERSE_REGULARISATION = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# Punctuation marks are taken out of a vocabulary that has room for this many of them.
MARKS = 200


@dataclass(frozen=True)
class Job:
    """What to measure: the row, where its data are, and epochs other than its own."""

    row: str
    data: DataConfig
    seed: int
    epochs: int | None = None


class Reviews:
    """The three splits of IMDB as ids; the test reviews are read when they are asked for.

    Args:
        job: The data and the seed of the split.
        text: Vocabulary and lengths.
        words_only: Leave out punctuation marks, in the texts and in the vocabulary.
    """

    def __init__(self, job: Job, text: TextConfig, words_only: bool = False):
        self._job = job
        self._size = text.vocabulary_size if words_only else None
        self._text = TextConfig(**{**vars(text), "vocabulary_size": text.vocabulary_size + MARKS * words_only})
        say("reading and encoding the training reviews")
        data = self._load("train", "validation")
        self._tokenizer, self._labels = data.tokenizer, data.labels
        self.train, self.validation = self._texts(data, "train"), self._texts(data, "validation")
        self.vocabulary_size = self._size or len(self._tokenizer.vocabulary)
        self.facts = {"digests": data.report["digests"], "rows": data.report["splits"]}

    def test(self) -> EncodedTexts:
        say("reading and encoding the test reviews")
        data = self._load("test", tokenizer=self._tokenizer, labels=self._labels)
        for name, part in (("digests", "digests"), ("rows", "splits")):
            self.facts[name] = {**self.facts[name], **data.report[part]}
        return self._texts(data, "test")

    def _load(self, *splits: str, **known: Any) -> SentimentData:
        return load_sentiment(self._job.data, self._text, BatchConfig(), self._job.seed, splits=splits, **known)

    def _texts(self, data: SentimentData, split: str) -> EncodedTexts:
        texts = data.texts(split)
        return texts if self._size is None else keep_words(texts, data.tokenizer.vocabulary, self._size)


def keep_words(texts: EncodedTexts, vocabulary: list[str], size: int) -> EncodedTexts:
    """The texts without punctuation marks, in a vocabulary of `size` words (padding and unknown included)."""
    is_word = np.array([any(character.isalnum() for character in token) for token in vocabulary])
    new_ids = np.where(is_word, np.cumsum(is_word) + 1, -1)
    new_ids[new_ids >= size] = 1
    new_ids[:2] = 0, 1
    ids = new_ids[texts.ids]
    kept_before = np.concatenate([[0], np.cumsum(ids >= 0)])
    return EncodedTexts(ids[ids >= 0].astype(np.int32), kept_before[texts.offsets], texts.labels)


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


def bigrams(job: Job) -> dict[str, Any]:
    """Logistic regression over which words and pairs of neighbouring words occur."""
    return linear(job, log_count_ratios=False)


def bigrams_naive_bayes(job: Job) -> dict[str, Any]:
    """The same, with each feature scaled by its Naive Bayes log-count ratio (Wang & Manning, 2012)."""
    return linear(job, log_count_ratios=True)


def linear(job: Job, log_count_ratios: bool) -> dict[str, Any]:
    """A linear model of words and bigrams; C is chosen on the validation split."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    reviews = Reviews(job, TextConfig(vocabulary_size=1_000_000, min_count=1, max_length=None))
    start = time.monotonic()
    columns = np.unique(find_ngrams(reviews.train, reviews.vocabulary_size)[1])
    labels = reviews.train.labels
    train, validation = (
        occurrences(texts, reviews.vocabulary_size, columns) for texts in (reviews.train, reviews.validation)
    )
    scale = sparse.identity(len(columns), format="csr")
    if log_count_ratios:
        positive, negative = (train[labels == label].sum(axis=0).A1 + 1 for label in (1, 0))
        scale = sparse.diags(np.log(positive / positive.sum()) - np.log(negative / negative.sum()), format="csr")
    train, validation = train @ scale, validation @ scale
    say(f"{len(columns):,} words and bigrams, {train.nnz:,} occurrences, {time.monotonic() - start:.0f} s")
    best, tried = None, {}
    for c in INVERSE_REGULARISATION:
        model = LogisticRegression(C=c, solver="liblinear", random_state=job.seed).fit(train, labels)
        tried[c] = accuracy = float(model.score(validation, reviews.validation.labels))
        say(f"C {c:g}: validation {accuracy:.4f}, {time.monotonic() - start:.0f} s")
        if best is None or accuracy > best[0]:
            best = accuracy, c, model
    seconds = time.monotonic() - start
    assert best is not None
    accuracy, c, model = best
    texts = reviews.test()
    test = occurrences(texts, reviews.vocabulary_size, columns) @ scale
    return {
        "parameters": len(columns) + 1,
        "seconds": seconds,
        "validation": accuracy,
        "test": float(model.score(test, texts.labels)),
        "data": reviews.facts,
        "details": {"C": c, "validation_of_C": {f"{name:g}": value for name, value in tried.items()}},
    }


def find_ngrams(texts: EncodedTexts, vocabulary_size: int) -> tuple[np.ndarray, np.ndarray]:
    """(text, code) of every word and bigram: a word's code is its id, those of bigrams come after all words."""
    ids = texts.ids.astype(np.int64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), texts.lengths)
    inside = rows[:-1] == rows[1:]
    pairs = ((ids[:-1] + 1) * vocabulary_size + ids[1:])[inside]
    return np.concatenate([rows, rows[:-1][inside]]), np.concatenate([ids, pairs])


def occurrences(texts: EncodedTexts, vocabulary_size: int, columns: np.ndarray) -> Any:
    """Sparse [texts, columns]: 1 where the word or bigram of that code occurs; codes not in `columns` stay out."""
    from scipy import sparse

    rows, codes = find_ngrams(texts, vocabulary_size)
    places = np.minimum(np.searchsorted(columns, codes), len(columns) - 1)
    known = columns[places] == codes
    rows, places = rows[known], places[known].astype(np.int32)
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(texts), len(columns)))
    matrix.data[:] = 1  # equal entries have been added up
    return matrix


def say(line: str) -> None:
    print(f"  {line}", flush=True)


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

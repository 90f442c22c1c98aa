"""A small classifier with string ops around a Keras model, as a task builds it."""

from types import SimpleNamespace

import pytest

WORDS = ["", "[UNK]", "the", "film", "good", "bad", "not", "fine", "plot", "好", "🙂"]
LABELS = ["neg", "neutral", "pos"]


def build_classifier(seed: int = 0) -> SimpleNamespace:
    """Signatures, what they use, and a model with a used optimizer, which must not be exported."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    ids_in = keras.Input([None], dtype="int32")
    embedding = keras.layers.Embedding(len(WORDS), 6, embeddings_initializer="random_normal", mask_zero=True)
    recurrent = keras.layers.GRU(5, kernel_initializer="random_normal", use_cudnn=False)
    dense = keras.layers.Dense(len(LABELS))

    def head(embedded, mask):
        return dense(recurrent(embedded, mask=mask))

    model = keras.Model(ids_in, dense(recurrent(embedding(ids_in))))
    model.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)

    class Words(tf.Module):
        def __init__(self):
            keys = tf.constant(WORDS[2:])
            values = tf.range(2, len(WORDS), dtype=tf.int64)
            initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
            self.table = tf.lookup.StaticHashTable(initializer, default_value=1)

        def tokenize(self, text):
            return tf.strings.split(tf.strings.lower(tf.strings.regex_replace(text, r"[.,!?]", " ")))

    words = Words()
    names = tf.constant(LABELS)

    def encode(text):
        pieces = words.tokenize(text)
        ids = tf.cast(words.table.lookup(pieces.flat_values), tf.int32)
        ids = tf.RaggedTensor.from_row_splits(ids, pieces.row_splits).to_tensor(shape=[None, None])
        empty = tf.zeros([tf.shape(ids)[0], 1], ids.dtype)  # at least one step, also for a batch of empty texts
        return tf.concat([ids, empty], axis=1), pieces

    def answers(ids):
        probabilities = tf.nn.softmax(model(ids, training=False))
        return {"label": tf.gather(names, tf.argmax(probabilities, axis=1)), "probabilities": probabilities}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(text):
        return answers(encode(text)[0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def explain(text):
        ids, pieces = encode(text)
        mask = ids != 0
        embedded = embedding(ids)
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            score = tf.reduce_max(head(embedded, mask), axis=1)
        saliency = tf.reduce_sum(tape.gradient(score, embedded) * embedded, axis=2)
        return {**answers(ids), "tokens": pieces.to_tensor(), "saliency": saliency[:, :-1]}

    return SimpleNamespace(
        signatures={"serving_default": serve, "explain": explain}, tracked=[model, words], model=model, words=words
    )


@pytest.fixture(scope="session")
def classifier() -> SimpleNamespace:
    """The small classifier."""
    return build_classifier()


@pytest.fixture(scope="session")
def fields() -> dict:
    """The metadata that a task gives."""
    return {
        "task": "sentiment",
        "seed": 7,
        "data": {"source": "made up for this test", "licence": "CC0", "digest": "00ff", "rows": {"train": 2}},
        "labels": LABELS,
        "metrics": {"test": {"accuracy": 0.75, "confusion": [[1, 0, 0], [0, 1, 1], [0, 0, 1]]}},
        "config": {"model": {"units": 5}},
    }

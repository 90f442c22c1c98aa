import keras
import numpy as np
import pytest
from tree_cases import make_table

import keras_seq

BACKEND = keras.backend.backend()


def trees(count, seed=0, words=12, nodes=15):
    """Random binary trees with words at their leaves; a node's class says whether word 2 is below it."""
    rng = np.random.default_rng(seed)
    table = make_table([full_tree(int(rng.integers(1, nodes // 2 + 1)), rng) for _ in range(count)], nodes)
    is_leaf = np.array([[node not in row for node in range(nodes)] for row in table["parents"]])
    table["ids"] = np.where(is_leaf & (table["depth"] >= 0), rng.integers(2, words, is_leaf.shape), 0).astype("int32")
    labels = (table["ids"] == 2).astype("int32")
    for row in range(count):
        for node in np.argsort(-table["depth"][row]):
            parent = table["parents"][row, node]
            if parent >= 0:
                labels[row, parent] |= labels[row, node]
    return table, labels


def full_tree(leaves, rng):
    """The parents of a random tree of nodes with two children and leaves."""
    parents, open_leaves = [-1], [0]
    for _ in range(leaves - 1):
        node = open_leaves.pop(int(rng.integers(len(open_leaves))))
        open_leaves += [len(parents), len(parents) + 1]
        parents += [node, node]
    return parents


def make(cell=None, **options):
    options = {"embedding_size": 6} | options
    return keras_seq.TreeClassifier(12, options.pop("classes", 2), cell or keras_seq.NaryTreeLSTMCell(8), **options)


@pytest.mark.parametrize("kind", [keras_seq.NaryTreeLSTMCell, keras_seq.MatrixVectorCell])
def test_learns_which_word_decides(kind):
    table, labels = trees(128)
    keras.utils.set_random_seed(1)
    model = make(kind(6), embedding_size=None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, weighted_metrics=["accuracy"])
    history = model.fit(table, labels, batch_size=32, epochs=12, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert model.evaluate(table, labels, batch_size=32, verbose=0)[1] > 0.95


def test_loss_is_the_mean_over_all_nodes(numpy):
    table, labels = trees(8)
    model = make()
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), weighted_metrics=["accuracy"])
    loss, accuracy = model.evaluate(table, labels, batch_size=8, verbose=0)
    logits = numpy(model(table))
    assert logits.shape == (8, 15, 2)
    nodes = table["depth"] >= 0
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    chosen = np.take_along_axis(log_probabilities, labels[..., None], -1)[..., 0]
    assert loss == pytest.approx(-chosen[nodes].mean(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(-1) == labels)[nodes].mean(), rel=1e-5)


def test_nodes_without_a_word_have_no_input(numpy):
    table, _ = trees(8)
    model = make(inner_words=True)
    other = make(inner_words=False)
    logits = numpy(model(table))
    other(table)
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(numpy(other(table)), logits, atol=1e-6)
    vectors = model.embedding.get_weights()[0]
    vectors[0] += 1
    model.embedding.set_weights([vectors])
    np.testing.assert_allclose(numpy(model(table)), logits, atol=1e-6)
    inner = np.where((table["ids"] == 0) & (table["depth"] >= 0), 5, table["ids"])
    assert not np.allclose(numpy(model({**table, "ids": inner})), logits, atol=1e-3)
    np.testing.assert_allclose(numpy(other({**table, "ids": inner})), logits, atol=1e-6)


def test_dropouts_act_in_training_only(numpy):
    table, _ = trees(8)
    model = make(word_dropout=0.3, embedding_dropout=0.3, output_dropout=0.3)
    plain = numpy(model(table))
    np.testing.assert_array_equal(numpy(model(table, training=False)), plain)
    assert not np.allclose(numpy(model(table, training=True)), plain)


def test_regularizers_add_to_the_loss(numpy):
    cell = keras_seq.TensorCell(6, kernel_regularizer="l2", tensor_regularizer="l2")
    model = make(cell, embeddings_regularizer="l2", head_regularizer="l2")
    model.build()
    squares = [np.sum(weight**2) for weight in model.get_weights() if weight.ndim > 1]
    assert len(squares) == 4
    assert float(sum(numpy(model.losses))) == pytest.approx(0.01 * sum(squares), rel=1e-5)


def test_half_precision_gives_float32_logits():
    table, _ = trees(4)
    model = make(keras_seq.NaryTreeLSTMCell(8, dtype="mixed_bfloat16"), dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model(table).dtype) == "float32"


def test_word_vectors_have_the_size_that_the_cell_asks_for():
    assert make(keras_seq.MatrixVectorCell(4, rank=2), embedding_size=None).embedding_size == 4 + 5 * 4
    assert make(embedding_size=None).embedding_size == 128


@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModel is TensorFlow's")
def test_saved_model(tmp_path, numpy):
    import tensorflow as tf

    table, _ = trees(8)
    model = make()
    expected = numpy(model(table))
    names = sorted(table)
    model.export(
        tmp_path, format="tf_saved_model", verbose=False,
        input_signature=[{name: tf.TensorSpec((None, None), tf.int32, name=name) for name in names}],
    )  # fmt: skip
    served = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(served.serve({name: tf.constant(table[name]) for name in names}), expected, atol=1e-6)
    alone = {name: tf.constant(table[name][:1]) for name in names}
    np.testing.assert_allclose(served.serve(alone), expected[:1], atol=1e-6)

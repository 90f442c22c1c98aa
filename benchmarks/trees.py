"""How fast is training over batched trees, beside the same Tree-LSTM evaluated tree by tree, and how does it grow?

    python benchmarks/trees.py
    python benchmarks/trees.py --data.dir FOLDER_OF_THE_STANFORD_SENTIMENT_TREEBANK

Two tables, in Markdown. The first: trees a second in a training step (forward, and the gradients of all weights, loss
on every node) of a binary Tree-LSTM. `batched` is `Recursive`; `tree by tree` calls the same cell with the same weights
node by node in a recursion in Python, eager; `tree by tree, compiled nodes` does so with a compiled function a node.
All compute the same loss and gradients, which is checked. The trees are those of the treebank's training file, or
random binary trees of its sizes. The second: the time of a step against the number of nodes, for trees of three shapes.
"""

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import keras_seq
from pipelines.config import BatchConfig
from pipelines.trees import COLUMNS, TreeConfig, load_trees

CLASSES, WORDS = 5, 5000


def parents_of(shape, nodes, rng):
    """The parents of a binary tree with about so many nodes: `random`, `balanced` or `chain` (of leaves on a spine)."""
    parents, leaves = [-1], [0]
    while len(parents) + 2 <= nodes:
        pick = {"random": rng.integers(len(leaves)), "balanced": 0, "chain": len(leaves) - 1}[shape]
        node = leaves.pop(int(pick))
        leaves += [len(parents), len(parents) + 1]
        parents += [node, node]
    return parents


def make_batch(trees, rng):
    """A table of trees, each a list of parents, with random words and labels."""
    nodes = max(len(parents) for parents in trees)
    fill = {"ids": 0, "parents": -1, "positions": 0, "depth": -1}
    table = {name: np.full((len(trees), nodes), fill[name], np.int32) for name in COLUMNS}
    for row, parents in enumerate(trees):
        children = np.zeros(len(parents), int)
        for node, parent in enumerate(parents):
            table["parents"][row, node] = parent
            table["depth"][row, node] = 0 if parent < 0 else table["depth"][row, parent] + 1
            table["positions"][row, node] = 0 if parent < 0 else children[parent]
            if parent >= 0:
                children[parent] += 1
        table["ids"][row, : len(parents)] = np.where(children == 0, rng.integers(2, WORDS, len(parents)), 0)
    labels = rng.integers(0, CLASSES, (len(trees), nodes)).astype(np.int32)
    weights = (table["depth"] >= 0).astype(np.float32)
    return {name: tf.constant(values) for name, values in table.items()}, tf.constant(labels), tf.constant(weights)


def node_loss(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def batched_step(model):
    """The training step over a batch: loss and gradients, compiled."""
    variables = [variable.value for variable in model.trainable_variables]

    @tf.function(reduce_retracing=True, jit_compile=False)
    def step(table, labels, weights):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(node_loss(labels, model(table, training=True)) * weights)
        return loss, tape.gradient(loss, variables)

    return step


def tree_by_tree_step(model, compile_nodes):
    """The same step for one tree after the other, in a recursion in Python."""
    variables = [variable.value for variable in model.trainable_variables]

    def leaf(word):
        _, states = model.cell(model.embedding(word))
        return (*states, model.head(states[0]))

    def compose(left_h, left_c, right_h, right_c):
        children = [tf.stack([left_h, right_h], axis=1), tf.stack([left_c, right_c], axis=1)]
        _, states = model.cell(None, children)
        return (*states, model.head(states[0]))

    if compile_nodes:
        leaf, compose = tf.function(leaf), tf.function(compose)

    def tree_loss(row, children, table, labels):
        losses = []

        def visit(node):
            below = children.get(node)
            if below is None:
                h, c, logits = leaf(table["ids"][row : row + 1, node])
            else:
                states = [visit(child) for child in below]
                h, c, logits = compose(*states[0], *states[1])
            losses.append(node_loss(labels[row : row + 1, node], logits))
            return h, c

        visit(0)
        return tf.add_n(losses)

    def step(table, labels, weights):
        with tf.GradientTape() as tape:
            losses = []
            for row, parents in enumerate(table["parents"].numpy()):
                children = {}
                for node, parent in enumerate(parents):
                    if parent >= 0:
                        children.setdefault(int(parent), []).append(node)
                losses.append(tree_loss(row, children, table, labels))
            loss = tf.add_n(losses)[0]
        return loss, tape.gradient(loss, variables)

    return step


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def speed_table(model, batches, single, rounds):
    """Trees a second of each way; `single` trees of a batch are taken one by one, since that takes long."""
    ways = {
        "batched": (batched_step(model), batches),
        "tree by tree": (tree_by_tree_step(model, False), [cut(batches[0], single)]),
        "tree by tree, compiled nodes": (tree_by_tree_step(model, True), [cut(batches[0], single)]),
    }
    expected, expected_gradients = ways["batched"][0](*cut(batches[0], single))
    for step, given in ways.values():
        loss, gradients = step(*cut(batches[0], single))
        np.testing.assert_allclose(loss, expected, rtol=1e-4)
        for one, other in zip(gradients, expected_gradients, strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(other), atol=1e-3)
        for batch in given:
            step(*batch)
    rates = {name: [] for name in ways}
    for _ in range(rounds):  # in turns, so that a machine whose speed drifts still gives fair ratios
        for name, (step, given) in ways.items():
            seconds = timed(lambda step=step, given=given: [step(*batch) for batch in given])
            rates[name].append(sum(len(batch[1]) for batch in given) / seconds)
    print("| training step | trees/s | batched is faster by |\n| --- | ---: | ---: |")
    best = statistics.median(rates["batched"])
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"| {name} | {rate:,.1f} | {'' if name == 'batched' else f'{best / rate:.0f} times'} |")
    sys.stdout.flush()


def cut(batch, trees):
    """The first trees of a batch."""
    table, labels, weights = batch
    return {name: values[:trees] for name, values in table.items()}, labels[:trees], weights[:trees]


def growth_table(model, sizes, rounds):
    """The time of a step for one batch of 8 trees against their size."""
    rng = np.random.default_rng(1)
    step = batched_step(model)
    print(f"\n| nodes of a tree | {' | '.join(SHAPES.values())} |\n| ---: |{' ---: |' * len(SHAPES)}")
    for nodes in sizes:
        row = []
        for shape in SHAPES:
            batch = make_batch([parents_of(shape, nodes, rng) for _ in range(8)], rng)
            count = int(tf.reduce_sum(batch[2]))
            step(*batch)
            seconds = statistics.median(timed(lambda batch=batch: step(*batch)) for _ in range(rounds))
            row.append(f"{seconds * 1e3:,.0f} ms, {seconds / count * 1e6:.1f}")
        print(f"| {nodes:,} | {' | '.join(row)} |")
        sys.stdout.flush()


SHAPES = {"random": "random: ms, µs a node", "balanced": "balanced", "chain": "one spine"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data.dir", dest="data", help="folder with train.txt, dev.txt and test.txt")
    parser.add_argument("--units", type=int, default=150)
    parser.add_argument("--batch_size", type=int, default=25)
    parser.add_argument("--batches", type=int, default=8, help="batches of a round")
    parser.add_argument("--single", type=int, default=4, help="trees that are taken one by one in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[31, 125, 501, 2001, 8001])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, binary Tree-LSTM of {options.units} units\n")
    if options.data:
        batch = BatchConfig(batch_size=options.batch_size, bucket_count=1)
        data = load_trees(options.data, TreeConfig(arity=2), batch, seed=1, splits=("train",))
        batches, words = list(data.train(0).take(options.batches)), len(data.vocabulary)
    else:
        rng, words = np.random.default_rng(1), WORDS
        sizes = 2 * np.clip(rng.normal(19, 9, (options.batches, options.batch_size)), 2, 52).astype(int) - 1
        batches = [make_batch([parents_of("random", n, rng) for n in row], rng) for row in sizes]
    cell = keras_seq.NaryTreeLSTMCell(options.units)
    model = keras_seq.TreeClassifier(max(words, WORDS), CLASSES, cell, embedding_size=options.units)
    model.build()
    speed_table(model, batches, options.single, options.rounds)
    growth_table(model, options.sizes, options.rounds)


if __name__ == "__main__":
    main()

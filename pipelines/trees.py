"""Trees in brackets to batches of node tables: everything between files and a tree classifier."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.batching import Batch, find_boundaries, plan_epoch, plan_in_order
from pipelines.config import BatchConfig, DataConfig
from pipelines.errors import DataError
from pipelines.reading_ahead import read_ahead
from pipelines.sources.text_files import existing_file
from pipelines.sources.trees import Tree, read_trees

SPLITS = {"train": "train.txt", "validation": "dev.txt", "test": "test.txt"}
UNKNOWN = "[UNK]"
COLUMNS = ("ids", "parents", "positions", "depth")
# What a cell of a table holds where there is no node: in the order of COLUMNS, and no label.
_PADDING = (0, -1, 0, -1, -1)


@dataclass(frozen=True)
class TreeConfig:
    """How trees become tables.

    Attributes:
        lowercase: Lower-case the words.
        min_count: Words seen less often in the training trees are unknown. At least 1.
        arity: Largest number of children that the model reads; a tree with a node of more is an error. Left out, it
            does not matter.
    """

    lowercase: bool = True
    min_count: int = 1
    arity: int | None = None

    def __post_init__(self):
        if self.min_count < 1:
            raise DataError(f"min_count must be at least 1. Received: {self.min_count}")


class TreeData:
    """Batches of trees, with the vocabulary and the labels that a model needs. Made by `load_trees`.

    Attributes:
        vocabulary: The word of each id: 0 is padding (and a node without a word), 1 is unknown. It is learnt on the
            training trees alone, and so are the labels.
        labels: The name of each class id.
        arity: The largest number of children of a node.
    """

    def __init__(self, splits: dict[str, list[Tree]], config: TreeConfig, batch: BatchConfig, seed: int):
        self._batch = batch
        self._seed = seed
        self.labels = find_labels(splits["train"])
        self.vocabulary = learn_vocabulary(splits["train"], config)
        self._splits = {
            name: encode_trees(trees, self.vocabulary, self.labels, config) for name, trees in splits.items()
        }
        self.arity = max(tree.arity for trees in splits.values() for tree in trees)
        self.boundaries = batch.buckets or find_boundaries(self._splits["train"].lengths, batch.bucket_count)

    def train(self, epoch: int, epochs: int = 1) -> tf.data.Dataset:
        """Batches of one epoch, or of `epochs` from it on: `(table, labels, weights)`.

        The same seed and epoch give the same batches. The table is a dict of int32 `[batch, nodes]`: `ids`, `parents`,
        `positions` and `depth`. Labels are int32 `[batch, nodes]`, weights float32 `[batch, nodes]`: 0 where there is
        padding, else 1.
        """
        trees = self._splits["train"]
        plans = (
            plan_epoch(trees.lengths, self.boundaries, self._batch, self._seed, number)
            for number in range(epoch, epoch + epochs)
        )
        return trees.dataset([batch for plan in plans for batch in plan])

    def dataset(self, split: str) -> tf.data.Dataset:
        """Batches of a split in the order of its file, in the form of `train`."""
        trees = self._splits[split]
        return trees.dataset(plan_in_order(trees.lengths, self.boundaries, self._batch))

    def word_counts(self) -> np.ndarray:
        """How often each word of the vocabulary occurs in the training trees, int64 `[words]`."""
        ids = self._splits["train"].nodes[:, 0]
        return np.bincount(ids[ids > 0], minlength=len(self.vocabulary))

    def root_labels(self, split: str) -> np.ndarray:
        """The class id of each tree of a split, int32 `[trees]`."""
        trees = self._splits[split]
        return trees.nodes[trees.offsets[:-1], len(COLUMNS)]


@dataclass(frozen=True)
class EncodedTrees:
    """The trees of one split, encoded, in memory.

    Attributes:
        nodes: int32 [all nodes, 5], the trees one after the other: the columns of a table, and the label.
        offsets: int64 [trees + 1]; tree n is nodes[offsets[n]:offsets[n + 1]].
    """

    nodes: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """int64 [trees], the number of nodes of each."""
        return np.diff(self.offsets)

    def dataset(self, batches: Sequence[Batch]) -> tf.data.Dataset:
        """The batches in their order, as `TreeData.train` describes them."""
        sizes = np.array([len(batch.rows) for batch in batches], np.int64)
        with tf.device("CPU"):
            nodes, offsets = tf.constant(self.nodes), tf.constant(self.offsets)
            rows = tf.constant(np.concatenate([np.zeros(0, np.int64), *(batch.rows for batch in batches)]), tf.int64)
            stops = tf.constant(np.cumsum(sizes), tf.int64)
            widths = tf.constant([batch.width for batch in batches], tf.int64)
            dataset = tf.data.Dataset.from_tensor_slices((stops - sizes, stops, widths))

        @tf.autograph.experimental.do_not_convert
        def gather(start, stop, width):
            chosen = rows[start:stop]
            places = tf.ragged.range(tf.gather(offsets, chosen), tf.gather(offsets, chosen + 1))
            ragged = places.with_values(tf.gather(nodes, places.values))
            table = ragged.to_tensor(tf.constant(_PADDING), shape=tf.stack([-1, width, len(_PADDING)]))
            *columns, labels = tf.unstack(table, axis=-1)
            weights = tf.cast(labels >= 0, tf.float32)
            return dict(zip(COLUMNS, columns, strict=True)), tf.maximum(labels, 0), weights

        return read_ahead(dataset, gather)


def load_trees(
    folder: str, config: TreeConfig, batch: BatchConfig, seed: int, splits: Sequence[str] = tuple(SPLITS)
) -> TreeData:
    """The trees of a folder with `train.txt`, `dev.txt` and `test.txt`, one tree in brackets a line.

    Args:
        folder: The folder.
        config: How trees become tables.
        batch: How tables become batches; the nodes of a tree count as its length.
        seed: Decides, with the epoch, the order of the training trees.
        splits: What to read; `train` has to be among it.

    Raises:
        DataError: A file is missing or a line is not a tree; the message names file and line.
    """
    read = {}
    for split in splits:
        path = existing_file(str(Path(folder) / SPLITS[split]), "--data.dir")
        read[split] = list(read_trees(path, DataConfig()))
        for tree in read[split]:
            if config.arity is not None and tree.arity > config.arity:
                raise DataError(
                    f"{tree.place}: a node has {tree.arity} children, but the model reads {config.arity} of a node: "
                    "raise arity, or take a model for any number of children"
                )
    return TreeData(read, config, batch, seed)


def find_labels(trees: Sequence[Tree]) -> list[str]:
    """All labels of the trees, numbers in their order, then the rest in that of the alphabet."""
    labels = {label for tree in trees for label in tree.labels}
    return sorted(labels, key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label))


def learn_vocabulary(trees: Sequence[Tree], config: TreeConfig) -> list[str]:
    """The words of the training trees, the most frequent first, after padding and unknown."""
    counts = Counter(_case(word, config) for tree in trees for word in tree.words if word)
    words = sorted((word for word, count in counts.items() if count >= config.min_count), key=lambda w: (-counts[w], w))
    return ["", UNKNOWN, *words]


def encode_trees(
    trees: Sequence[Tree], vocabulary: Sequence[str], labels: Sequence[str], config: TreeConfig
) -> EncodedTrees:
    """Trees as arrays."""
    word_ids = {word: index for index, word in enumerate(vocabulary)}
    label_ids = {label: index for index, label in enumerate(labels)}
    columns: list[list[int]] = [[], [], [], [], []]
    for tree in trees:
        columns[0] += [word_ids.get(_case(word, config), 1) if word else 0 for word in tree.words]
        columns[1] += tree.parents
        columns[2] += tree.positions
        columns[3] += tree.depth
        try:
            columns[4] += [label_ids[label] for label in tree.labels]
        except KeyError as error:
            raise DataError(f"{tree.place}: the label {error} is none of the training labels {list(labels)}") from None
    offsets = np.cumsum([0, *(len(tree.labels) for tree in trees)])
    return EncodedTrees(np.array(columns, np.int32).T.copy(), offsets.astype(np.int64))


def _case(word: str, config: TreeConfig) -> str:
    return word.lower() if config.lowercase else word

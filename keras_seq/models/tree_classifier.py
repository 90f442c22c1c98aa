"""Tree -> tree: one class for every node of a tree."""

import keras
from keras import ops, regularizers

from keras_seq.models.embedded_model import EmbeddedModel
from keras_seq.trees import Recursive


class _NodeMask(keras.layers.Layer):
    """Gives scores `[batch, nodes, classes]` the mask of their table.

    A mask that the model itself computed would be lost on JAX, where `fit` calls a model without `__call__`.
    """

    def call(self, scores_and_depth):
        """The scores, as they are."""
        return ops.copy(scores_and_depth[0])

    def compute_mask(self, scores_and_depth, mask=None):
        """Which nodes are not padding: `[batch, nodes]`."""
        return ops.greater_equal(scores_and_depth[1], 0)


@keras.saving.register_keras_serializable(package="keras_seq")
class TreeClassifier(EmbeddedModel):
    """Classify every node of a tree: word vectors, a tree cell, and one score a class for each node.

    The output carries a mask, so that a loss given to `compile` is the mean over all nodes that are not padding, and a
    metric such as accuracy counts those. The root is node 0: `model(table)[:, 0]` are the logits of whole trees.

    Args:
        vocabulary_size: Number of ids; id 0 is for nodes without a word and for padding.
        classes: Number of classes, at least 2. Two classes have two scores.
        cell: A `TreeCell`, such as `NaryTreeLSTMCell` or `TensorCell`.
        embedding_size: Size of a word vector. Defaults to the `input_size` that the cell asks for, else to `128`.
        inner_words: Whether nodes with children have words of their own, as in dependency trees. Defaults to `False`.
        word_dropout: Fraction of the words whose vectors are dropped while training. Defaults to `0.0`.
        embedding_dropout: Fraction of the components of word vectors that are dropped while training, each by itself.
            Defaults to `0.0`.
        output_dropout: Fraction of the components of the nodes' outputs that are dropped while training, before they
            are scored. Defaults to `0.0`.
        embeddings_regularizer: Regularizer of the word vectors.
        head_regularizer: Regularizer of the kernel that scores.
        seed: Optional seed of the dropouts.

    Call arguments:
        table: Dictionary of integer tensors `[batch, nodes]`: `ids`, the word of each node, and the `parents`,
            `positions` and `depth` of `Recursive`.
        training: Whether the model runs in training mode.

    Output shape:
        Logits, float32 `[batch, nodes, classes]`.

    Example:

    >>> table = {"ids": [[0, 7, 5]], "parents": [[-1, 0, 0]], "positions": [[0, 0, 1]], "depth": [[0, 1, 1]]}
    >>> table = {name: np.array(values) for name, values in table.items()}
    >>> keras_seq.TreeClassifier(10, 5, keras_seq.NaryTreeLSTMCell(16))(table).shape
    (1, 3, 5)
    """

    parts = ("cell",)

    def __init__(
        self,
        vocabulary_size,
        classes,
        cell,
        embedding_size=None,
        inner_words=False,
        word_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        embeddings_regularizer=None,
        head_regularizer=None,
        seed=None,
        **kwargs,
    ):
        size = getattr(cell, "input_size", 128) if embedding_size is None else embedding_size
        dropouts = (word_dropout, embedding_dropout, output_dropout)
        super().__init__(vocabulary_size, classes, size, {"cell": cell}, *dropouts, seed, **kwargs)
        self.inner_words = inner_words
        self.recursive = Recursive(cell, return_nodes=True, inner_inputs=inner_words, dtype=self.dtype_policy)
        self.node_mask = _NodeMask(dtype="float32")
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.head_regularizer = regularizers.get(head_regularizer)
        self.embedding.embeddings_regularizer = self.embeddings_regularizer
        self.head.kernel_regularizer = self.head_regularizer
        self.supports_masking = True

    def build(self, table_shape=None):
        """Build all parts."""
        self.embedding.build((None, None))
        self.recursive.build((None, None, self.embedding_size))
        self.head.build((None, None, self.cell.output_size))
        self.built = True

    def call(self, table, training=False):
        """Classify: a table of trees `[batch, nodes]` to logits `[batch, nodes, classes]`."""
        embedded = self.embed(table["ids"], training=training)
        # A node without a word has no input.
        embedded = embedded * ops.cast(ops.expand_dims(ops.not_equal(table["ids"], 0), -1), embedded.dtype)
        logits = self.score(self.recursive(embedded, tree=table), training=training)
        return self.node_mask([logits, table["depth"]])

    def compute_mask(self, table, mask=None):
        """Which nodes are not padding: `[batch, nodes]`."""
        return ops.greater_equal(table["depth"], 0)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {
            **super().get_config(),
            "inner_words": self.inner_words,
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "head_regularizer": regularizers.serialize(self.head_regularizer),
        }

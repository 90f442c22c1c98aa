"""Run a cell over trees."""

import keras
from keras import ops

from keras_seq.trees.levels import find_levels
from keras_seq.trees.loop import Steps, check_positions, compute_nodes
from keras_seq.trees.tree_cell import TreeCell

TABLE = ("parents", "positions", "depth")


@keras.saving.register_keras_serializable(package="keras_seq")
class Recursive(keras.layers.Layer):
    """Run a tree cell over a batch of trees, from the leaves to the roots.

    All nodes of one level of all trees are computed together, so that a batch takes as many steps as its deepest tree
    has levels, and its cost grows linearly with the number of nodes. Trees may have any shape and size.

    A batch of trees is a table with one row a tree and one column a node, node 0 being the root. It names the parent
    of each node and not its children, so that a node may have any number of them:

        tree         depth    node        0   1   2   3   4   5
             0         0      parents    -1   0   0   2   2  -1
            / \\                positions   0   0   1   0   1   0
           1   2       1      depth       0   1   1   2   2  -1
              / \\
             3   4     2      (column 5 is padding)

    Args:
        cell: A `TreeCell`, such as `NaryTreeLSTMCell`.
        return_nodes: Whether to return the outputs of all nodes, not only those of the roots. Defaults to `False`.
        inner_inputs: Whether nodes with children have inputs of their own, as in dependency trees. With `False` the
            inputs of leaves alone are looked at, which saves time where those of inner nodes are zero, as in
            constituency trees. Cells that read no inputs of inner nodes never look at them. Defaults to `True`.

    Call arguments:
        inputs: Tensor `[batch, nodes, features]`, such as the vector of each node's word, zero where it has none.
        tree: Dictionary of integer tensors `[batch, nodes]`: `parents`, the parent of each node (-1: none);
            `positions`, which child of its parent each node is, from 0; `depth`, how far from the root it is (-1:
            padding). Other entries are passed over.
        training: Whether the layer runs in training mode.

    Output shape:
        `[batch, nodes, output_size]` with `return_nodes`, zero where there is padding; else `[batch, output_size]`.

    Masking:
        What is padding, the table says; padded nodes and padded trees change nothing. Masks are passed over.

    Example:

    >>> tree = {"parents": [[-1, 0, 0, 2, 2, -1]], "positions": [[0, 0, 1, 0, 1, 0]], "depth": [[0, 1, 1, 2, 2, -1]]}
    >>> layer = keras_seq.Recursive(keras_seq.NaryTreeLSTMCell(4), return_nodes=True)
    >>> layer(np.random.random((1, 6, 8)), tree).shape
    (1, 6, 4)
    """

    def __init__(self, cell, return_nodes=False, inner_inputs=True, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, TreeCell):
            raise ValueError(f"Argument `cell` must be a `TreeCell`. Received: {cell!r}")
        self.cell = cell
        self.return_nodes = return_nodes
        self.inner_inputs = inner_inputs
        self.supports_masking = True
        # How many nodes a level has is known at run time only; on JAX the loop is written so that it need not be known.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    @property
    def output_size(self) -> int:
        """Size of the cell's output."""
        return self.cell.output_size

    def build(self, inputs_shape, tree_shape=None):
        """Build the cell for inputs `[batch, nodes, features]`."""
        if len(inputs_shape) != 3:
            raise ValueError(f"Expected inputs of shape [batch, nodes, features]. Received: shape={inputs_shape}")
        if not self.cell.built:
            self.cell.build((None, inputs_shape[-1]))
        self.built = True

    def call(self, inputs, tree, training=False):
        """Run the cell over the trees."""
        outputs = self.run(inputs, tree, training)[0]
        return outputs if self.return_nodes else outputs[:, 0]

    def run(self, inputs, tree, training=False):
        """The list of all states of all nodes, each `[batch, nodes, state_size]`; the first one is the output."""
        if not isinstance(tree, dict) or not set(TABLE) <= set(tree):
            given = sorted(tree) if isinstance(tree, dict) else tree
            raise ValueError(f"Argument `tree` must be a dictionary with {', '.join(TABLE)}. Received: {given}")
        parents, positions, depth = (ops.cast(tree[name], "int32") for name in TABLE)
        if self.cell.arity is not None:
            positions = check_positions(positions, self.cell.arity)
        levels = find_levels(parents, positions, depth)
        batch, nodes, features = ops.shape(inputs)[0], ops.shape(inputs)[1], inputs.shape[-1]
        inputs = ops.reshape(ops.cast(inputs, self.compute_dtype), (-1, features))
        steps = Steps(self.cell, self.inner_inputs and self.cell.reads_inner_inputs, training)
        return [
            ops.reshape(ops.take(states, levels.row, axis=0), (batch, nodes, states.shape[-1]))
            for states in compute_nodes(steps, inputs, levels)
        ]

    def compute_mask(self, inputs, mask=None):
        """There is none: a table of trees has no steps."""

    def compute_output_shape(self, inputs_shape, tree_shape=None):
        """Shape of the output."""
        batch, nodes = inputs_shape[0], inputs_shape[1]
        return (batch, nodes, self.output_size) if self.return_nodes else (batch, self.output_size)

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "return_nodes": self.return_nodes,
            "inner_inputs": self.inner_inputs,
        }

    @classmethod
    def from_config(cls, config):
        """Build the layer that `get_config` describes."""
        config = dict(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**config)

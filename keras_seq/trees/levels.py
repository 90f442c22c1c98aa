"""Which nodes of a batch of trees can be computed together."""

from typing import Any, NamedTuple

from keras import ops


class Levels(NamedTuple):
    """The nodes of a batch, all trees in one, in the order in which they are computed.

    First come the inner nodes, level by level, from the deepest level up to the roots; then the leaves, those that are
    a whole tree last; then the padding. A level holds the inner nodes of one depth, so that what its nodes need of
    other inner nodes lies in the level just before it. `cells` is batch * nodes.

    Attributes:
        order: `[cells]`, which cell of the table stands in each row.
        row: `[cells]`, in which row each cell of the table stands.
        parent: `[cells]`, the row of the parent of the node of each row; `cells` for roots and padding.
        position: `[cells]`, which child of its parent it is.
        starts: `[nodes + 1]`, the first row of each level; after the last level, the number of inner nodes.
        count: Number of levels.
        inner: Number of inner nodes.
        leaves: Number of leaves that have a parent.
        lone: Number of leaves that are a whole tree.
    """

    order: Any
    row: Any
    parent: Any
    position: Any
    starts: Any
    count: Any
    inner: Any
    leaves: Any
    lone: Any


def find_levels(parents, positions, depth) -> Levels:
    """The levels of a batch of trees, from integer tensors `[batch, nodes]`.

    Args:
        parents: The node that is the parent of each node, negative for roots and padding.
        positions: Which child of its parent each node is, from 0.
        depth: How far from its root each node is, from 0; negative for padding.
    """
    parents, positions, depth = (ops.cast(values, "int32") for values in (parents, positions, depth))
    batch, nodes = ops.shape(depth)[0], ops.shape(depth)[1]
    cells = batch * nodes
    first = ops.expand_dims(ops.arange(batch, dtype="int32") * nodes, axis=1)
    has_parent = ops.logical_and(parents >= 0, depth >= 0)
    parents = ops.reshape(ops.where(has_parent, parents + first, cells), (-1,))
    depth = ops.reshape(depth, (-1,))
    children = ops.segment_sum(ops.ones_like(depth), parents, num_segments=cells + 1)[:-1]
    is_inner = children > 0
    deepest = ops.max(ops.where(is_inner, depth, -1), initial=-1)
    other = ops.where(depth > 0, nodes, ops.where(depth == 0, nodes + 1, nodes + 2))
    level = ops.where(is_inner, deepest - depth, other)
    order = ops.argsort(level)
    numbers = ops.arange(cells, dtype="int32")
    row = ops.scatter(ops.expand_dims(order, axis=1), numbers, (cells,))
    sizes = ops.segment_sum(ops.ones_like(level), level, num_segments=nodes + 3)
    starts = ops.cumsum(ops.concatenate([ops.zeros((1,), dtype="int32"), sizes[:-3]]))
    row_or_none = ops.concatenate([row, ops.reshape(cells, (1,))])
    return Levels(
        order=order,
        row=row,
        parent=ops.take(row_or_none, ops.take(parents, order)),
        position=ops.take(ops.reshape(positions, (-1,)), order),
        starts=starts,
        count=deepest + 1,
        inner=ops.sum(sizes[:-3]),
        leaves=sizes[-3],
        lone=sizes[-2],
    )

"""The loop over the levels of a batch of trees, on every backend."""

import keras
from keras import ops

from keras_seq.trees.tree_cell import TreeCell


class Steps:
    """The two halves of a cell's step, as functions of lists of tensors alone.

    Args:
        cell: A built `TreeCell`.
        has_inputs: Whether inner nodes have projected inputs, the first element of the lists `rows`.
        training: Whether inner nodes have noise, if the cell has some: the last element of the lists `rows`.
    """

    def __init__(self, cell, has_inputs, training=False):
        self.cell = cell
        self.has_inputs = has_inputs
        self.has_noise = training and cell.is_noisy
        weights = cell.step_weights()
        self.given = [weight is not None for weight in weights]
        self.weights = [weight for weight in weights if weight is not None]
        self.sends_states = type(cell).message is TreeCell.message

    def compose(self, rows, messages, weights):
        """States of inner nodes."""
        options = {"noise": rows[-1]} if self.has_noise else {}
        projected = rows[0] if self.has_inputs else None
        return list(self.cell.compose(projected, messages, self._all(weights), **options))

    def message(self, states, rows_of_parents, weights):
        """Messages of nodes to their parents."""
        projected = rows_of_parents[0] if self.has_inputs else None
        return list(self.cell.message(states, projected, self._all(weights)))

    def rows(self, inputs, nodes):
        """What is known of inner nodes beforehand: inputs `[cells, features]`, and the cells in which they stand."""
        rows = [self.cell.project_inputs(ops.take(inputs, nodes, axis=0))] if self.has_inputs else []
        return [*rows, self.cell.noise(ops.shape(nodes)[0])] if self.has_noise else rows

    def leaf(self, projected, weights):
        """States of leaves."""
        return list(self.cell.leaf(projected, self._all(weights)))

    def _all(self, weights):
        remaining = iter(weights)
        return [next(remaining) if given else None for given in self.given]


def compute_nodes(steps, inputs, levels):
    """Compute the states of all nodes.

    Args:
        steps: The `Steps` of a cell.
        inputs: Tensor `[cells, features]`, the inputs of each cell of the table.
        levels: The `Levels` of the batch.

    Returns:
        List of tensors `[cells, state_size]` in the order of the rows of `levels`, zero where there is padding.
    """
    if keras.backend.backend() == "jax":
        from keras_seq.trees.loop_jax import compute_nodes as compute

        return compute(steps, inputs, levels)
    cell, weights = steps.cell, steps.weights
    inner, attached, lone = levels.inner, levels.leaves, levels.lone
    if keras.backend.backend() != "tensorflow":
        inner, attached, lone = int(inner), int(attached), int(lone)
    nodes = inner + attached + lone
    leaf_inputs = ops.take(inputs, levels.order[inner:nodes], axis=0)
    leaf_states = steps.leaf(cell.project_inputs(leaf_inputs), weights)
    rows = steps.rows(inputs, levels.order[:inner])
    parent = levels.parent[inner : inner + attached]
    place = parent * cell.places + (0 if cell.arity is None else levels.position[inner : inner + attached])
    of_parents = [ops.take(row, parent, axis=0) for row in rows]
    sent = steps.message([state[:attached] for state in leaf_states], of_parents, weights)
    messages = [add_up(message, place, inner, cell.places) for message in sent]
    if keras.backend.backend() == "tensorflow":
        from keras_seq.trees.loop_tensorflow import run_levels
    else:
        run_levels = _write_out
    inner_states = run_levels(steps, weights, rows, messages, levels)
    padding = ops.shape(inputs)[0] - nodes
    return [
        ops.concatenate([inner_part, leaf_part, ops.zeros((padding, leaf_part.shape[-1]), dtype=leaf_part.dtype)])
        for inner_part, leaf_part in zip(inner_states, leaf_states, strict=True)
    ]


def _write_out(steps, weights, rows, messages, levels):
    """Compute the inner nodes, level by level, in a loop in Python: where tensors have values, as on PyTorch.

    Args:
        steps: The `Steps` of a cell.
        weights: Its weights, a list of tensors.
        rows: List of tensors `[inner, ...]`, what is known of each inner node before the loop.
        messages: List of tensors `[inner, places, size]`: what inner nodes hear from those children that are leaves.
        levels: The `Levels` of the batch.

    Returns:
        List of tensors `[inner, state_size]`.
    """
    count = int(levels.count)
    starts = [int(start) for start in ops.convert_to_numpy(levels.starts)[: count + 1]]
    if not count:
        return [ops.zeros((0, size), dtype=messages[0].dtype) for size in steps.cell.state_sizes]
    # The gradient of one split costs less than those of a slice a level.
    rows, messages = (
        [ops.split(tensor, starts[1:-1]) if count > 1 else [tensor] for tensor in tensors]
        for tensors in (rows, messages)
    )
    place = levels.parent * steps.cell.places + (0 if steps.cell.arity is None else levels.position)
    states: list = []
    below: list = []
    for level in range(count):
        start, stop = starts[level], starts[level + 1]
        here = [row[level] for row in rows]
        received = [message[level] for message in messages]
        if level:
            first = starts[level - 1]
            of_parents = [ops.take(row, levels.parent[first:start] - start, axis=0) for row in here]
            received = [
                leaves + add_up(sent, place[first:start] - start * steps.cell.places, stop - start, steps.cell.places)
                for leaves, sent in zip(received, steps.message(below, of_parents, weights), strict=True)
            ]
        below = steps.compose(here, received, weights)
        states.append(below)
    return [ops.concatenate(parts) for parts in zip(*states, strict=True)]


def check_positions(positions, arity):
    """The positions, after a check that no node has more children than `arity`.

    On JAX nothing can be checked inside of a compiled function; children too many are left out there.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from keras_seq.trees.loop_tensorflow import executing_eagerly, with_checked_positions

        if not executing_eagerly():
            return with_checked_positions(positions, arity)
    elif backend == "jax":
        import jax

        if isinstance(positions, jax.core.Tracer):
            return positions
    greatest = int(ops.max(positions)) if all(positions.shape) else -1
    if greatest >= arity:
        raise ValueError(f"The cell reads {arity} children of a node. Received: a child at position {greatest}")
    return positions


def add_up(messages, target, nodes, places):
    """Messages `[senders, size]` in their places, `[nodes, places, size]`."""
    size = messages.shape[-1]
    if keras.backend.backend() == "torch":  # there `segment_sum` is slow, and fails where there is nothing to add up
        summed = messages.new_zeros((nodes * places, size)).index_add(0, target, messages)
    else:
        summed = ops.segment_sum(messages, target, num_segments=nodes * places)
    return ops.reshape(summed, (nodes, places, size))

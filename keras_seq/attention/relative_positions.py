"""Relative positions: what an attention knows of the distance between a query and a step of the memory.

Shaw et al. (2018), "Self-Attention with Relative Position Representations":

    e_ij = q_i . (k_j + K[d_ij]) / sqrt(size)
    c_i  = sum over j of a_ij (v_j + V[d_ij])
    d_ij = the distance j - i, at least -max_distance and at most max_distance

The tables `K` and `V` have a row for each of the `2 * max_distance + 1` distances, and all heads share them. A product
with each row is computed once and then chosen by the distance, so that no tensor has the size of time x time x size.
"""

from keras import ops


def relative_rows(query_places, memory_places, max_distance):
    """The row of the tables for each query and each step of the memory.

    Args:
        query_places: Integer tensor `[time]` or `[batch, time]`.
        memory_places: Integer tensor `[memory_time]` or `[batch, memory_time]`.
        max_distance: Positive integer.

    Returns:
        Integer tensor `[1 or batch, time, memory_time]`.
    """
    distance = ops.expand_dims(memory_places, -2) - ops.expand_dims(query_places, -1)
    rows = ops.clip(distance, -max_distance, max_distance) + max_distance
    return rows if len(rows.shape) == 3 else ops.expand_dims(rows, 0)


def relative_scores(query, table, rows):
    """Products of queries `[batch, heads, time, size]` with rows of a table: `[batch, heads, time, memory_time]`."""
    products = ops.matmul(query, ops.transpose(table))  # [batch, heads, time, distances]
    shape = (*ops.shape(products)[:3], ops.shape(rows)[2])
    return ops.take_along_axis(products, ops.broadcast_to(ops.expand_dims(rows, 1), shape), axis=-1)


def relative_context(weights, table, rows):
    """The sum of rows of a table by weights `[batch, heads, time, memory_time]`: `[batch, heads, time, size]`."""
    chosen = ops.one_hot(rows, table.shape[0], dtype=weights.dtype)  # [1 or batch, time, memory_time, distances]
    weights = ops.matmul(ops.swapaxes(weights, 1, 2), chosen)  # [batch, time, heads, distances]
    return ops.swapaxes(ops.matmul(weights, table), 1, 2)

"""Cutting against Python slices."""

import numpy as np
import pytest
import tensorflow as tf

from pipelines.text import cut


def python_cut(row, max_length, over_long, head_share):
    if max_length is None or len(row) <= max_length:
        return row
    head = {"head": max_length, "refuse": max_length, "tail": 0, "head_tail": round(max_length * head_share)}[over_long]
    return row[:head] + row[len(row) - (max_length - head) :]


@pytest.mark.parametrize("over_long", ["head", "tail", "head_tail", "refuse"])
@pytest.mark.parametrize("max_length", [1, 2, 7, 10, None])
@pytest.mark.parametrize("head_share", [0.0, 0.25, 1.0])
def test_rows_are_cut_like_slices(over_long, max_length, head_share):
    rows = [list(range(1, length + 1)) for length in (0, 1, 2, 6, 7, 8, 30, 0)]
    expected = [python_cut(row, max_length, over_long, head_share) for row in rows]
    ragged = tf.ragged.constant(rows, tf.int32, ragged_rank=1)
    assert cut(ragged, max_length, over_long, head_share).to_list() == expected
    texts = ragged.with_values(tf.strings.as_string(ragged.values))
    assert cut(texts, max_length, over_long, head_share).to_list() == [[b"%d" % i for i in row] for row in expected]


def test_cutting_works_in_a_graph_and_without_rows():
    graph = tf.function(
        lambda ragged: cut(ragged, 3, "head_tail", 0.5), input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)]
    )
    assert graph(tf.ragged.constant([[1, 2, 3, 4, 5, 6]], tf.int32)).to_list() == [[1, 2, 5 + 1]]
    assert graph(tf.RaggedTensor.from_row_lengths(np.zeros(0, np.int32), np.zeros(0, np.int64))).to_list() == []

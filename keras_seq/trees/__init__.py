"""Recursive networks over batches of trees."""

from keras_seq.trees.child_sum_tree_lstm_cell import ChildSumTreeLSTMCell
from keras_seq.trees.matrix_vector_cell import MatrixVectorCell
from keras_seq.trees.nary_tree_lstm_cell import NaryTreeLSTMCell
from keras_seq.trees.recursive import Recursive
from keras_seq.trees.recursive_cell import RecursiveCell
from keras_seq.trees.tensor_cell import TensorCell
from keras_seq.trees.tree_cell import TreeCell

__all__ = [
    "ChildSumTreeLSTMCell",
    "MatrixVectorCell",
    "NaryTreeLSTMCell",
    "Recursive",
    "RecursiveCell",
    "TensorCell",
    "TreeCell",
]

"""Recurrent cells: one step of a recurrence, one file a cell."""

from keras_seq.cells.cell import RecurrentCell
from keras_seq.cells.coupled_lstm import CoupledLSTMCell
from keras_seq.cells.elman import ElmanCell
from keras_seq.cells.esn import ESNCell
from keras_seq.cells.gru import GRUCell
from keras_seq.cells.indrnn import IndRNNCell
from keras_seq.cells.irnn import IRNNCell
from keras_seq.cells.layer_norm_elman import LayerNormElmanCell, LayerNormSimpleRNNCell
from keras_seq.cells.layer_norm_gru import LayerNormGRUCell
from keras_seq.cells.layer_norm_lstm import LayerNormLSTMCell
from keras_seq.cells.lstm import LSTMCell
from keras_seq.cells.mgu import MGUCell
from keras_seq.cells.nas import NASCell
from keras_seq.cells.peephole_lstm import PeepholeLSTMCell
from keras_seq.cells.projected_lstm import ProjectedLSTMCell

__all__ = [
    "CoupledLSTMCell",
    "ESNCell",
    "ElmanCell",
    "GRUCell",
    "IRNNCell",
    "IndRNNCell",
    "LSTMCell",
    "LayerNormElmanCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "MGUCell",
    "NASCell",
    "PeepholeLSTMCell",
    "ProjectedLSTMCell",
    "RecurrentCell",
]

"""Recurrent cells: one step of a recurrence, one file a cell."""

from keras_seq.cells.cell import RecurrentCell
from keras_seq.cells.clockwork import ClockworkCell
from keras_seq.cells.coupled_lstm import CoupledLSTMCell
from keras_seq.cells.elman import ElmanCell
from keras_seq.cells.esn import ESNCell
from keras_seq.cells.gru import GRUCell
from keras_seq.cells.higher_order import HigherOrderCell
from keras_seq.cells.indrnn import IndRNNCell
from keras_seq.cells.irnn import IRNNCell
from keras_seq.cells.jordan import JordanCell
from keras_seq.cells.layer_norm_elman import LayerNormElmanCell, LayerNormSimpleRNNCell
from keras_seq.cells.layer_norm_gru import LayerNormGRUCell
from keras_seq.cells.layer_norm_lstm import LayerNormLSTMCell
from keras_seq.cells.leaky import LeakyCell
from keras_seq.cells.learned_initial_state import LearnedInitialStateCell
from keras_seq.cells.linear_cell import LinearCell
from keras_seq.cells.lstm import LSTMCell
from keras_seq.cells.mgu import MGUCell
from keras_seq.cells.min_gru import MinGRUCell
from keras_seq.cells.min_lstm import MinLSTMCell
from keras_seq.cells.mlstm import MLSTMCell
from keras_seq.cells.nas import NASCell
from keras_seq.cells.peephole_lstm import PeepholeLSTMCell
from keras_seq.cells.projected_lstm import ProjectedLSTMCell
from keras_seq.cells.qrnn import QRNNCell
from keras_seq.cells.residual import ResidualCell
from keras_seq.cells.skip_through_time import SkipThroughTimeCell
from keras_seq.cells.slstm import SLSTMCell
from keras_seq.cells.sru import SRUCell
from keras_seq.cells.variational_dropout import VariationalDropoutCell
from keras_seq.cells.wrapper_cell import WrapperCell
from keras_seq.cells.zoneout import ZoneoutCell

__all__ = [
    "ClockworkCell",
    "CoupledLSTMCell",
    "ESNCell",
    "ElmanCell",
    "GRUCell",
    "HigherOrderCell",
    "IRNNCell",
    "IndRNNCell",
    "JordanCell",
    "LSTMCell",
    "LayerNormElmanCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "LeakyCell",
    "LearnedInitialStateCell",
    "LinearCell",
    "MGUCell",
    "MLSTMCell",
    "MinGRUCell",
    "MinLSTMCell",
    "NASCell",
    "PeepholeLSTMCell",
    "ProjectedLSTMCell",
    "QRNNCell",
    "RecurrentCell",
    "ResidualCell",
    "SLSTMCell",
    "SRUCell",
    "SkipThroughTimeCell",
    "VariationalDropoutCell",
    "WrapperCell",
    "ZoneoutCell",
]

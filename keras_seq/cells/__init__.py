"""Recurrent cells: one step of a recurrence, one file a cell."""

from keras_seq.cells.cell import RecurrentCell
from keras_seq.cells.elman import ElmanCell
from keras_seq.cells.gru import GRUCell
from keras_seq.cells.lstm import LSTMCell

__all__ = ["ElmanCell", "GRUCell", "LSTMCell", "RecurrentCell"]

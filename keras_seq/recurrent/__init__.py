"""Running a cell along time."""

from keras_seq.recurrent.bidirectional import Bidirectional
from keras_seq.recurrent.esn import ESN
from keras_seq.recurrent.recurrent import Recurrent
from keras_seq.recurrent.segmented import Segmented
from keras_seq.recurrent.sliced import Sliced
from keras_seq.recurrent.stacked import Stacked

__all__ = ["ESN", "Bidirectional", "Recurrent", "Segmented", "Sliced", "Stacked"]

"""keras-seq: sequence layers and models for Keras 3, on TensorFlow, JAX and PyTorch."""

from keras_seq.cells import ElmanCell, GRUCell, LSTMCell, RecurrentCell
from keras_seq.models import SequenceClassifier
from keras_seq.pooling import AttentivePooling, ConcatenatedPooling, LastPooling, MaxPooling, MeanPooling
from keras_seq.recurrent import Bidirectional, Recurrent, Segmented, Stacked

__version__ = "0.1.0"

__all__ = [
    "AttentivePooling",
    "Bidirectional",
    "ConcatenatedPooling",
    "ElmanCell",
    "GRUCell",
    "LSTMCell",
    "LastPooling",
    "MaxPooling",
    "MeanPooling",
    "Recurrent",
    "RecurrentCell",
    "Segmented",
    "SequenceClassifier",
    "Stacked",
]

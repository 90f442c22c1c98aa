"""keras-seq: sequence layers and models for Keras 3, on TensorFlow, JAX and PyTorch."""

from keras_seq.cells import (
    CoupledLSTMCell,
    ElmanCell,
    ESNCell,
    GRUCell,
    IndRNNCell,
    IRNNCell,
    LayerNormElmanCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormSimpleRNNCell,
    LSTMCell,
    MGUCell,
    NASCell,
    PeepholeLSTMCell,
    ProjectedLSTMCell,
    RecurrentCell,
)
from keras_seq.models import SequenceClassifier
from keras_seq.pooling import AttentivePooling, ConcatenatedPooling, LastPooling, MaxPooling, MeanPooling
from keras_seq.recurrent import ESN, Bidirectional, Recurrent, Segmented, Sliced, Stacked

__version__ = "0.1.0"

__all__ = [
    "AttentivePooling",
    "Bidirectional",
    "ConcatenatedPooling",
    "CoupledLSTMCell",
    "ESN",
    "ESNCell",
    "ElmanCell",
    "GRUCell",
    "IRNNCell",
    "IndRNNCell",
    "LSTMCell",
    "LastPooling",
    "LayerNormElmanCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormSimpleRNNCell",
    "MGUCell",
    "MaxPooling",
    "MeanPooling",
    "NASCell",
    "PeepholeLSTMCell",
    "ProjectedLSTMCell",
    "Recurrent",
    "RecurrentCell",
    "Segmented",
    "SequenceClassifier",
    "Sliced",
    "Stacked",
]

"""From all steps of a sequence to one vector."""

from keras_seq.pooling.attentive import AttentivePooling
from keras_seq.pooling.concatenated import ConcatenatedPooling
from keras_seq.pooling.last import LastPooling
from keras_seq.pooling.max import MaxPooling
from keras_seq.pooling.mean import MeanPooling

__all__ = ["AttentivePooling", "ConcatenatedPooling", "LastPooling", "MaxPooling", "MeanPooling"]

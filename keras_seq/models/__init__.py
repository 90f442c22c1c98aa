"""The topologies: whole models over any cell."""

from keras_seq.models.sequence_classifier import SequenceClassifier

__all__ = ["SequenceClassifier"]

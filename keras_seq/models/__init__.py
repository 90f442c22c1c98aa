"""The topologies: whole models over any cell."""

from keras_seq.models.sequence_classifier import SequenceClassifier
from keras_seq.models.sequence_tagger import SequenceTagger
from keras_seq.models.tree_classifier import TreeClassifier
from keras_seq.models.vector_to_sequence import VectorToSequence

__all__ = ["SequenceClassifier", "SequenceTagger", "TreeClassifier", "VectorToSequence"]

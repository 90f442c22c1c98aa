"""The topologies: whole models over any cell."""

from keras_seq.models.cached_language_model import CachedLanguageModel
from keras_seq.models.continuous_cache import ContinuousCache
from keras_seq.models.decoder import Decoder
from keras_seq.models.encoder_decoder import EncoderDecoder
from keras_seq.models.language_model import LanguageModel
from keras_seq.models.memory import Memory
from keras_seq.models.ngram_scores import NgramScores
from keras_seq.models.recurrent_decoder import RecurrentDecoder
from keras_seq.models.sequence_classifier import SequenceClassifier
from keras_seq.models.sequence_tagger import SequenceTagger
from keras_seq.models.transformer_decoder import TransformerDecoder
from keras_seq.models.transformer_encoder import TransformerEncoder
from keras_seq.models.tree_classifier import TreeClassifier
from keras_seq.models.vector_to_sequence import VectorToSequence

__all__ = [
    "CachedLanguageModel",
    "ContinuousCache",
    "Decoder",
    "EncoderDecoder",
    "LanguageModel",
    "Memory",
    "NgramScores",
    "RecurrentDecoder",
    "SequenceClassifier",
    "SequenceTagger",
    "TransformerDecoder",
    "TransformerEncoder",
    "TreeClassifier",
    "VectorToSequence",
]

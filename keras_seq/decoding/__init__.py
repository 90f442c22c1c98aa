"""From a step function to sequences: strategies, constraints and one loop."""

from keras_seq.decoding.adjustable_sampling import AdjustableSampling
from keras_seq.decoding.beam_search import BeamSearch
from keras_seq.decoding.constraint import Constraint, Position
from keras_seq.decoding.decode import decode
from keras_seq.decoding.decoded import Decoded
from keras_seq.decoding.diverse_beam_search import DiverseBeamSearch
from keras_seq.decoding.ensemble import Ensemble, ensemble
from keras_seq.decoding.forbidden_tokens import ForbiddenTokens
from keras_seq.decoding.forced_prefix import ForcedPrefix
from keras_seq.decoding.greedy import Greedy
from keras_seq.decoding.length_penalty import PowerLengthPenalty, WuLengthPenalty
from keras_seq.decoding.maximum_length import MaximumLength
from keras_seq.decoding.minimum_length import MinimumLength
from keras_seq.decoding.ngram_blocking import NGramBlocking
from keras_seq.decoding.repetition_penalty import RepetitionPenalty
from keras_seq.decoding.sampler import Sampler
from keras_seq.decoding.sampling import Sampling
from keras_seq.decoding.strategy import Choice, Context, Strategy
from keras_seq.decoding.top_k_sampling import TopKSampling
from keras_seq.decoding.top_p_sampling import TopPSampling

__all__ = [
    "AdjustableSampling",
    "BeamSearch",
    "Choice",
    "Constraint",
    "Context",
    "Decoded",
    "DiverseBeamSearch",
    "Ensemble",
    "ForbiddenTokens",
    "ForcedPrefix",
    "Greedy",
    "MaximumLength",
    "MinimumLength",
    "NGramBlocking",
    "Position",
    "PowerLengthPenalty",
    "RepetitionPenalty",
    "Sampler",
    "Sampling",
    "Strategy",
    "TopKSampling",
    "TopPSampling",
    "WuLengthPenalty",
    "decode",
    "ensemble",
]

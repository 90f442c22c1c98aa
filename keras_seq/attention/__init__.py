"""Attention: where to look in a memory, and what is seen there."""

from keras_seq.attention.additive import AdditiveAttention
from keras_seq.attention.attention import Attention
from keras_seq.attention.attention_cell import AttentionCell
from keras_seq.attention.content import ContentAttention
from keras_seq.attention.coverage import CoverageAttention, coverage_loss
from keras_seq.attention.learned_positions import LearnedPositions
from keras_seq.attention.local import LocalAttention
from keras_seq.attention.location_aware import LocationAwareAttention
from keras_seq.attention.monotonic import MonotonicAttention
from keras_seq.attention.multi_head import MultiHeadAttention
from keras_seq.attention.multiplicative import MultiplicativeAttention
from keras_seq.attention.scaled_dot_product import ScaledDotProductAttention
from keras_seq.attention.sinusoidal_positions import SinusoidalPositions, sinusoids

__all__ = [
    "AdditiveAttention",
    "Attention",
    "AttentionCell",
    "ContentAttention",
    "CoverageAttention",
    "LearnedPositions",
    "LocalAttention",
    "LocationAwareAttention",
    "MonotonicAttention",
    "MultiHeadAttention",
    "MultiplicativeAttention",
    "ScaledDotProductAttention",
    "SinusoidalPositions",
    "coverage_loss",
    "sinusoids",
]

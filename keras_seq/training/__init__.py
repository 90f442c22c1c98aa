"""Training: steps over streams, and what is logged of gradients."""

from keras_seq.training.gradient_monitor import GradientMonitor
from keras_seq.training.truncated_bptt import TruncatedBPTT

__all__ = ["GradientMonitor", "TruncatedBPTT"]

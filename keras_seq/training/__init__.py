"""Training: losses and metrics over valid tokens, schedules, steps over streams, averages of weights."""

from keras_seq.training.bits_per_character import BitsPerCharacter
from keras_seq.training.checkpoint_averaging import average_checkpoints
from keras_seq.training.cross_entropy import SequenceCrossEntropy, cross_entropy
from keras_seq.training.gradient_monitor import GradientMonitor
from keras_seq.training.inverse_square_root_schedule import InverseSquareRootSchedule
from keras_seq.training.noam_schedule import NoamSchedule
from keras_seq.training.output_cross_entropy import output_cross_entropy
from keras_seq.training.perplexity import Perplexity
from keras_seq.training.sampled_softmax import Candidates, draw_candidates, log_uniform_probabilities, sampled_softmax
from keras_seq.training.sampled_softmax_training import SampledSoftmaxTraining
from keras_seq.training.scheduled_sampling import ScheduledSampling
from keras_seq.training.sequence_accuracy import SequenceAccuracy
from keras_seq.training.squared_reconstruction_error import SquaredReconstructionError, squared_error
from keras_seq.training.symmetric_divergence import symmetric_divergence
from keras_seq.training.token_accuracy import TokenAccuracy
from keras_seq.training.truncated_bptt import TruncatedBPTT

__all__ = [
    "BitsPerCharacter",
    "Candidates",
    "GradientMonitor",
    "InverseSquareRootSchedule",
    "NoamSchedule",
    "Perplexity",
    "SampledSoftmaxTraining",
    "ScheduledSampling",
    "SequenceAccuracy",
    "SequenceCrossEntropy",
    "SquaredReconstructionError",
    "TokenAccuracy",
    "TruncatedBPTT",
    "average_checkpoints",
    "cross_entropy",
    "draw_candidates",
    "log_uniform_probabilities",
    "output_cross_entropy",
    "sampled_softmax",
    "squared_error",
    "symmetric_divergence",
]

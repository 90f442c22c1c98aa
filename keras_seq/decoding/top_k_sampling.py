"""Sampling from the k most probable tokens."""

import keras

from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.rows import take_entry
from keras_seq.decoding.sampling import Sampling, draw_from, weights_of
from keras_seq.decoding.strategy import check_positive


@keras.saving.register_keras_serializable(package="keras_seq")
class TopKSampling(Sampling):
    """Tokens drawn from the `k` most probable ones (Fan et al. 2018, "Hierarchical Neural Story Generation").

    Of equally probable ones those with the lower ids count.

    Args:
        k: Number of tokens to draw from.
        temperature: Divides the logits. Defaults to `1.0`.
        sequences: Number of sequences a row of the batch, each drawn by itself. Defaults to `1`.
    """

    def __init__(self, k, temperature=1.0, sequences=1):
        super().__init__(temperature, sequences)
        self.k = check_positive("k", k)

    def draw(self, logits, noise):
        """A token of the `k` with the largest logits."""
        values, ids = top_candidates(logits, min(self.k, logits.shape[-1]))
        return take_entry(ids, draw_from(weights_of(self.tempered(values)), noise))

    def get_config(self):
        """Return the arguments that build this sampler again."""
        return {**super().get_config(), "k": self.k}

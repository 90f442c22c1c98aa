"""Sampling from the whole distribution, with a temperature."""

import keras
from keras import ops

from keras_seq.decoding.rows import largest, take_entry
from keras_seq.decoding.sampler import Sampler
from keras_seq.decoding.strategy import check_positive

BLOCK = 64


@keras.saving.register_keras_serializable(package="keras_seq")
class Sampling(Sampler):
    """Tokens drawn at random, with probabilities `softmax(logits / temperature)`.

    The scores are the log-probabilities at temperature 1.

    Args:
        temperature: Below 1 the probable tokens become more probable, above 1 less. Defaults to `1.0`.
        sequences: Number of sequences a row of the batch, each drawn by itself. Defaults to `1`.

    Example:

    >>> strategy = Sampling(temperature=0.8)
    >>> decoded = decode(step, state, 1, end_token=2, max_length=50, strategy=strategy, seed=7)
    """

    def __init__(self, temperature=1.0, sequences=1):
        super().__init__(sequences)
        self.temperature = check_positive("temperature", temperature, float)

    def draw(self, logits, noise):
        """A token of the whole vocabulary."""
        return draw_from(weights_of(self.tempered(logits)), noise)

    def tempered(self, logits):
        """The logits divided by the temperature."""
        return logits if self.temperature == 1 else logits / self.temperature

    def get_config(self):
        """Return the arguments that build this sampler again."""
        return {**super().get_config(), "temperature": self.temperature}


def weights_of(logits):
    """Weights in proportion to the probabilities, the largest of them 1."""
    return ops.exp(logits - largest(logits, keepdims=True))


def draw_from(weights, noise):
    """The place at which the running sum of the weights passes the fraction `noise` of their total.

    Args:
        weights: float32 `[batch, width, n]`, not negative; what has no weight is never drawn.
        noise: float32 `[batch, width]`, uniform from 0 to below 1.

    Returns:
        int32 `[batch, width]`.
    """
    size = weights.shape[-1]
    if size <= 4 * BLOCK:
        sums = ops.cumsum(weights, axis=-1)
        return _place(sums, noise * sums[:, :, -1])
    # A running sum over a whole vocabulary is slow: find the block first, then the place in it.
    width, blocks = weights.shape[1], -(-size // BLOCK)
    if size % BLOCK:
        weights = ops.pad(weights, ((0, 0), (0, 0), (0, blocks * BLOCK - size)))
    weights = ops.reshape(weights, (-1, width, blocks, BLOCK))
    sums = ops.cumsum(ops.sum(weights, axis=-1), axis=-1)
    target = noise * sums[:, :, -1]
    block = _place(sums, target)
    before = take_entry(sums, ops.maximum(block - 1, 0)) * ops.cast(block > 0, "float32")
    inside = ops.cumsum(take_entry(weights, block), axis=-1)
    # Rounding must not lead out of the block.
    target = ops.clip(target - before, 0.0, inside[:, :, -1] * (1 - 2.0**-23))
    return block * BLOCK + _place(inside, target)


def _place(sums, target):
    below = ops.less_equal(sums, ops.expand_dims(target, -1))
    return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), sums.shape[-1] - 1)

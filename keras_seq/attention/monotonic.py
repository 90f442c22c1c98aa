"""Monotonic attention."""

import keras
from keras import initializers, ops

from keras_seq.attention.content import steps_mask
from keras_seq.attention.reweighted import ReweightedAttention


def expected_alignment(stopping, previous):
    """Where the attention is after a step, on average: tensors `[batch, memory_time]`.

    Args:
        stopping: For each step of the memory the probability to stop there.
        previous: The probability that the attention was there before.
    """
    # q_j, the probability to come by j, is q_{j-1} (1 - p_{j-1}) + previous_j.
    passing = ops.concatenate([ops.zeros_like(stopping[:, :1]), 1 - stopping[:, :-1]], axis=1)
    return stopping * _recurrence(passing, previous)


def hard_alignment(stops, previous):
    """Where the attention is after a step that stops at the first place it may; `stops` is boolean."""
    ahead = ops.cumsum(previous, axis=1) > 0.5  # not before the place of the step before
    stops = ops.cast(ops.logical_and(stops, ahead), previous.dtype)
    return stops * ops.cast(ops.cumsum(stops, axis=1) < 1.5, previous.dtype)


def _recurrence(factors, terms):
    """`x_j = factors_j x_{j-1} + terms_j` along the last axis, in a number of passes that is the logarithm of it.

    The paper writes it with cumulative sums and products, which leave the range of floating-point numbers.
    """

    def double(shift, factors, terms):
        # Gathered, since on JAX neither the shift nor the length need be known when a slice is traced.
        places = ops.arange(ops.shape(terms)[1]) - shift
        earlier_factors, earlier_terms = (
            ops.where(places >= 0, ops.take(tensor, ops.maximum(places, 0), axis=1), 0) for tensor in (factors, terms)
        )
        return 2 * shift, factors * earlier_factors, terms + factors * earlier_terms

    length = ops.shape(terms)[1]
    if not isinstance(length, int):
        return ops.while_loop(lambda shift, *_: shift < length, double, (1, factors, terms))[2]
    shift = 1
    while shift < length:
        shift, factors, terms = double(shift, factors, terms)
    return terms


@keras.saving.register_keras_serializable(package="keras_seq")
class MonotonicAttention(ReweightedAttention):
    """Attention that never looks back; Raffel et al. (2017), "Online and Linear-Time Attention by Enforcing Monotonic
    Alignments".

    The attention walks along the memory: from where it was, it goes on until it stops.

        p_ij = sigmoid(score(s_{i-1}, h_j) + r)                  probability to stop at j
        q_ij = (1 - p_{i,j-1}) q_{i,j-1} + a_{i-1,j}             probability to come by j
        a_ij = p_ij q_ij

    with `r` = `score_bias` and `a_0` at the first step. While training, `a` is this expectation, computed for all j at
    once, and noise on the scores makes the stopping decided. Otherwise the attention is hard: `a_i` is one at the first
    j, not before that of `a_{i-1}`, with `p_ij > 0.5`; past the end of the memory it is zero, and so is the context.

    Args:
        scoring: The attention that scores a step, such as `AdditiveAttention(units, normalize=True)`.
        noise: Standard deviation of the noise on the scores while training; in a loop, one number a step of the memory
            for the whole sequence of queries. Defaults to `1.0`.
        score_bias: Value of `r` before training; the longer the memory, the lower, so that the attention reaches its
            end. Defaults to `-2.0`.
        hard: Whether the attention is hard while not training. Defaults to `True`.
        seed: Optional seed of the noise.
        **kwargs: The arguments of a layer. The dtype defaults to that of `scoring`.

    Call arguments:
        query: Tensor `[batch, features]` or `[batch, time, features]`, whose steps take their turns.
        memory: Tensor `[batch, memory_time, memory_features]`.
        memory_mask: Optional boolean tensor `[batch, memory_time]`, false where the memory is padding.
        training: Whether the layer runs in training mode.

    Returns:
        `(context, weights)`: `[batch, memory_features]` and `[batch, memory_time]`, or `[batch, time, ...]`.

    Example:

    >>> attention = keras_seq.MonotonicAttention(keras_seq.AdditiveAttention(16, normalize=True))
    >>> context, weights = attention(np.random.random((32, 5, 8)), np.random.random((32, 10, 4)))
    >>> context.shape, weights.shape
    ((32, 5, 4), (32, 5, 10))
    """

    state_sizes = (None,)

    def __init__(self, scoring, noise=1.0, score_bias=-2.0, hard=True, seed=None, **kwargs):
        super().__init__(scoring, **kwargs)
        if not noise >= 0:
            raise ValueError(f"Argument `noise` must not be negative. Received: noise={noise}")
        self.noise = noise
        self.score_bias = score_bias
        self.hard = hard
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, query_shape, memory_shape):
        """Create the weights for queries `[batch, features]` and memories `[batch, memory_time, memory_features]`."""
        super().build(query_shape, memory_shape)
        start = initializers.Constant(self.score_bias)
        self.bias = self.add_weight(shape=(), initializer=start, name="score_bias")

    @property
    def noisy(self) -> bool:
        """Whether there is noise on the scores while training."""
        return self.noise > 0

    def initial_alignment(self, projected):
        """The weights `a_0`: one at the first step of the memory."""
        nowhere = self.no_alignment(projected)
        first = ops.cast(ops.arange(ops.shape(nowhere)[1]) == 0, self.wide_dtype)
        return [ops.broadcast_to(first, ops.shape(nowhere))]

    def draw_noise(self, projected, steps=1):
        """Noise for the scores, `[batch, steps, memory_time]`."""
        batch, time = ops.shape(projected["values"])[0], ops.shape(projected["values"])[1]
        shape, dtype = (batch, steps, time), self.wide_dtype
        return keras.random.normal(shape, stddev=self.noise, dtype=dtype, seed=self.seed_generator)

    def align(self, query, projected, state, training=False, noise=None):
        """One step along the memory."""
        scores = ops.cast(self.scoring.scores(query, projected), self.wide_dtype) + ops.cast(self.bias, self.wide_dtype)
        scores = scores if noise is None else scores + noise
        mask = steps_mask(projected)
        hard = self.hard and not training
        stopping = scores > 0 if hard else ops.sigmoid(scores)
        if mask is not None:
            stopping = ops.where(mask, stopping, ops.zeros_like(stopping))
        weights = (hard_alignment if hard else expected_alignment)(stopping[:, 0], state[0])
        return ops.expand_dims(weights, 1), [weights]

    def get_config(self):
        """Return the arguments that build this layer again."""
        return {
            **super().get_config(),
            "noise": self.noise,
            "score_bias": self.score_bias,
            "hard": self.hard,
            "seed": self.seed,
        }

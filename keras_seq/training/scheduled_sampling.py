"""Scheduled sampling: between teacher forcing and a decoder that reads its own output."""

import keras
from keras import ops

from keras_seq.decoding.rows import DecoderState
from keras_seq.decoding.sampling import draw_from, weights_of
from keras_seq.recurrent.loop import run_loop

DECAYS = {
    "constant": lambda i, k, c, epsilon: ops.full_like(i, k),
    "linear": lambda i, k, c, epsilon: ops.maximum(epsilon, k - c * i),
    "exponential": lambda i, k, c, epsilon: ops.power(k, i),
    # The equation k / (k + exp(i / k)), in a form that does not overflow.
    "inverse_sigmoid": lambda i, k, c, epsilon: ops.sigmoid(ops.log(ops.full_like(i, k)) - i / k),
}
DRAWS = ("sample", "best")


@keras.saving.register_keras_serializable(package="keras_seq")
class ScheduledSampling:
    """Bengio et al. (2015), "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks".

    While training, each step of a decoder is given the true token before it with a probability, and otherwise the token
    that the decoder itself gave. The probability decays with the number i of training steps:

    | `decay` | |
    | --- | --- |
    | `"constant"` | `k` |
    | `"linear"` | `max(epsilon, k - c i)` |
    | `"exponential"` | `k^i`, with `k < 1` |
    | `"inverse_sigmoid"` | `k / (k + exp(i / k))`, with `k >= 1` |

    A recurrent decoder is stepped, and what it is given depends on what it was given before. A Transformer runs twice
    over all steps: its own tokens are those of a first run with the true ones (Mihaylova and Martins 2019, "Scheduled
    Sampling for Transformers").

    Args:
        decay: Name of the schedule. Defaults to `"inverse_sigmoid"`.
        k: Number. Defaults to `1000.0`.
        c: Slope of the linear schedule. Defaults to `0.0`.
        epsilon: Least probability of the linear schedule. Defaults to `0.0`.
        draw: `"sample"`, a token drawn from what the decoder expects, or `"best"`, the most probable one. Defaults to
            `"sample"`.
        seed: Optional seed.

    Call arguments:
        None: it is an argument of `EncoderDecoder`.

    Example:

    >>> sampling = keras_seq.ScheduledSampling("linear", k=1.0, c=1e-4, epsilon=0.5)
    >>> model = keras_seq.EncoderDecoder(8000, encoder, decoder, scheduled_sampling=sampling)
    """

    def __init__(self, decay="inverse_sigmoid", k=1000.0, c=0.0, epsilon=0.0, draw="sample", seed=None):
        if decay not in DECAYS:
            raise ValueError(f"Argument `decay` must be one of {list(DECAYS)}. Received: decay={decay!r}")
        if draw not in DRAWS:
            raise ValueError(f"Argument `draw` must be one of {DRAWS}. Received: draw={draw!r}")
        allowed = {"exponential": (0 < k < 1, "above 0 and below 1"), "inverse_sigmoid": (k >= 1, "at least 1")}
        fits, expected = allowed.get(decay, (0 <= k <= 1, "from 0 to 1"))
        if not fits:
            raise ValueError(f'With `decay="{decay}"`, argument `k` must be {expected}. Received: k={k}')
        self.decay = decay
        self.k = k
        self.c = c
        self.epsilon = epsilon
        self.draw = draw
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def probability(self, step):
        """The probability of a true token, a float32 scalar, after `step` training steps."""
        return DECAYS[self.decay](ops.cast(step, "float32"), self.k, self.c, self.epsilon)

    def run(self, decoder, targets, memory, memory_mask, probability):
        """Run a decoder in training mode.

        Args:
            decoder: The `Decoder`.
            targets: Integer tensor `[batch, time]`, the true inputs of each step.
            memory: What the decoder takes as memory.
            memory_mask: Optional boolean tensor `[batch, memory_time]`.
            probability: The probability of a true token, a scalar.

        Returns:
            Logits `[batch, time, vocabulary_size]`.
        """
        shape = ops.shape(targets)
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        # The first input is no prediction, and padding stays padding.
        forced = ops.logical_or(drawn < probability, ops.logical_or(ops.arange(shape[1]) == 0, targets == 0))
        noise = keras.random.uniform(shape, seed=self.seed_generator)
        run = _step_by_step if decoder.steps_in_training else _in_two_passes
        return run(decoder, targets, memory, memory_mask, forced, noise, self._next)

    def _next(self, logits, noise):
        """A token for each of the logits `[batch, time, vocabulary_size]` and numbers from 0 to 1 `[batch, time]`."""
        if self.draw == "best":
            return ops.cast(ops.argmax(logits, axis=-1), "int32")
        return draw_from(weights_of(ops.stop_gradient(logits)), noise)

    def get_config(self):
        """Return the arguments that build this object again."""
        return {
            "decay": self.decay,
            "k": self.k,
            "c": self.c,
            "epsilon": self.epsilon,
            "draw": self.draw,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        """Build the object that `get_config` describes."""
        return cls(**config)


def _in_two_passes(decoder, targets, memory, memory_mask, forced, noise, next_token):
    logits = decoder(targets, memory, memory_mask=memory_mask, training=True)
    own = next_token(ops.stop_gradient(logits), noise)
    own = ops.concatenate([targets[:, :1], ops.cast(own[:, :-1], targets.dtype)], axis=1)
    return decoder(ops.where(forced, targets, own), memory, memory_mask=memory_mask, training=True)


def _step_by_step(decoder, targets, memory, memory_mask, forced, noise, next_token):
    batch, time = ops.shape(targets)[0], ops.shape(targets)[1]
    state = DecoderState(decoder.start(memory, memory_mask, batch, time, training=True), 1)

    def step(inputs, states):
        token, is_forced, noise = (inputs[:, place] for place in range(3))
        token = ops.where(is_forced > 0, ops.cast(token, "int32"), states[0])
        logits, new_state, _ = decoder.step(token, state.pack(states[1:]), training=True)
        own = next_token(logits[:, None, :], noise[:, None])[:, 0]
        return logits, [own, *state.unpack(new_state)]

    # The loop runs over one tensor; float32 holds every id below 16 million.
    inputs = ops.stack([ops.cast(part, "float32") for part in (targets, forced, noise)], axis=-1)
    start = ops.zeros((batch, decoder.vocabulary_size), dtype="float32")
    states = [ops.cast(targets[:, 0], "int32"), *state.initial]
    outputs, _, _ = run_loop(step, ops.transpose(inputs, (1, 0, 2)), states, start)
    return ops.transpose(outputs, (1, 0, 2))

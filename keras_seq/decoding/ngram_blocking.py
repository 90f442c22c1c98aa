"""No n-gram twice."""

import keras
from keras import ops

from keras_seq.decoding.candidates import put_tokens
from keras_seq.decoding.constraint import FORBIDDEN, Constraint
from keras_seq.decoding.strategy import check_positive


@keras.saving.register_keras_serializable(package="keras_seq")
class NGramBlocking(Constraint):
    """No n-gram is in a sequence twice (Paulus et al. 2018, "A Deep Reinforced Model for Abstractive Summarization").

    Args:
        n: Number of tokens; with 1, no token is there twice.

    Call arguments:
        logits: float32 `[batch, width, vocabulary]`.
        position: A `Position`.
    """

    needs_history = True

    def __init__(self, n=3):
        self.n = check_positive("n", n)

    def __call__(self, logits, position):
        """The logits without the tokens that would complete an n-gram of the history."""
        history, time = position.history, position.time
        blocked = ops.arange(ops.shape(history)[-1], dtype="int32") + (self.n - 1) < time  # where an n-gram begins
        for place in range(self.n - 1):  # is it begun as the end of the sequence is?
            here = ops.maximum(time - (self.n - 1) + place, 0)
            newest = ops.expand_dims(ops.take(history, here, axis=-1), -1)
            blocked = ops.logical_and(blocked, ops.equal(ops.roll(history, -place, axis=-1), newest))
        last = ops.roll(history, -(self.n - 1), axis=-1)
        blocked = ops.logical_and(blocked, last >= 0)  # a finished sequence has no more tokens
        return put_tokens(logits, last, blocked, ops.full_like(last, FORBIDDEN, dtype=logits.dtype))

    def get_config(self):
        """Return the arguments that build this constraint again."""
        return {"n": self.n}

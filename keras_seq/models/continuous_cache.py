"""A continuous cache: what followed the states of the recent past that were like the present one."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class ContinuousCache(keras.layers.Layer):
    """Mixes the scores of a language model with what the text itself has had so far.

    Grave, Joulin and Usunier (2017), https://arxiv.org/abs/1612.04426, with a mixing weight that falls to nothing
    where the past has no state like the present one. Token `i` of the text followed the state `h_{i-1}`; after token
    `t`, over the last `size` tokens,

        w_i      = exp(sharpness * cos(h_t, h_{i-1}))
        Z        = sum_i w_i + exp(sharpness * closeness)
        p(y)     = (1 - share * sum_i w_i / Z) p_model(y) + share * sum_{i: y_i = y} w_i / Z

    A name that has been written once is so known from its first letters on. There is nothing to train.

    The memory is a value that goes in and comes out, a dictionary with the batch first:

        "keys"      [batch, size + 1, features], the states of unit length in a ring; the last place is never read
        "ids"       int32 [batch, size + 1], the tokens that followed them
        "previous"  [batch, features], the state that the next token follows, of unit length
        "count"     int32 [batch], the tokens read so far
        "first"     int32 [batch], the number of the token that the document began with

    Args:
        size: Tokens that are remembered.
        share: The most that the cache has of a probability. Between 0 and 1. Defaults to `0.35`.
        sharpness: How fast the weight of a state falls with its distance. Above 0. Defaults to `17.0`.
        closeness: The cosine at which a single state of the past gives the cache half of its share. From -1
            to 1. Defaults to `0.8`.
        **kwargs: The arguments of a layer.

    Call arguments:
        logits: Tensor `[batch, time, vocabulary]`, the scores of the model for the token after each step.
        ids: Integer tensor `[batch, time]`, the tokens that it has read.
        states: Tensor `[batch, time, features]`, its state after each of them.
        memory: Optional memory to go on from; nothing is remembered without it.
        mask: Optional boolean tensor `[batch, time]`, false at steps that are not there.
        reset: Optional boolean tensor `[batch, time]`, true at the first token of a document.

    Output shape:
        `(log_probabilities, memory)`: float32 `[batch, time, vocabulary]`, and the memory after the window.
    """

    def __init__(self, size, share=0.35, sharpness=17.0, closeness=0.8, **kwargs):
        super().__init__(**kwargs)
        for name, value, right in (
            ("size", size, size >= 1),
            ("share", share, 0 < share < 1),
            ("sharpness", sharpness, sharpness > 0),
            ("closeness", closeness, -1 <= closeness <= 1),
        ):
            if not right:
                raise ValueError(f"Argument `{name}` is out of its range. Received: {name}={value}")
        self.size = size
        self.share = share
        self.sharpness = sharpness
        self.closeness = closeness
        self.built = True

    def get_initial_state(self, batch_size, features):
        """An empty memory for states of size `features`."""
        places = (batch_size, self.size + 1)
        return {
            "keys": ops.zeros((*places, features)),
            "ids": ops.zeros(places, dtype="int32"),
            "previous": ops.zeros((batch_size, features)),
            "count": ops.zeros((batch_size,), dtype="int32"),
            "first": ops.zeros((batch_size,), dtype="int32"),
        }

    def call(self, logits, ids, states, memory=None, mask=None, reset=None):
        """Read a window and mix: the log-probabilities, and the memory after it."""
        if memory is None:
            memory = self.get_initial_state(ops.shape(ids)[0], states.shape[-1])
        view, memory = self.read(ids, states, memory, mask, reset)
        return self.mix(logits, view), memory

    def read(self, ids, states, memory, mask=None, reset=None):
        """Read a window.

        Args:
            ids: Integer tensor `[batch, time]`, the tokens.
            states: Tensor `[batch, time, features]`, the state of the model after each of them.
            memory: What `get_initial_state` or the last `read` returned.
            mask: Optional boolean tensor `[batch, time]`, false at steps that are not there.
            reset: Optional boolean tensor `[batch, time]`, true at the first token of a document.

        Returns:
            What `mix` looks at, and the memory after the window.
        """
        ids, states = ops.cast(ids, "int32"), ops.normalize(ops.cast(states, "float32"), axis=-1)
        there = ops.ones_like(ids, dtype="bool") if mask is None else ops.cast(mask, "bool")
        # Tokens are numbered from the first that the memory has read; one that is not there has the last one's number.
        count = ops.expand_dims(memory["count"], 1)
        numbers = count + ops.cumsum(ops.cast(there, "int32"), axis=1) - 1  # [batch, time]
        last = ops.maximum(numbers[:, -1:], count - 1)
        first = self._first(numbers, there, memory["first"], reset)
        before = ops.concatenate([ops.expand_dims(memory["previous"], 1), states], axis=1)
        keys, after = before[:, :-1], before[:, -1]
        if mask is not None:
            keys, after = _last_there(before, there)
        # The ring as it was, then the tokens of the window; -1 is the number of nothing.
        in_ring = count - 1 - ops.mod(count - 1 - ops.arange(self.size + 1, dtype="int32"), self.size)
        in_ring = ops.where(ops.arange(self.size + 1) < self.size, in_ring, -1)
        past = ops.concatenate([in_ring, ops.where(there, numbers, -1)], axis=1)
        past, now = ops.expand_dims(past, 1), ops.expand_dims(numbers, 2)
        seen = (past > ops.expand_dims(first, 2)) & (past > now - self.size) & (past <= now)
        view = {
            "states": states,
            "keys": (memory["keys"], keys),  # not one tensor: the memory is large, and a step adds one key
            "ids": ops.concatenate([memory["ids"], ids], axis=1),
            "seen": seen,
        }
        places = ops.where(there & (numbers > last - self.size), ops.mod(numbers, self.size), self.size)
        rows = ops.broadcast_to(ops.expand_dims(ops.arange(ops.shape(ids)[0], dtype="int32"), 1), ops.shape(ids))
        indices = ops.reshape(ops.stack([rows, places], axis=-1), (-1, 2))
        return view, {
            "keys": ops.scatter_update(memory["keys"], indices, ops.reshape(keys, (-1, keys.shape[-1]))),
            "ids": ops.scatter_update(memory["ids"], indices, ops.reshape(ids, (-1,))),
            "previous": after,
            "count": last[:, 0] + 1,
            "first": first[:, -1],
        }

    def _first(self, numbers, there, first, reset):
        """The number of the token that the document of each step began with, `[batch, time]`."""
        first = ops.broadcast_to(ops.expand_dims(first, 1), ops.shape(numbers))
        if reset is None:
            return first
        began = ops.where(ops.cast(reset, "bool") & there, numbers, 0)
        return ops.maximum(first, _running_maximum(began))

    def mix(self, logits, view):
        """Logits `[batch, time, vocabulary]` to the log-probabilities of the mixture; see `read`."""
        alike = [ops.matmul(view["states"], ops.transpose(keys, (0, 2, 1))) for keys in view["keys"]]
        alike = ops.concatenate(alike, axis=-1)  # [batch, time, past]
        # All exponents are relative to a cosine of 1, so that none overflows.
        weights = ops.where(view["seen"], ops.exp(self.sharpness * (alike - 1.0)), 0.0)
        total = ops.sum(weights, axis=-1, keepdims=True)
        part = self.share / (total + math.exp(self.sharpness * (self.closeness - 1.0)))
        batch, time, vocabulary = ops.shape(logits)[0], ops.shape(logits)[1], logits.shape[-1]
        segments = view["ids"] + vocabulary * ops.expand_dims(ops.arange(batch, dtype="int32"), 1)
        by_token = ops.segment_sum(
            ops.reshape(ops.transpose(weights, (0, 2, 1)), (-1, time)),
            ops.reshape(segments, (-1,)),
            batch * vocabulary,
        )
        by_token = ops.transpose(ops.reshape(by_token, (batch, vocabulary, time)), (0, 2, 1))
        mixed = (1.0 - part * total) * ops.softmax(ops.cast(logits, "float32")) + part * by_token
        return ops.log(ops.maximum(mixed, 1e-30))

    def get_config(self):
        """Return the arguments that build this layer again."""
        names = ("size", "share", "sharpness", "closeness")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _running_maximum(values):
    """The largest value so far at each step of `[batch, time]`, at least 0."""
    steps = ops.arange(ops.shape(values)[1])
    earlier = ops.expand_dims(steps, 0) <= ops.expand_dims(steps, 1)  # [time, time]
    return ops.max(ops.where(earlier, ops.expand_dims(values, 1), 0), axis=-1)


def _last_there(before, there):
    """The last state that is there before each step, and after all: of states with that before the window in front."""
    steps = ops.arange(1, ops.shape(there)[1] + 1, dtype="int32")
    last = _running_maximum(ops.where(there, steps, 0))  # the place of the last state after each step
    last = ops.concatenate([ops.zeros_like(last[:, :1]), last], axis=1)
    states = ops.take_along_axis(before, ops.expand_dims(last, 2), axis=1)
    return states[:, :-1], states[:, -1]

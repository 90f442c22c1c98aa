"""Decoding: a step function times a strategy."""

import contextlib

import keras
from keras import ops

from keras_seq.decoding.backtrace import trace_back
from keras_seq.decoding.constraint import Position
from keras_seq.decoding.decoded import Decoded
from keras_seq.decoding.greedy import Greedy
from keras_seq.decoding.loop import run_steps
from keras_seq.decoding.random_numbers import uniforms
from keras_seq.decoding.rows import DecoderState, row_numbers, take_each, take_rows
from keras_seq.decoding.strategy import Context


def decode(
    step,
    state,
    start_tokens,
    end_token,
    max_length,
    strategy=None,
    constraints=(),
    seed=None,
    memory_mask=None,
    pad_token=0,
    keep_alignments=True,
):
    """Decode sequences: run a step function until all of them are finished.

    There is one loop for all strategies. In a `tf.function`, a SavedModel or a jitted JAX function it is a loop of the
    graph; called eagerly it is a loop in Python (PyTorch, TensorFlow) or compiled anew at every call (JAX), which is
    slow: call it from a compiled function. A row of the batch gives the same numbers whatever else is in the batch.

    Args:
        step: Function `(tokens, state) -> (logits, state, alignment)` with tokens int32 `[batch]`, logits
            `[batch, vocabulary]` and an alignment `[batch, memory_time]` or None. Its `state` is any nest of tensors
            with the batch first, which keep their shapes; a scalar in it belongs to all rows. A tensor that it hands on
            as it is, such as a projected memory, costs nothing when beams move.
        state: The nest to begin with, such as `decoder.start(memory, memory_mask)` gives.
        start_tokens: Integer, or integer tensor `[batch]`: what the first step is given.
        end_token: Integer, the id that ends a sequence; None if nothing does.
        max_length: Largest number of tokens, the end token included: an integer, or on TensorFlow a scalar tensor.
        strategy: How tokens are chosen: `Greedy()`, `Sampling()`, `TopKSampling(10)`, `TopPSampling(0.9)`,
            `BeamSearch(4)`, `DiverseBeamSearch(6, groups=3)`. Defaults to `Greedy()`.
        constraints: List of functions `(logits, position) -> logits`, such as `MinimumLength(3)`, which are applied one
            after the other; see `Constraint`.
        seed: For strategies that draw: integer, `keras.random.SeedGenerator`, integer tensor `[]`, or integer tensor
            `[batch]` with a seed for each row. The same seed gives the same sequences, eager or in a graph. Defaults to
            a new one at each call.
        memory_mask: Boolean tensor `[batch, memory_time]`, false where the memory is padding; the coverage penalty
            needs it.
        pad_token: Integer, the id after the end of a sequence. Defaults to `0`.
        keep_alignments: Whether the alignments of all steps are kept. Defaults to `True`.

    Returns:
        A `Decoded`.

    Example:

    >>> state = decoder.start(memory, memory_mask)
    >>> decoded = decode(decoder.step, state, 1, end_token=2, max_length=50, strategy=BeamSearch(4))
    >>> decoded.ids.shape
    (32, 1, 50)
    """
    strategy = Greedy() if strategy is None else strategy
    if isinstance(max_length, int) and max_length < 1:
        raise ValueError(f"Argument `max_length` must be at least 1. Received: max_length={max_length}")
    with _no_gradient():
        return _Decoding(step, state, strategy, constraints, keep_alignments).run(
            start_tokens, end_token, max_length, seed, memory_mask, pad_token
        )


class _Decoding:
    """The body of the loop."""

    def __init__(self, step, state, strategy, constraints, keep_alignments):
        self.step = step
        self.strategy = strategy
        self.constraints = list(constraints)
        self.needs_history = any(getattr(constraint, "needs_history", False) for constraint in self.constraints)
        self.keep_alignments = keep_alignments
        self.normalised = getattr(step, "gives_log_probabilities", False)
        self.state = DecoderState(state, strategy.width)

    def run(self, start_tokens, end_token, max_length, seed, memory_mask, pad_token):
        width = self.strategy.width
        tokens = ops.cast(start_tokens, "int32")
        batch_size = ops.shape(tokens)[0] if len(tokens.shape) else self.state.batch_size
        if batch_size is None:
            raise ValueError("A state without a tensor needs `start_tokens` of shape [batch]. Received: a single token")
        tokens = ops.repeat(ops.broadcast_to(tokens, (batch_size,)), width)
        noise = uniforms(seed, batch_size, width, max_length) if self.strategy.draws else None
        self.context = Context(end_token, max_length, memory_mask, noise)
        carry = {
            "tokens": tokens,
            "state": self.state.initial,
            "beams": self.strategy.start(batch_size, self.context),
        }
        if self.needs_history:
            carry["history"] = ops.full((batch_size, width, max_length), -1, dtype="int32")
        steps, carry, records = run_steps(self._body, carry, max_length)
        return self._collect(steps, carry["beams"], records, pad_token)

    def _body(self, time, carry):
        width, context = self.strategy.width, self.context
        logits, state, alignment = self.step(carry["tokens"], self.state.pack(carry["state"]))
        state = self.state.unpack(state)
        if len(logits.shape) != 2 or logits.shape[1] is None:
            raise ValueError(
                f"`step(tokens, state)` must return logits [batch, vocabulary]. Received: shape={tuple(logits.shape)}"
            )
        logits = ops.reshape(ops.cast(logits, "float32"), (-1, width, logits.shape[1]))
        if alignment is not None:
            alignment = ops.reshape(alignment, (-1, width, ops.shape(alignment)[1]))
        normaliser = ops.zeros_like(logits[:, :, 0]) if self.normalised else ops.logsumexp(logits, axis=-1)
        history = carry.get("history")
        position = Position(time, history, context.end_token, context.max_length)
        for constraint in self.constraints:
            logits = constraint(logits, position)
        tokens, parents, beams = self.strategy.choose(time, logits, normaliser, alignment, carry["beams"], context)

        record = {"tokens": tokens, "scores": beams["scores"], "parents": parents}
        record["alignments"] = alignment if self.keep_alignments else None
        if parents is not None:
            rows = ops.reshape(parents + width * row_numbers(parents), (-1,))
            state = self.state.move(carry["state"], state, rows)
            if history is not None:
                flat = ops.reshape(history, (-1, ops.shape(history)[2]))
                history = ops.reshape(take_rows(flat, rows), ops.shape(history))
        # A finished sequence goes on being fed with some token that exists.
        fed = ops.where(tokens < 0, 0 if context.end_token is None else context.end_token, tokens)
        new = {"tokens": ops.reshape(fed, (-1,)), "state": state, "beams": beams}
        if history is not None:
            now = ops.equal(ops.arange(ops.shape(history)[2], dtype="int32"), time)
            new["history"] = ops.where(now, ops.expand_dims(tokens, -1), history)
        return new, record, ops.any(ops.logical_not(beams["finished"]))

    def _collect(self, steps, beams, records, pad_token):
        """Whole sequences out of what each step has recorded."""
        strategy, tokens = self.strategy, records["tokens"]  # [time, batch, width]
        length = ops.shape(tokens)[0]
        run = ops.reshape(ops.arange(length, dtype="int32"), (-1, 1, 1)) < steps
        tokens = ops.where(run, tokens, -1)
        scores = ops.where(run, records["scores"], beams["scores"])
        parents, alignments = records["parents"], records["alignments"]
        if parents is None:
            parents = ops.zeros_like(tokens) + ops.arange(strategy.width, dtype="int32")
            final, path, path_parents = beams, tokens, parents
        else:
            way, parents = trace_back(parents, steps)
            _, best = ops.top_k(beams["scores"], strategy.sequences)
            best = ops.cast(best, "int32")
            final = {name: take_each(beams[name], best) for name in ("scores", "log_probabilities", "finished")}
            way = ops.take_along_axis(way, ops.expand_dims(best, 0), axis=-1)
            path = ops.take_along_axis(tokens, way, axis=-1)
            path_parents = ops.take_along_axis(parents, way, axis=-1)
        none = ops.isinf(final["scores"])
        there = ops.logical_and(path >= 0, ops.logical_not(none))  # [time, batch, sequences]
        if alignments is not None:
            places = path_parents + strategy.width * ops.reshape(
                ops.arange(length * ops.shape(tokens)[1], dtype="int32"), (length, -1, 1)
            )
            alignments = take_rows(ops.reshape(alignments, (-1, ops.shape(alignments)[3])), places)
            alignments = ops.where(ops.expand_dims(there, -1), ops.cast(alignments, "float32"), 0.0)
            alignments = ops.transpose(alignments, (1, 2, 0, 3))  # [batch, sequences, time, memory_time]
        grown = ops.logical_and(tokens >= 0, ops.logical_not(ops.isinf(scores)))
        return Decoded(
            ids=ops.transpose(ops.where(there, path, pad_token), (1, 2, 0)),
            lengths=ops.sum(ops.cast(there, "int32"), axis=0),
            scores=final["scores"],
            log_probabilities=final["log_probabilities"],
            finished=ops.logical_and(final["finished"], ops.logical_not(none)),
            alignments=alignments,
            step_tokens=ops.transpose(ops.where(grown, tokens, pad_token), (1, 0, 2)),
            step_parents=ops.transpose(parents, (1, 0, 2)),
            step_scores=ops.transpose(scores, (1, 0, 2)),
            steps=steps,
        )


def _no_gradient():
    """PyTorch keeps nothing for gradients here; the others do so only where they are asked to."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()

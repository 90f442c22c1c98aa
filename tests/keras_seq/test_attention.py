"""What holds for every attention: the numbers of its equations, whatever is padded, in any precision."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy_attention as oracles
import pytest
from cases import MASKS
from keras import ops

import keras_seq

BATCH, MEMORY_TIME, TIME, SIZE, FEATURES = 3, 6, 4, 3, 4
HEADS = functools.partial(keras_seq.MultiHeadAttention, 2)


class Entry(NamedTuple):
    """An attention beside its oracle: `make(**options)`, `oracle(weights, queries, memory)` of one sequence."""

    make: Callable[..., Any]
    oracle: Callable[..., Any]
    query_size: int = SIZE
    memory_size: int = FEATURES
    own: bool = False  # self-attention
    training: bool = False


def around(attention, scoring, **more):
    """Makes an attention with the scores of another."""
    return lambda dtype=None: attention(scoring(dtype=dtype), **more)


def self_attention(**options):
    oracle = functools.partial(oracles.multi_head, heads=2, **options)
    return Entry(functools.partial(HEADS, **options), oracle, FEATURES, FEATURES, own=True)


GENERAL = keras_seq.MultiplicativeAttention
ADDITIVE = functools.partial(keras_seq.AdditiveAttention, 5, normalize=True)


def general_score(w, s, h_j):
    return oracles.multiplicative_score(w, s, h_j, "general")


ATTENTIONS = {
    "additive": Entry(functools.partial(keras_seq.AdditiveAttention, 5), oracles.additive),
    "additive_normalized": Entry(ADDITIVE, oracles.additive),
    "dot": Entry(functools.partial(GENERAL, "dot"), oracles.multiplicative("dot"), FEATURES),
    "scaled": Entry(functools.partial(GENERAL, "scaled"), oracles.multiplicative("scaled"), FEATURES),
    "general": Entry(GENERAL, oracles.multiplicative("general")),
    "concat": Entry(functools.partial(GENERAL, "concat", units=5), oracles.multiplicative("concat")),
    "scaled_dot_product": Entry(
        keras_seq.ScaledDotProductAttention, oracles.multiplicative("scaled_dot_product"), FEATURES
    ),
    "location_aware": Entry(
        functools.partial(keras_seq.LocationAwareAttention, 5, filters=2, kernel_size=3), oracles.location_aware
    ),
    "coverage": Entry(functools.partial(keras_seq.CoverageAttention, 5, normalize=True), oracles.coverage),
    "coverage_fertility": Entry(
        functools.partial(keras_seq.CoverageAttention, 5, max_fertility=2.5),
        functools.partial(oracles.coverage, max_fertility=2.5),
    ),
    "local_m": Entry(
        around(keras_seq.LocalAttention, GENERAL, half_width=1, predictive=False),
        functools.partial(oracles.local, score=general_score, half_width=1, predictive=False),
    ),
    "local_p": Entry(
        around(keras_seq.LocalAttention, ADDITIVE, half_width=2, units=7),
        functools.partial(oracles.local, score=oracles.additive_score, half_width=2, predictive=True),
    ),
    "monotonic": Entry(
        around(keras_seq.MonotonicAttention, ADDITIVE, noise=0.0),
        functools.partial(oracles.monotonic, score=oracles.additive_score),
        training=True,
    ),
    "monotonic_hard": Entry(
        around(keras_seq.MonotonicAttention, GENERAL),
        functools.partial(oracles.monotonic_hard, score=general_score),
    ),
    "multi_head": Entry(
        functools.partial(HEADS, head_size=3, output_size=5), functools.partial(oracles.multi_head, heads=2)
    ),
    "causal": self_attention(causal=True),
    "relative": self_attention(positions="relative", max_distance=2),
    "rotary": self_attention(positions="rotary"),
    "causal_relative": self_attention(causal=True, positions="relative", max_distance=2),
}
STEPPED = [name for name, entry in ATTENTIONS.items() if not entry.own]


class Case:
    """An attention with random weights, queries and a memory for it, and its oracle."""

    def __init__(self, name, **options):
        self.entry = ATTENTIONS[name]
        rng = np.random.default_rng(11)
        self.layer = self.entry.make(**options)
        self.layer.build((None, self.entry.query_size), (None, None, self.entry.memory_size))
        self.layer.set_weights([rng.normal(size=w.shape) for w in self.layer.weights])
        self.weights = {w.name: ops.convert_to_numpy(w).astype("float64") for w in self.layer.weights}
        assert len(self.weights) == len(self.layer.weights)
        self.memory = rng.normal(size=(BATCH, MEMORY_TIME, self.entry.memory_size)).astype("float32")
        self.queries = rng.normal(size=(BATCH, TIME, self.entry.query_size)).astype("float32")
        if self.entry.own:
            self.queries = self.memory

    def run(self, mask, queries=None, memory=None):
        queries, memory = self.queries if queries is None else queries, self.memory if memory is None else memory
        return self.layer(queries, memory, memory_mask=mask, training=self.entry.training)

    def oracle(self, mask):
        """Each row alone and without its padding; the weights are put back to the places of the memory."""
        mask = np.ones((BATCH, MEMORY_TIME), bool) if mask is None else mask
        rows = [self._row(*row) for row in zip(self.queries, self.memory, mask, strict=True)]
        return [np.stack(part) for part in zip(*rows, strict=True)]

    def _row(self, queries, memory, valid):
        alone = queries[valid] if self.entry.own else queries
        contexts, weights = self.entry.oracle(self.weights, alone.astype("float64"), memory[valid].astype("float64"))
        if self.entry.own:  # what padded queries get does not matter
            contexts = placed(contexts, valid, 0)
            weights = placed(weights, valid, -2)
        return contexts, placed(weights, valid, -1)


def placed(values, valid, axis):
    """Zeros, with the values at the valid places along an axis."""
    values = np.moveaxis(values, axis, 0)
    result = np.zeros((len(valid), *values.shape[1:]))
    result[valid] = values
    return np.moveaxis(result, 0, axis)


@pytest.fixture(params=ATTENTIONS)
def name(request):
    return request.param


def valid_queries(case, mask):
    if not case.entry.own or mask is None:
        return np.ones(case.queries.shape[:2], bool)
    return mask


def test_equals_the_equations(name, mask, numpy):
    """Masked is truncated: the oracle sees each row without its padding."""
    case = Case(name)
    contexts, weights = numpy(case.run(mask))
    expected_contexts, expected_weights = case.oracle(mask)
    valid = valid_queries(case, mask)
    np.testing.assert_allclose(contexts[valid], expected_contexts[valid], atol=2e-5)
    weights, expected_weights = (np.moveaxis(w, -2, 1)[valid] for w in (weights, expected_weights))
    np.testing.assert_allclose(weights, expected_weights, atol=2e-5)


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("mask_name", ["none", "holed"])
def test_one_query_at_a_time_equals_all_at_once(name, mask_name, numpy):
    case = Case(name)
    mask = None if MASKS[mask_name] is None else np.array(MASKS[mask_name], bool)
    contexts, weights = numpy(case.run(mask))
    projected = case.layer.project_memory(case.memory, mask)
    state = case.layer.initial_alignment(projected)
    assert len(state) == len(case.layer.state_sizes)
    for t in range(TIME):
        query = ops.convert_to_tensor(case.queries[:, t])
        context, alignment, state = case.layer.attend(query, projected, state, case.entry.training)
        np.testing.assert_allclose(numpy(context), contexts[:, t], atol=1e-5)
        np.testing.assert_allclose(numpy(alignment), weights[..., t, :], atol=1e-5)
    assert tuple(alignment.shape[1:]) == tuple(
        MEMORY_TIME if size is None else size for size in case.layer.alignment_size
    )


@pytest.mark.parametrize("name", STEPPED)
def test_a_single_query_may_have_no_time(name, numpy):
    case = Case(name)
    contexts, weights = numpy(case.run(None, case.queries[:, :1]))
    context, alignment = numpy(case.run(None, case.queries[:, 0]))
    np.testing.assert_allclose(context, contexts[:, 0], atol=1e-6)
    np.testing.assert_allclose(alignment, weights[..., 0, :], atol=1e-6)


def test_what_is_under_the_mask_does_not_matter(name, numpy):
    """Not even if it is no number."""
    case, mask = Case(name), np.array(MASKS["empty"], bool)
    expected = numpy(case.run(mask))
    poisoned = np.where(mask[..., None], case.memory, np.float32(np.nan))
    case.queries = np.where(mask[..., None], case.queries, 0) if case.entry.own else case.queries
    for got, want in zip(numpy(case.run(mask, memory=poisoned)), expected, strict=True):
        want = np.where(np.isfinite(got), want, got) if case.entry.own else want
        np.testing.assert_allclose(got, want, atol=1e-6)
    weights = np.moveaxis(numpy(case.run(mask))[1], -1, 1)
    assert np.all(weights[~mask] == 0)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(name, dtype, numpy):
    """Close to the equations in single precision, no weight on padding, finite for a row without a valid step."""
    case, mask = Case(name, dtype=dtype), np.array(MASKS["empty"], bool)
    contexts, weights = case.run(mask)
    assert {keras.backend.standardize_dtype(t.dtype) for t in (contexts, weights)} == {dtype.removeprefix("mixed_")}
    contexts, weights = (numpy(ops.cast(t, "float32")) for t in (contexts, weights))
    assert np.all(np.isfinite(contexts))
    assert np.all(np.moveaxis(weights, -1, 1)[~mask] == 0)
    valid = valid_queries(case, mask)
    exact = numpy(Case(name).run(mask))[1]
    difference = np.abs(np.moveaxis(weights, -2, 1)[valid] - np.moveaxis(exact, -2, 1)[valid])
    assert difference.max() < (0.1 if dtype == "mixed_bfloat16" else 0.02)


def gradients(loss, layer, queries, memory):
    """Of a loss by queries, memory and all weights, on any backend, as NumPy arrays."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        queries, memory = tf.Variable(queries), tf.Variable(memory)
        with tf.GradientTape() as tape:
            value = loss(queries, memory)
        sources = [queries, memory, *[w.value for w in layer.trainable_variables]]
        return [g.numpy() for g in tape.gradient(value, sources, unconnected_gradients="zero")]
    if backend == "jax":
        import jax

        def stateless(values, queries, memory):
            with keras.StatelessScope(state_mapping=list(zip(layer.trainable_variables, values, strict=True))):
                return loss(queries, memory)

        values = [w.value for w in layer.trainable_variables]
        weights, *rest = jax.grad(stateless, argnums=(0, 1, 2))(values, queries, memory)
        return [np.array(g) for g in [*rest, *weights]]
    import torch

    queries, memory = (torch.tensor(x, requires_grad=True) for x in (queries, memory))
    layer.zero_grad()
    loss(queries, memory).backward()
    sources = [queries, memory, *[w.value for w in layer.trainable_variables]]
    return [np.zeros(s.shape) if s.grad is None else s.grad.numpy() for s in sources]


def test_gradients_are_finite(name):
    """Also where a row has no valid step; what is masked has none."""
    case, mask = Case(name), np.array(MASKS["empty"], bool)
    case.entry = case.entry._replace(training=True)  # hard attention has no gradient
    by_queries, by_memory, *by_weights = gradients(
        lambda queries, memory: ops.sum(ops.square(case.run(mask, queries, memory)[0])),
        case.layer,
        case.queries,
        case.memory,
    )
    assert all(np.all(np.isfinite(g)) for g in (by_queries, by_memory, *by_weights))
    assert np.all(by_memory[~mask] == 0)
    assert np.any(by_memory != 0)
    assert all(np.any(g != 0) for g in by_weights if g.size > 1)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs of unknown shapes are TensorFlow's")
@pytest.mark.parametrize(
    "name",
    [
        "additive",
        "location_aware",
        "coverage_fertility",
        "local_m",
        "local_p",
        "monotonic",
        "causal_relative",
        "rotary",
    ],
)
def test_in_a_graph_of_unknown_shapes(name, numpy):
    import tensorflow as tf

    case, mask = Case(name), np.array(MASKS["holed"], bool)
    specification = [
        tf.TensorSpec([None, None, case.entry.query_size]),
        tf.TensorSpec([None, None, case.entry.memory_size]),
        tf.TensorSpec([None, None], tf.bool),
    ]

    @tf.function(input_signature=specification, autograph=False)
    def graph(queries, memory, mask):
        with tf.GradientTape() as tape:
            tape.watch(memory)
            contexts, weights = case.run(mask, queries, memory)
        return contexts, weights, tape.gradient(contexts, memory)

    eager = numpy(case.run(mask))
    for got, want in zip(graph(case.queries, case.memory, mask), eager, strict=False):
        np.testing.assert_allclose(got.numpy(), want, atol=1e-6)


def test_shape_that_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match=r"of known sizes of features\. Received"):
        keras_seq.AdditiveAttention(4).build((None, 3), (None, None, None))


def test_dot_product_of_unequal_sizes_is_refused():
    with pytest.raises(ValueError, match=r'"general" does not\. Received'):
        GENERAL("dot")(np.ones((1, 3), "float32"), np.ones((1, 2, 4), "float32"))


def test_many_queries_to_an_attention_that_looks_at_its_past_are_refused():
    case = Case("coverage")
    projected = case.layer.project_memory(case.memory)
    with pytest.raises(ValueError, match="one query"):
        case.layer.attend(case.queries, projected, case.layer.initial_alignment(projected))


def test_scores_of_an_attention_with_a_past_are_refused():
    with pytest.raises(ValueError, match="scores each step by itself"):
        keras_seq.MonotonicAttention(keras_seq.CoverageAttention(3))

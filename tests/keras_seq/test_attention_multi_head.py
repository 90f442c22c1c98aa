"""Multi-head attention: beside Keras' and PyTorch's, causal, and step by step with a cache."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.attention import key_value_cache

BATCH, TIME, SIZE, HEADS = 3, 5, 8, 2
RNG = np.random.default_rng(2)
X = RNG.normal(size=(BATCH, TIME, SIZE)).astype("float32")
MEMORY = RNG.normal(size=(BATCH, 7, 6)).astype("float32")
MEMORY_MASK = np.array([[1] * 7, [1, 1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 1, 1]], bool)


def attention(memory_size=SIZE, **options):
    layer = keras_seq.MultiHeadAttention(HEADS, **options)
    layer.build((None, None, SIZE), (None, None, memory_size))
    layer.set_weights([RNG.normal(size=w.shape, scale=0.5) for w in layer.weights])
    return layer


def shaped_like(ours, theirs):
    """Our weights, in the shapes of Keras'."""
    return [ops.convert_to_numpy(w).reshape(v.shape) for w, v in zip(ours.weights, theirs.weights, strict=True)]


def test_equals_keras(numpy):
    ours = attention(6, head_size=3)
    theirs = keras.layers.MultiHeadAttention(HEADS, key_dim=3)
    theirs.build(X.shape, MEMORY.shape)
    theirs.set_weights(shaped_like(ours, theirs))
    mask = np.broadcast_to(MEMORY_MASK[:, None], (BATCH, TIME, 7))
    expected = numpy(theirs(X, MEMORY, attention_mask=mask, return_attention_scores=True))
    for got, want in zip(numpy(ours(X, MEMORY, memory_mask=MEMORY_MASK)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_causal_equals_keras(numpy):
    ours = attention(causal=True)
    theirs = keras.layers.MultiHeadAttention(HEADS, key_dim=SIZE // HEADS)
    theirs.build(X.shape, X.shape)
    theirs.set_weights(shaped_like(ours, theirs))
    expected = numpy(theirs(X, X, use_causal_mask=True, return_attention_scores=True))
    for got, want in zip(numpy(ours(X, X)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_equals_pytorch(causal, numpy):
    torch = pytest.importorskip("torch", reason="needs PyTorch: make test-backends installs it")
    ours = attention(causal=causal)
    theirs = torch.nn.MultiheadAttention(SIZE, HEADS, batch_first=True)
    q, b, k, c, v, d, o, e = (ops.convert_to_numpy(w) for w in ours.weights)
    state = {
        "in_proj_weight": np.concatenate([q, k, v], axis=1).T,
        "in_proj_bias": np.concatenate([b, c, d]),
        "out_proj.weight": o.T,
        "out_proj.bias": e,
    }
    theirs.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 1, 1, 0]], bool)
    x = torch.tensor(X)
    unseen = ~torch.tril(torch.ones(TIME, TIME, dtype=torch.bool)) if causal else None
    with torch.no_grad():
        padding = torch.tensor(~mask)
        expected = theirs(x, x, x, key_padding_mask=padding, attn_mask=unseen, average_attn_weights=False)
    for got, want in zip(numpy(ours(X, X, memory_mask=mask)), expected, strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol=1e-5)


@pytest.mark.parametrize("positions", [None, "relative", "rotary"])
def test_causal_steps_do_not_depend_on_later_ones(positions, numpy):
    layer = attention(causal=True, positions=positions, max_distance=2)
    whole = numpy(layer(X, X)[0])
    for t in range(1, TIME):
        np.testing.assert_allclose(numpy(layer(X[:, :t], X[:, :t])[0]), whole[:, :t], atol=1e-5)


@pytest.fixture(params=[2, 3, 32])
def block(request, monkeypatch):
    """Caches with a past, and one of a single block."""
    monkeypatch.setattr(key_value_cache, "BLOCK", request.param)
    monkeypatch.setattr(key_value_cache, "SHORT", 64 if request.param > TIME else 0)


@pytest.mark.parametrize("positions", [None, "relative", "rotary"])
def test_stepping_with_a_cache_equals_the_whole(positions, numpy, block):
    """Rows of a cache may be chosen on the way, as beam search does, and stand at different places."""
    layer = attention(causal=True, positions=positions, max_distance=2)
    contexts, weights = numpy(layer(X, X))
    cache, earlier = layer.start_cache(BATCH, TIME + 2), []
    for t in range(TIME):
        context, alignment, cache = layer.step(ops.convert_to_tensor(X[:, t]), cache)
        np.testing.assert_allclose(numpy(context), contexts[:, t], atol=1e-5)
        np.testing.assert_allclose(numpy(alignment)[..., :TIME], weights[:, :, t], atol=1e-5)
        assert not np.any(numpy(alignment)[..., TIME:])
        earlier.append(cache)
    for steps in range(1, TIME):
        mixed = keras.tree.map_structure(lambda a, b: ops.stack([a[2], b[0]]), earlier[steps - 1], cache)
        sequences = [X[2, :steps], X[0]]
        for _ in range(2):
            other = RNG.normal(size=(2, SIZE)).astype("float32")
            context, _, mixed = layer.step(ops.convert_to_tensor(other), mixed)
            for row in range(2):
                sequences[row] = np.concatenate([sequences[row], other[row : row + 1]])
                whole = numpy(layer(sequences[row][None], sequences[row][None])[0])[0, -1]
                np.testing.assert_allclose(numpy(context)[row], whole, atol=1e-5)


@pytest.mark.parametrize("positions", [None, "relative", "rotary"])
def test_a_prefilled_cache_equals_one_that_was_stepped(positions, numpy, block):
    """Rows of any length, none included, whatever stands behind it; the next steps see what was filled in."""
    layer = attention(causal=True, positions=positions, max_distance=2)
    contexts = numpy(layer(X, X)[0])
    for lengths in ([0, 1, TIME], [TIME - 1, 2, 3], [0, 0, 0]):
        lengths = np.array(lengths, "int32")
        padded = np.where(np.arange(TIME)[None, :, None] < lengths[:, None, None], X, 9.0).astype("float32")
        cache = layer.start_cache(BATCH, TIME + 3)
        found, cache = layer.prefill(ops.convert_to_tensor(padded), cache, ops.convert_to_tensor(lengths))
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(numpy(found)[row, :length], contexts[row, :length], atol=1e-5)
        following = RNG.normal(size=(BATCH, 3, SIZE)).astype("float32")
        for t in range(3):
            context, _, cache = layer.step(ops.convert_to_tensor(following[:, t]), cache)
            for row, length in enumerate(lengths):
                sequence = np.concatenate([X[row, :length], following[row, : t + 1]])[None]
                np.testing.assert_allclose(numpy(context)[row], numpy(layer(sequence, sequence)[0])[0, -1], atol=1e-5)


@pytest.mark.parametrize("positions", [None, "relative", "rotary"])
def test_a_cache_is_the_state_of_a_compiled_loop(positions, numpy, block):
    """Its shapes are fixed: in a `tf.while_loop`, in JAX's scan and in a Python loop for PyTorch."""
    from keras_seq.recurrent.loop import run_loop

    layer = attention(causal=True, positions=positions, max_distance=2)

    def run(x):
        cache = layer.start_cache(BATCH, TIME)

        def step(inputs, states):
            context, _, following = layer.step(inputs, keras.tree.pack_sequence_as(cache, states))
            return context, keras.tree.flatten(following)

        states = keras.tree.flatten(cache)
        return run_loop(step, ops.swapaxes(x, 0, 1), states, ops.zeros((BATCH, SIZE)))[0]

    backend, x = keras.backend.backend(), ops.convert_to_tensor(X)
    if backend == "jax":
        import jax

        with jax.disable_jit(False):
            outputs = jax.jit(run)(x)
    elif backend == "tensorflow":
        import tensorflow as tf

        outputs = tf.function(run, autograph=False)(x)
    else:
        outputs = run(x)
    np.testing.assert_allclose(numpy(outputs).swapaxes(0, 1), numpy(layer(X, X)[0]), atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow's graphs have such lengths")
@pytest.mark.parametrize("room", [1, 2, 5])
def test_a_cache_of_a_length_that_only_the_graph_knows(room, numpy, monkeypatch):
    """Also one that has room for no past."""
    import tensorflow as tf

    monkeypatch.setattr(key_value_cache, "BLOCK", 2)
    layer = attention(causal=True)

    @tf.function(autograph=False)
    def run(x, max_length):
        contexts, cache = [], layer.start_cache(BATCH, max_length)
        for t in range(room):
            context, _, cache = layer.step(x[:, t], cache)
            contexts.append(context)
        return tf.stack(contexts, axis=1)

    contexts = numpy(run(tf.constant(X), tf.constant(room)))
    np.testing.assert_allclose(contexts, numpy(layer(X, X)[0])[:, :room], atol=1e-5)


def test_dropout_leaves_the_returned_weights_alone(numpy):
    layer = attention(causal=True, dropout=0.5, seed=1)
    contexts, weights = numpy(layer(X, X))
    dropped, same = numpy(layer(X, X, training=True))
    np.testing.assert_array_equal(weights, same)
    assert np.abs(dropped - contexts).max() > 0.1
    assert np.abs(numpy(layer(X, X, training=True)[0]) - dropped).max() > 0.1


def test_without_bias(numpy):
    layer = attention(6, head_size=3, use_bias=False)
    assert all(w.name.endswith("kernel") for w in layer.weights)
    contexts = numpy(layer(X, MEMORY, memory_mask=np.zeros((BATCH, 7), bool))[0])
    assert not np.any(contexts)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: attention(positions="learned"), r"`positions` must be one of .* Received"),
        (lambda: attention(dropout=1.0), r"`dropout` must be in \[0, 1\). Received"),
        (lambda: keras_seq.MultiHeadAttention(3)(X, X), r"must be a multiple of `heads`. Received"),
        (lambda: keras_seq.MultiHeadAttention(8, positions="rotary")(X, X), r"heads of an even size. Received"),
        (lambda: attention().start_cache(1, 4), r"Only a causal attention"),
        (lambda: attention(causal=True)(X, X[:, :3]), r"are for self-attention"),
        (lambda: attention(causal=True)(X[:, 0], X), r"`step\(inputs, cache\)`"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

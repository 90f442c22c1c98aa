"""The same numbers as PyTorch's Transformer, with its weights mapped to ours."""

import keras
import numpy as np
import pytest

import keras_seq

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-backends installs it")

SIZE, HEADS, HIDDEN, BATCH, TIME, MEMORY_TIME, WORDS = 8, 2, 6, 3, 5, 4, 7
RNG = np.random.default_rng(2)
X = RNG.normal(size=(BATCH, TIME, SIZE)).astype("float32")
MEMORY = RNG.normal(size=(BATCH, MEMORY_TIME, SIZE)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
MEMORY_MASK = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]], bool)
ACTIVATIONS = {"relu": torch.nn.functional.relu, "gelu": torch.nn.functional.gelu}


def array(tensor):
    return tensor.detach().numpy()


def dense(theirs):
    return [array(theirs.weight).T, array(theirs.bias)]


def norm(theirs):
    return [array(theirs.weight), array(theirs.bias)]


def attention(theirs):
    weights = [part.T for part in np.split(array(theirs.in_proj_weight), 3)]
    biases = np.split(array(theirs.in_proj_bias), 3)
    projections = [value for pair in zip(weights, biases, strict=True) for value in pair]
    return projections + dense(theirs.out_proj)


def carry_over(ours, theirs):
    """Give one of our Transformer layers the weights of PyTorch's."""
    ours.self_attention.set_weights(attention(theirs.self_attn))
    ours.self_connection.norm.set_weights(norm(theirs.norm1))
    ours.feed_forward.set_weights(dense(theirs.linear1) + dense(theirs.linear2))
    ours.feed_forward_connection.norm.set_weights(norm(theirs.norm3 if hasattr(theirs, "norm3") else theirs.norm2))
    if hasattr(theirs, "multihead_attn"):
        ours.cross_attention.set_weights(attention(theirs.multihead_attn))
        ours.cross_connection.norm.set_weights(norm(theirs.norm2))


def randomised(module):
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module.eval()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pre_norm", [True, False])
def test_the_encoder_equals_pytorchs(pre_norm, activation):
    layer = torch.nn.TransformerEncoderLayer(
        SIZE, HEADS, HIDDEN, activation=ACTIVATIONS[activation], batch_first=True, norm_first=pre_norm
    )
    last = torch.nn.LayerNorm(SIZE) if pre_norm else None
    theirs = randomised(torch.nn.TransformerEncoder(layer, 2, last, enable_nested_tensor=False))
    ours = keras_seq.TransformerEncoder(
        2,
        HEADS,
        HIDDEN,
        positions=None,
        pre_norm=pre_norm,
        activation=activation if activation == "relu" else lambda x: keras.activations.gelu(x, approximate=False),
        scale_inputs=False,
    )
    ours.build((None, None, SIZE))
    for one, other in zip(ours.stack, theirs.layers, strict=True):
        carry_over(one, other)
    if pre_norm:
        ours.norm.set_weights(norm(theirs.norm))
    expected = array(theirs(torch.tensor(X), src_key_padding_mask=torch.tensor(~MASK)))
    found = keras.ops.convert_to_numpy(ours(X, mask=MASK))
    np.testing.assert_allclose(found[MASK], expected[MASK], atol=1e-5)


@pytest.mark.parametrize("pre_norm", [True, False])
def test_the_decoder_equals_pytorchs(pre_norm):
    layer = torch.nn.TransformerDecoderLayer(SIZE, HEADS, HIDDEN, batch_first=True, norm_first=pre_norm)
    theirs = randomised(torch.nn.TransformerDecoder(layer, 2, torch.nn.LayerNorm(SIZE) if pre_norm else None))
    ours = keras_seq.TransformerDecoder(WORDS, SIZE, 2, HEADS, HIDDEN, positions=None, pre_norm=pre_norm)
    targets = RNG.integers(1, WORDS, (BATCH, TIME))
    ours(targets, MEMORY)
    for one, other in zip(ours.stack, theirs.layers, strict=True):
        carry_over(one, other)
    if pre_norm:
        ours.norm.set_weights(norm(theirs.norm))
    embeddings = RNG.normal(size=(WORDS, SIZE)).astype("float32")
    ours.embedding.set_weights([embeddings])
    outputs = theirs(
        torch.tensor(embeddings[targets] * np.sqrt(SIZE, dtype="float32")),
        torch.tensor(MEMORY),
        tgt_mask=torch.nn.Transformer.generate_square_subsequent_mask(TIME),
        memory_key_padding_mask=torch.tensor(~MEMORY_MASK),
    )
    found = keras.ops.convert_to_numpy(ours(targets, MEMORY, memory_mask=MEMORY_MASK))
    np.testing.assert_allclose(found, array(outputs) @ embeddings.T, atol=2e-5)

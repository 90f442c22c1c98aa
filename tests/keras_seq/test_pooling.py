import numpy as np
import pytest
from keras import ops

import keras_seq

X = np.random.default_rng(4).normal(size=(3, 6, 4)).astype("float32")


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def attentive(layer):
    kernel, bias, context = layer.get_weights()
    return lambda steps: softmax((np.tanh(steps @ kernel + bias) @ context)[:, 0]) @ steps


POOLINGS = {
    "last": (keras_seq.LastPooling, lambda layer: lambda steps: steps[-1]),
    "mean": (keras_seq.MeanPooling, lambda layer: lambda steps: steps.mean(axis=0)),
    "max": (keras_seq.MaxPooling, lambda layer: lambda steps: steps.max(axis=0)),
    "attentive": (lambda: keras_seq.AttentivePooling(5), attentive),
    "concatenated": (
        lambda: keras_seq.ConcatenatedPooling([keras_seq.MaxPooling(), keras_seq.LastPooling()]),
        lambda layer: lambda steps: np.concatenate([steps.max(axis=0), steps[-1]]),
    ),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_equals_the_pooling_of_each_row_alone(name, mask, numpy):
    make, oracle = POOLINGS[name]
    layer = make()
    layer.build(X.shape)
    layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.weights])
    pooled = numpy(layer(X, mask=mask))
    assert pooled.shape == tuple(layer.compute_output_shape(X.shape))
    for row in range(3):
        steps = X[row] if mask is None else X[row][mask[row]]
        expected = oracle(layer)(steps) if len(steps) else np.zeros(pooled.shape[-1])
        np.testing.assert_allclose(pooled[row], expected, atol=1e-6)


@pytest.mark.parametrize("name", POOLINGS)
def test_what_is_under_the_mask_does_not_matter(name, numpy):
    layer = POOLINGS[name][0]()
    mask = np.array([[1, 1, 0, 0, 1, 0]] * 3, bool)
    poisoned = np.where(mask[..., None], X, np.float32(9e3))
    np.testing.assert_allclose(numpy(layer(poisoned, mask=mask)), numpy(layer(X, mask=mask)), atol=1e-6)


def test_mean_of_many_steps_in_half_precision(numpy):
    """Summed in bfloat16, 4,000 ones would stop at 256."""
    layer = keras_seq.MeanPooling(dtype="mixed_bfloat16")
    pooled = numpy(ops.cast(layer(np.ones((1, 4000, 2), "float32")), "float32"))
    np.testing.assert_array_equal(pooled, np.ones((1, 2)))


def test_attention_weights_sum_to_one_over_valid_steps(mask, numpy):
    layer = keras_seq.AttentivePooling()
    layer.build(X.shape)
    valid = np.ones((3, 6), bool) if mask is None else mask
    weights = numpy(layer.weights_of_steps(ops.convert_to_tensor(X), ops.convert_to_tensor(valid)))
    assert np.all(weights[~valid] == 0)
    np.testing.assert_allclose(weights.sum(axis=1), valid.any(axis=1).astype(float), atol=1e-6)

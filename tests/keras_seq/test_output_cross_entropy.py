"""The cross entropy of an output layer: that of its logits, its gradients too, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.training import cross_entropy, output_cross_entropy

BATCH, TIME, FEATURES, SIZE = 3, 5, 4, 11
RNG = np.random.default_rng(5)
HIDDEN = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
KERNEL = RNG.normal(size=(FEATURES, SIZE)).astype("float32")
BIAS = RNG.normal(size=SIZE).astype("float32")
WEIGHTS = (np.arange(BATCH * TIME).reshape(BATCH, TIME) % 4 * 0.7).astype("float32")
LABELS = np.where(WEIGHTS > 0, RNG.integers(0, SIZE, size=(BATCH, TIME)), -100)  # what does not count may be anything
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a gradient by hand on TensorFlow")


def from_logits(kernel, bias, features, weights, smoothing):
    logits = ops.matmul(features, kernel) + (0 if bias is None else bias)
    return cross_entropy(np.maximum(LABELS, 0), logits, weights, smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("bias", [BIAS, None], ids=["bias", "no bias"])
def test_the_cross_entropy_of_the_logits(bias, smoothing, numpy):
    found = numpy(output_cross_entropy(KERNEL, bias, HIDDEN, LABELS, WEIGHTS, smoothing))
    np.testing.assert_allclose(found, numpy(from_logits(KERNEL, bias, HIDDEN, WEIGHTS, smoothing)), rtol=1e-5)
    found = numpy(output_cross_entropy(KERNEL, bias, HIDDEN, np.maximum(LABELS, 0)))
    np.testing.assert_allclose(found, numpy(from_logits(KERNEL, bias, HIDDEN, None, 0.0)), rtol=1e-5)


@on_tensorflow
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("weights", [WEIGHTS, np.zeros_like(WEIGHTS)], ids=["some", "none"])
def test_its_gradients_are_those_of_the_logits(weights, bias, smoothing):
    import tensorflow as tf

    given = [tf.Variable(value) for value in ([KERNEL, HIDDEN, BIAS] if bias else [KERNEL, HIDDEN])]
    results = []
    for by_hand in (True, False):
        with tf.GradientTape() as tape:
            kernel, features, *rest = given
            own = rest[0] if rest else None
            if by_hand:
                total, _ = output_cross_entropy(kernel, own, features, LABELS, weights, smoothing)
            else:
                total, _ = from_logits(kernel, own, features, weights, smoothing)
            total = 3.0 * total
        results.append([gradient.numpy() for gradient in tape.gradient(total, given)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@on_tensorflow
def test_logits_far_apart_stay_finite():
    import tensorflow as tf

    features = tf.Variable(300 * HIDDEN)
    with tf.GradientTape() as tape:
        total, _ = output_cross_entropy(KERNEL, BIAS, features, LABELS, WEIGHTS)
    expected, _ = from_logits(KERNEL, BIAS, 300 * HIDDEN, WEIGHTS, 0.0)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
    assert np.isfinite(tape.gradient(total, features).numpy()).all()


@on_tensorflow
def test_half_precision_is_near():
    import tensorflow as tf

    total, count = output_cross_entropy(KERNEL, BIAS, tf.cast(HIDDEN, tf.bfloat16), LABELS, WEIGHTS, 0.1)
    expected, _ = from_logits(KERNEL, BIAS, HIDDEN, WEIGHTS, 0.1)
    assert total.dtype == count.dtype == tf.float32
    np.testing.assert_allclose(total, expected, rtol=0.02)


@on_tensorflow
def test_a_second_gradient_is_refused():
    import tensorflow as tf

    features = tf.Variable(HIDDEN)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            total, _ = output_cross_entropy(KERNEL, None, features, LABELS, WEIGHTS)
        first = inner.gradient(total, features)
    with pytest.raises(LookupError, match="use cross_entropy of the logits"):
        outer.gradient(first, features)


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_puts_out_features_in_training_alone(tied, numpy):
    decoder = keras_seq.models.TransformerDecoder(SIZE, size=8, layers=1, heads=2, tied_embeddings=tied)
    model = keras_seq.EncoderDecoder(SIZE, keras_seq.GRUCell(8), decoder, features_in_training=True)
    source, targets = np.array([[4, 5, 0]]), np.array([[2, 6, 7]])
    logits = numpy(model((source, targets)))
    features = model((source, targets), training=True)["features"]
    np.testing.assert_allclose(numpy(decoder.score(features)), logits, atol=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert again.features_in_training
    with pytest.raises(ValueError, match="`features_in_training` and `scheduled_sampling`"):
        keras_seq.EncoderDecoder(
            SIZE,
            keras_seq.GRUCell(8),
            keras_seq.RecurrentDecoder(SIZE, keras_seq.GRUCell(8)),
            scheduled_sampling=keras_seq.training.ScheduledSampling("constant", 0.5),
            features_in_training=True,
        )

import keras
import numpy as np
import pytest

import keras_seq

pytestmark = pytest.mark.skipif(keras.backend.backend() == "jax", reason="no gradients to watch on JAX")
RNG = np.random.default_rng(2)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")


def gradients(batch):
    """Of the mean squared error of a linear map whose weights are zero: of the kernel and of the bias."""
    x, y = X[4 * batch : 4 * batch + 4].astype("float64"), Y[4 * batch : 4 * batch + 4].astype("float64")
    return -2 * x.T @ y / y.size, -2 * y.sum(axis=0) / y.size


GRADIENTS = [gradients(batch) for batch in range(3)]
NORMS = [np.sqrt(sum((g**2).sum() for g in step)) for step in GRADIENTS]


def fit(optimizer, epochs=1, **options):
    """Train with a learning rate of zero, so that every epoch has the same gradients; the history."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros")(inputs))
    model.compile(optimizer, "mse", jit_compile=False)
    options = {"batch_size": 4, "epochs": epochs, "shuffle": False, "verbose": 0} | options
    return model, model.fit(X, Y, callbacks=[keras_seq.GradientMonitor()], **options).history


def test_norms_equal_the_gradients_by_hand():
    _, history = fit(keras.optimizers.SGD(0.0), epochs=2)
    np.testing.assert_allclose(history["gradient_norm"], [np.mean(NORMS)] * 2, rtol=1e-5)
    np.testing.assert_allclose(history["gradient_norm_max"], [max(NORMS)] * 2, rtol=1e-5)
    assert "gradient_clipped" not in history


def test_share_of_steps_that_global_clipnorm_shortens():
    _, history = fit(keras.optimizers.SGD(0.0, global_clipnorm=float(sorted(NORMS)[1] - 1e-4)))
    np.testing.assert_allclose(history["gradient_clipped"], [2 / 3], rtol=1e-6)
    np.testing.assert_allclose(history["gradient_norm"], [np.mean(NORMS)], rtol=1e-5)  # before clipping


def test_share_of_weights_that_clipnorm_shortens():
    norms = sorted(np.sqrt((g**2).sum()) for step in GRADIENTS for g in step)
    _, history = fit(keras.optimizers.SGD(0.0, clipnorm=float(norms[2] + norms[3]) / 2))
    np.testing.assert_allclose(history["gradient_clipped"], [3 / 6], rtol=1e-6)


def test_share_of_components_that_clipvalue_bounds():
    values = np.sort(np.concatenate([np.abs(g).ravel() for step in GRADIENTS for g in step]))
    _, history = fit(keras.optimizers.SGD(0.0, clipvalue=float(values[18] + values[19]) / 2))
    np.testing.assert_allclose(history["gradient_clipped"], [5 / 24], rtol=1e-6)


@pytest.mark.parametrize("scale", ["fixed", "dynamic"])
def test_loss_scaling_is_taken_out(scale):
    optimizer = keras.optimizers.SGD(0.0, loss_scale_factor=64.0 if scale == "fixed" else None)
    if scale == "dynamic":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    _, history = fit(optimizer)
    np.testing.assert_allclose(history["gradient_norm"], [np.mean(NORMS)], rtol=1e-5)


def test_training_goes_on_as_without_it():
    watched, _ = fit(keras.optimizers.Adam(0.1, global_clipnorm=0.5), epochs=2)
    plain = keras.models.clone_model(watched)
    plain.compile(keras.optimizers.Adam(0.1, global_clipnorm=0.5), "mse", jit_compile=False)
    plain.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(watched.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_leaves_the_optimizer_as_it_was_and_watches_again():
    model, first = fit(keras.optimizers.SGD(0.0))
    assert "apply" not in vars(model.optimizer)
    again = model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[keras_seq.GradientMonitor("g")]).history
    np.testing.assert_allclose(again["g_norm"], first["gradient_norm"], rtol=1e-6)
    assert "g_norm" not in model.fit(X, Y, verbose=0).history


def test_a_recurrent_network_over_words():
    """The gradients of an embedding are rows; and a training step of another kind is watched all the same."""
    encoder = keras_seq.Recurrent(keras_seq.ElmanCell(3), return_sequences=True, return_state=True)
    model = keras_seq.TruncatedBPTT(keras_seq.SequenceTagger(9, 9, embedding_size=4, encoder=encoder))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for clip in ({"global_clipnorm": 1e-6}, {"clipnorm": 1e-6}, {"clipvalue": 1e6}):
        model.compile(keras.optimizers.Adam(0.01, **clip), loss, run_eagerly="global_clipnorm" not in clip)
        ids = RNG.integers(1, 9, (4, 6))
        history = model.fit(ids[:, :-1], ids[:, 1:], verbose=0, callbacks=[keras_seq.GradientMonitor()]).history
        assert history["gradient_norm"][0] > 0
        assert history["gradient_clipped"] == [0.0 if "clipvalue" in clip else 1.0]

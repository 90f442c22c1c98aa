import keras
import numpy as np
import pytest

import keras_seq
from keras_seq.cells.esn import ReservoirInitializer

UNITS = 60


def reservoir(**options):
    cell = keras_seq.ESNCell(UNITS, **options)
    cell.build((None, 4))
    return cell.get_weights()[1]


@pytest.mark.parametrize("radius", [0.5, 0.95])
def test_largest_eigenvalue_is_the_spectral_radius(radius):
    eigenvalues = np.linalg.eigvals(reservoir(spectral_radius=radius).astype("float64"))
    np.testing.assert_allclose(np.abs(eigenvalues).max(), radius, rtol=1e-4)


def test_largest_singular_value_is_the_spectral_radius_with_norm2():
    kernel = reservoir(spectral_radius=0.8, use_norm2=True).astype("float64")
    np.testing.assert_allclose(np.linalg.svd(kernel)[1].max(), 0.8, rtol=1e-5)
    assert np.abs(np.linalg.eigvals(kernel)).max() < 0.79  # a bound, and not reached by a random matrix


@pytest.mark.parametrize("connectivity", [0.1, 0.5, 1.0])
def test_share_of_connections(connectivity):
    share = np.mean(reservoir(connectivity=connectivity) != 0)
    deviation = np.sqrt(connectivity * (1 - connectivity)) / UNITS
    assert abs(share - connectivity) <= 5 * deviation


def test_without_connections_nothing_is_remembered():
    assert not reservoir(connectivity=0.0).any()


def test_state_fades_below_radius_one(numpy):
    """Two copies that start apart and read the same end up together: the echo state property."""
    layer = keras_seq.ESN(UNITS, spectral_radius=0.7, use_norm2=True, return_state=True)
    rng = np.random.default_rng(0)
    x, starts = np.repeat(rng.normal(size=(1, 60, 4)), 2, axis=0), rng.normal(size=(2, UNITS))
    _, state = numpy(layer(x.astype("float32"), initial_state=starts.astype("float32")))
    assert np.linalg.norm(state[0] - state[1]) < 1e-4 * np.linalg.norm(starts[0] - starts[1])


def test_reservoir_is_not_trained():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras_seq.ESN(UNITS, bias_initializer="random_normal"), keras.layers.Dense(1, name="read_out")]
    )
    x, y = np.random.normal(size=(32, 5, 3)).astype("float32"), np.ones((32, 1), "float32")
    model.build((None, None, 3))
    model.trainable = True
    assert [w.path.split("/")[-2] for w in model.trainable_variables] == ["read_out", "read_out"]
    before = model.layers[0].get_weights()
    model.compile("sgd", "mse", jit_compile=False)
    losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for now, then in zip(model.layers[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_layer_equals_recurrent_over_the_cell(numpy):
    options = {"leaky": 0.4, "connectivity": 0.9, "use_bias": False}
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer = keras_seq.ESN(6, **options, return_sequences=True)
    layer.build(x.shape)
    other = keras_seq.Recurrent(keras_seq.ESNCell(6, **options), return_sequences=True)
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy(layer(x)), numpy(other(x)))


def test_layer_computes_in_its_own_precision():
    layer = keras_seq.ESN(6, dtype="bfloat16")
    assert keras.backend.standardize_dtype(layer(np.zeros((2, 5, 3))).dtype) == "bfloat16"
    assert {keras.backend.standardize_dtype(w.dtype) for w in layer.weights} == {"bfloat16"}


def test_same_seed_same_reservoir():
    kernels = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        kernels.append(reservoir())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).any()


def test_initializer_comes_back_from_its_config():
    one = ReservoirInitializer(0.3, 0.7, True, keras.initializers.RandomNormal(seed=1))
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(one))
    assert other.get_config() == one.get_config()
    cell = keras.layers.SimpleRNNCell(UNITS, recurrent_initializer=other)  # of use to any recurrent layer
    cell.build((None, 4))
    np.testing.assert_allclose(np.linalg.norm(cell.get_weights()[1], 2), 0.7, rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graphs")
def test_can_be_built_within_a_graph():
    import tensorflow as tf

    layer = keras_seq.ESN(UNITS)
    x = tf.random.normal((2, 5, 3))
    outputs = tf.function(lambda x: layer(x))(x)
    np.testing.assert_allclose(outputs, layer(x), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leaky": 0.0}, "`leaky` must be above 0"),
        ({"leaky": 1.5}, "`leaky` must be above 0"),
        ({"connectivity": 1.1}, r"`connectivity` must be in \[0, 1\]"),
        ({"spectral_radius": -0.1}, "`spectral_radius` must not be negative"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    for kind in (keras_seq.ESNCell, keras_seq.ESN):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            kind(3, **options)

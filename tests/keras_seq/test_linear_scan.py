"""Linear recurrences in parallel over time: the same numbers and the same gradients as step by step."""

import keras
import numpy as np
import pytest
from cases import FEATURES, MASKS, UNITS, Case
from differentiation import gradients
from keras import ops

import keras_seq
from keras_seq.recurrent import linear_scan as module
from keras_seq.recurrent.linear_scan import linear_scan

NAMES = ["sru", "sru_highway", "sru_peephole", "min_gru", "min_gru_tanh", "min_lstm", "qrnn", "qrnn_f", "qrnn_ifo"]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
RNG = np.random.default_rng(4)


pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """TensorFlow runs chunks of steps: let the six steps of a case be several, of two sizes."""
    if ON_TENSORFLOW:
        monkeypatch.setattr("keras_seq.recurrent.chunked.loop.CHUNK", 4)


def mask_of(name):
    return None if MASKS[name] is None else np.array(MASKS[name], bool)


def loss_of(layer, case, mask, training=True):
    """A loss that reaches every output and every final state with its own weight."""
    rng = np.random.default_rng(3)
    factors = [rng.normal(size=tensor.shape) for tensor in layer(case.sequences, mask=mask)]

    def loss(x):
        results = layer(x, initial_state=case.states, mask=mask, training=training)
        results = results if isinstance(results, (list, tuple)) else [results]
        weighted = [ops.multiply(tensor, factor) for tensor, factor in zip(results, factors, strict=True)]
        return sum(ops.sum(tensor) for tensor in weighted)

    return loss


def assert_gradients_of_the_loop(name, mask, training=True, **options):
    """The loop that is written out knows nothing of linear cells, and is differentiated automatically."""
    case, results = Case(name, dtype="float64"), []
    for unroll in (False, True):
        layer = case.layer(return_state=True, unroll=unroll, dtype="float64", **options)
        results.append(gradients(loss_of(layer, case, mask, training), layer, case.sequences.astype("float64")))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-11 if ON_TENSORFLOW else 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_loop(name):
    assert_gradients_of_the_loop(name, mask_of("holed"), return_sequences=True, go_backwards=True)


@pytest.mark.parametrize("name", ["sru", "min_gru_tanh", "qrnn"])
@pytest.mark.parametrize(
    ("mask_name", "options"),
    [
        ("none", {"return_sequences": True}),
        ("empty", {"return_sequences": True, "zero_output_for_mask": True}),
        ("left", {}),
    ],
)
def test_gradients_with_other_options(name, mask_name, options):
    assert_gradients_of_the_loop(name, mask_of(mask_name), **options)


@pytest.mark.parametrize("name", ["sru", "sru_peephole", "min_gru_tanh"])
def test_gradients_outside_of_training(name):
    assert_gradients_of_the_loop(name, mask_of("holed"), training=False, return_sequences=True)


@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_of_any_numbers(accelerated, reverse, numpy, monkeypatch):
    """Step by step and, as on an accelerator, as an associative scan."""
    monkeypatch.setattr(module, "has_accelerator", lambda: accelerated)
    a, b, start = RNG.normal(size=(11, 2, 3)), RNG.normal(size=(11, 2, 3)), RNG.normal(size=(2, 3))
    expected, c = np.empty_like(b), start
    for t in reversed(range(11)) if reverse else range(11):
        expected[t] = c = a[t] * c + b[t]
    got = numpy(linear_scan(*(ops.convert_to_tensor(x) for x in (a, b, start)), reverse))
    np.testing.assert_allclose(got, expected, atol=1e-12 if got.dtype == "float64" else 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_documents_in_one_row_equal_documents_alone(name, numpy):
    case = Case(name)
    layer = case.layer(return_sequences=True)
    reset = np.zeros((3, 6), bool)
    reset[0, 4] = reset[1, 1] = reset[1, 2] = True
    outputs = numpy(layer(case.sequences, reset=reset))
    for row, documents in enumerate(([(0, 4), (4, 6)], [(0, 1), (1, 2), (2, 6)], [(0, 6)])):
        for begin, end in documents:
            alone = numpy(layer(case.sequences[row : row + 1, begin:end]))
            np.testing.assert_allclose(outputs[row, begin:end], alone[0], atol=1e-6)


def test_bidirectional_and_stacked(numpy):
    """Drivers of drivers run the cells by their own interface."""
    sequences, mask = Case("sru").sequences, mask_of("right")
    layer = keras_seq.Stacked(
        [keras_seq.Bidirectional(keras_seq.Recurrent(keras_seq.SRUCell(2))), keras_seq.Recurrent(keras_seq.SRUCell(4))],
        return_sequences=True,
    )
    outputs = numpy(layer(sequences, mask=mask))
    for row in range(3):
        alone = numpy(layer(sequences[row : row + 1, : mask[row].sum()]))
        np.testing.assert_allclose(outputs[row, : mask[row].sum()], alone[0], atol=1e-6)


def test_a_window_that_is_longer_than_the_sequence(numpy):
    case = Case("qrnn_ifo")
    for length in (1, 2):
        outputs, *states = numpy(
            case.layer(return_sequences=True, return_state=True)(
                case.sequences[:, :length], initial_state=case.states, mask=np.ones((3, length), bool)
            )
        )
        expected, expected_states = case.oracle(states=case.states, sequences=case.sequences[:, :length])
        for got, wanted in zip([outputs, *states], [expected, *expected_states], strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_highway_of_a_deep_network_keeps_the_variance(numpy):
    """What `alpha` is for: without it inputs fade from layer to layer."""
    x = np.random.default_rng(0).normal(size=(16, 40, 32)).astype("float32")
    spread = {}
    for rescale in (True, False):
        keras.utils.set_random_seed(2)
        y = x
        for _ in range(10):
            y = keras_seq.Recurrent(keras_seq.SRUCell(32, rescale=rescale), return_sequences=True)(y)
        spread[rescale] = numpy(y).std()
    assert spread[False] < 0.2 < 0.5 < spread[True] < 2


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`pooling` must be one of \['f', 'fo', 'ifo'\]. Received: pooling='of'"):
        keras_seq.QRNNCell(3, pooling="of")
    with pytest.raises(ValueError, match=r"`window` must be a positive integer. Received: window=0"):
        keras_seq.QRNNCell(3, window=0)
    with pytest.raises(ValueError, match=r"`units` must be a positive integer"):
        keras_seq.SRUCell(-1)


if ON_TENSORFLOW:
    import tensorflow as tf

    @pytest.mark.parametrize("name", NAMES)
    def test_a_graph_that_knows_no_sizes(name):
        """Shorter than a chunk, one chunk, and several with steps left over."""
        case = Case(name)
        layer = case.layer(return_sequences=True, return_state=True)

        @tf.function(
            input_signature=[tf.TensorSpec([None, None, FEATURES]), tf.TensorSpec([None, None], tf.bool)],
            autograph=False,
        )
        def graph(x, mask):
            with tf.GradientTape() as tape:
                tape.watch(x)
                results = layer(x, mask=mask, training=True)
                loss = tf.reduce_sum(results[0] ** 2)
            return *results, tape.gradient(loss, x)

        for time in (0, 3, 4, 9):
            sequences = RNG.normal(size=(2, time, FEATURES)).astype("float32")
            mask = RNG.integers(2, size=(2, time)).astype(bool)
            outputs, *states, slope = graph(sequences, mask)
            assert slope.shape == sequences.shape
            expected, expected_states = case.oracle(mask, sequences=sequences)
            np.testing.assert_allclose(outputs.numpy()[mask], expected[mask], atol=1e-5)
            for state, wanted in zip(states, expected_states, strict=True):
                np.testing.assert_allclose(state, wanted, atol=1e-5)

    @pytest.mark.parametrize("name", ["sru", "min_gru_tanh"])
    def test_gradient_of_a_gradient(name):
        """Penalties on gradients differentiate twice."""
        case, penalties = Case(name, dtype="float64"), []
        x = tf.constant(case.sequences, tf.float64)
        for unroll in (False, True):
            layer = case.layer(return_sequences=True, unroll=unroll, dtype="float64")
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    loss = tf.reduce_sum(layer(x, training=True) ** 2)
                value = tf.reduce_sum(inner.gradient(loss, x) ** 2)
            penalties.append(outer.gradient(value, x))
        np.testing.assert_allclose(*penalties, rtol=1e-9)

    @pytest.mark.parametrize("name", ["sru", "min_lstm", "qrnn_f"])
    def test_half_precision_gradients_stay_close(name):
        results = []
        for dtype in ("float32", "mixed_bfloat16"):
            case = Case(name, dtype=dtype)
            layer = case.layer(return_sequences=True, dtype=dtype)
            with tf.GradientTape() as tape:
                outputs = layer(tf.constant(case.sequences), training=True)
                loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 2)
            results.append(tape.gradient(loss, [weight.value for weight in case.cell.trainable_variables]))
        for got, expected in zip(*results, strict=True):
            assert got.dtype == tf.float32
            assert np.linalg.norm(expected - got) < 0.05 * np.linalg.norm(expected)

    def test_other_cells_of_the_kind_have_their_own_equations():
        """A subclass may change what it computes, so it does not get the derived gradient of its base."""

        class Other(keras_seq.MinGRUCell):
            def read_out(self, projected, states):
                return 2 * states[0]

        sequences = Case("min_gru").sequences
        layer, plain = (keras_seq.Recurrent(kind(UNITS)) for kind in (Other, keras_seq.MinGRUCell))
        layer(sequences), plain(sequences)
        layer.set_weights(plain.get_weights())
        np.testing.assert_allclose(layer(sequences, training=True), 2 * plain(sequences), atol=1e-6)

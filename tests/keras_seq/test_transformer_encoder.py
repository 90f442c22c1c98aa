"""The encoder of a Transformer: masks, positions, options; PyTorch's is its oracle in tests/parity."""

import math

import keras
import numpy as np
import pytest

import keras_seq

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 5, 6)).astype("float32")
MASK = np.array([[1, 0, 1, 1, 0], [0, 1, 0, 1, 0]], bool)


def encoder(**options):
    layer = keras_seq.TransformerEncoder(**{"layers": 2, "heads": 3, "hidden_size": 4, **options})
    layer.build((None, None, 6))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "relative", "rotary", None])
def test_padding_anywhere_changes_nothing(positions, pre_norm, numpy):
    layer = encoder(positions=positions, pre_norm=pre_norm)
    outputs = numpy(layer(X, mask=MASK))
    for row in range(2):
        alone = numpy(layer(X[row : row + 1, MASK[row]]))
        np.testing.assert_allclose(outputs[row, MASK[row]], alone[0], atol=2e-5)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "relative", "rotary", None])
def test_the_order_counts_where_there_are_positions(positions, numpy):
    layer = encoder(positions=positions)
    difference = np.abs(numpy(layer(X[:, ::-1].copy()))[:, ::-1] - numpy(layer(X))).max()
    assert (difference > 1e-2) == (positions is not None)


def test_inputs_are_scaled(numpy):
    scaled, plain = encoder(positions=None), encoder(positions=None, scale_inputs=False)
    np.testing.assert_allclose(numpy(scaled(X)), numpy(plain(X * np.sqrt(6, dtype="float32"))), atol=1e-5)


def test_learned_positions(numpy):
    layer = keras_seq.LearnedPositions(4, "normal")
    outputs = numpy(layer(X, mask=MASK))
    table = layer.get_weights()[0]
    assert table.shape == (4, 6)
    np.testing.assert_allclose(outputs[0, [0, 2, 3]], X[0, [0, 2, 3]] + table[:3], atol=1e-6)
    np.testing.assert_allclose(numpy(layer(X))[:, 3:], X[:, 3:] + table[[3, 3]], atol=1e-6)  # beyond the last one
    np.testing.assert_allclose(numpy(layer(X[:, 0], places=np.array([2, 1]))), X[:, 0] + table[[2, 1]], atol=1e-6)


def test_dropout_while_training_alone(numpy):
    layer = encoder(dropout=0.3, seed=3)
    assert np.abs(numpy(layer(X, training=True)) - numpy(layer(X))).max() > 0.1
    np.testing.assert_array_equal(numpy(layer(X)), numpy(layer(X)))


@pytest.mark.parametrize("inner_dropout", [0.0, 0.4, None])
def test_inner_dropout_is_of_what_parts_do_and_not_of_what_they_put_out(inner_dropout, numpy):
    options = {"layers": 1, "positions": None, "dropout": 0.5, "inner_dropout": inner_dropout, "seed": 3}
    layer = encoder(**options)
    layer.dropout.rate = 0.0  # of the inputs
    [stacked] = layer.stack
    stacked.feed_forward.outer.set_weights([np.zeros((4, 6)), np.zeros(6)])  # what attention puts out remains
    layer.norm = None
    added, dropped = (numpy(layer(X, training=training)) - math.sqrt(6) * X for training in (False, True))
    multiples = dropped / added
    whole = np.isclose(multiples, 0, atol=1e-3) | np.isclose(multiples, 2, atol=1e-3)
    assert whole.all() == (inner_dropout == 0)
    assert 0 < np.isclose(multiples, 0, atol=1e-3).mean() < 1


def test_encodes_for_a_classifier(numpy):
    """It stands wherever a recurrent encoder does."""
    model = keras_seq.SequenceClassifier(9, 3, embedding_size=6, encoder=keras_seq.TransformerEncoder(1, 2))
    ids = np.array([[3, 4, 5, 0, 0], [5, 6, 0, 0, 0]])
    assert numpy(model(ids)).shape == (2, 3)
    np.testing.assert_allclose(numpy(model(ids[:, :3])), numpy(model(ids)), atol=1e-5)


def test_half_precision(numpy):
    whole, half = encoder(positions="rotary"), encoder(positions="rotary", dtype="mixed_bfloat16")
    outputs = half(X, mask=MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    np.testing.assert_allclose(numpy(outputs).astype("float32")[MASK], numpy(whole(X, mask=MASK))[MASK], atol=0.15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 0}, "`heads` must be a positive integer"),
        ({"hidden_size": 0}, "`hidden_size` must be a positive integer"),
        ({"positions": "absolute"}, "`positions` must be one of"),
        ({"dropout": 1}, r"`dropout` must be in \[0, 1\)"),
        ({"inner_dropout": 1}, r"`inner_dropout` must be None or in \[0, 1\)"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        keras_seq.TransformerEncoder(**options)

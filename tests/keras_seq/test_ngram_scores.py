import keras
import numpy as np
import pytest

import keras_seq


def ngrams_of(row, order, first_token=2):
    """Every n-gram of a row, with the place where it begins."""
    row = list(row)
    for length in range(1, order + 1):
        for start in range(len(row) - length + 1):
            ngram = tuple(row[start : start + length])
            if min(ngram) >= first_token:
                yield start, ngram


def key_of(layer, ngram, numpy):
    keys, there = layer.keys(np.array([ngram], np.int32))
    assert numpy(there)[0, len(ngram) - 1, 0]
    return int(numpy(keys)[0, len(ngram) - 1, 0])


@pytest.fixture
def filled(numpy):
    """A layer with random weights for half of the n-grams of some texts, these texts, and the weights by n-gram."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 7, (5, 12)).astype(np.int32)
    ids[1, 7:] = ids[3, 1:] = ids[4] = 0
    layer = keras_seq.NgramScores(classes=3, size=400, order=3)
    known = sorted({ngram for row in ids for _, ngram in ngrams_of(row, 3)})[::2]
    weights = {ngram: rng.normal(size=3).astype(np.float32) for ngram in known}
    keys = np.array([key_of(layer, ngram, numpy) for ngram in known], np.int32)
    layer.set_ngrams(keys, np.array(list(weights.values())), np.array([0.1, 0.2, -0.3], np.float32))
    return layer, ids, weights


def test_scores_sum_to_the_weights_of_the_ngrams_that_occur(filled, numpy):
    layer, ids, weights = filled
    scores = numpy(layer(ids))
    assert scores.shape == (5, 12, 3)
    for row, score in zip(ids, scores, strict=True):
        there = {ngram for _, ngram in ngrams_of(row, 3)}
        expected = sum((weights[ngram] for ngram in there if ngram in weights), np.zeros(3))
        np.testing.assert_allclose(score.sum(axis=0), expected, atol=1e-5)
        assert not score[row == 0].any()


def test_the_weight_of_an_ngram_lies_on_its_tokens(numpy):
    layer = keras_seq.NgramScores(classes=2, size=3)
    layer.set_ngrams(np.array([key_of(layer, (5, 6, 7), numpy)], np.int32), np.array([[3.0, -6.0]]), np.zeros(2))
    expected = np.zeros((1, 6, 2))
    expected[0, 2:5] = [1, -2]
    np.testing.assert_allclose(numpy(layer(np.array([[7, 6, 5, 6, 7, 4]]))), expected)


def test_padding_changes_nothing(filled, numpy):
    layer, ids, _ = filled
    scores = numpy(layer(ids))
    for row, length in ((1, 7), (3, 1)):
        np.testing.assert_allclose(numpy(layer(ids[row : row + 1, :length]))[0], scores[row, :length], atol=1e-6)
    left = np.concatenate([np.zeros((5, 4), np.int32), ids], axis=1)
    np.testing.assert_allclose(numpy(layer(left))[:, 4:].sum(axis=1), scores.sum(axis=1), atol=1e-5)


def test_every_ngram_has_a_key_of_its_own(numpy):
    """All bigrams of 500 words: of 250,000 keys of 32 bits, seven pairs are expected to be the same by chance."""
    layer = keras_seq.NgramScores(classes=2, size=1, order=2)
    first, second = np.meshgrid(np.arange(2, 502), np.arange(2, 502))
    keys, there = layer.keys(np.stack([first.ravel(), second.ravel()], axis=1))
    assert numpy(there)[:, :, 0].all()
    assert not numpy(there)[:, 1, 1].any()
    found = np.concatenate([numpy(keys)[:, 1, 0], np.unique(numpy(keys)[:, 0])])
    assert len(np.unique(found)) > len(found) - 30


def test_no_known_ngram_scores_nothing(numpy):
    layer = keras_seq.NgramScores(classes=2, size=5)
    assert not numpy(layer(np.array([[5, 6, 7], [0, 0, 0]]))).any()
    assert numpy(layer(np.zeros((2, 1), np.int32))).shape == (2, 1, 2)


def test_no_room_for_so_many():
    layer = keras_seq.NgramScores(classes=2, size=2)
    with pytest.raises(ValueError, match="at most 2 n-grams"):
        layer.set_ngrams(np.arange(3, dtype=np.int32), np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="order"):
        keras_seq.NgramScores(classes=2, size=2, order=0)


def test_classifier_averages_both_but_not_in_training(filled, tmp_path, numpy):
    layer, ids, _ = filled
    model = keras_seq.SequenceClassifier(10, 3, embedding_size=4, ngrams=layer, ngram_share=0.3)
    plain = keras_seq.SequenceClassifier(10, 3, embedding_size=4)
    model(ids), plain(ids)
    plain.embedding.embeddings.assign(model.embedding.embeddings)
    plain.head.set_weights(model.head.get_weights())
    both = numpy(model(ids))
    added = numpy(layer(ids)).sum(axis=1) + numpy(layer.bias)
    np.testing.assert_allclose(both, 0.7 * numpy(plain(ids)) + 0.3 * added, atol=1e-5)
    np.testing.assert_allclose(numpy(model(ids, training=True)), numpy(plain(ids)), atol=1e-6)
    path = tmp_path / "model.keras"
    model.save(path)
    np.testing.assert_array_equal(numpy(keras.saving.load_model(path)(ids)), both)

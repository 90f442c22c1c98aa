import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipelines.text.ngram_weights import STRENGTH, ngram_weights


def corpus(classes, texts=60, words=12):
    """Texts as lists of keys, the class of each, and both as arrays; word 100 + c is more frequent in class c."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, texts)
    rows = [[*rng.integers(0, words, 6), *([100 + label] if rng.random() < 0.8 else [])] for label in labels]
    rows[0].append(999)  # in a single text
    where = np.repeat(np.arange(texts), [len(row) for row in rows])
    return rows, labels, where, np.concatenate(rows)


def fitted(rows, own, keys):
    """The same model from dense features."""
    occurs = np.array([[key in row for key in keys] for row in rows], float)
    there, elsewhere = occurs[own].sum(axis=0) + 1, occurs[~own].sum(axis=0) + 1
    ratio = np.log(there / there.sum()) - np.log(elsewhere / elsewhere.sum())
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0).fit(occurs * ratio, own)
    return model.coef_[0] * ratio, model.intercept_[0]


def test_two_classes_are_one_model():
    rows, labels, where, keys = corpus(2)
    found, weights, bias = ngram_weights(where, keys, labels, 2, 1000)
    assert sorted(found) == [*range(12), 100, 101]
    expected, intercept = fitted(rows, labels == 1, found)
    np.testing.assert_allclose(weights[:, 1] - weights[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(bias[1] - bias[0], intercept, atol=1e-5)
    assert set(found[np.argsort(-np.abs(weights[:, 0]))[:2]]) == {100, 101}


def test_more_classes_are_each_against_the_rest():
    rows, labels, where, keys = corpus(3)
    found, weights, bias = ngram_weights(where, keys, labels, 3, 1000)
    for label in range(3):
        expected, intercept = fitted(rows, labels == label, found)
        np.testing.assert_allclose(weights[:, label], expected, atol=1e-5)
        np.testing.assert_allclose(bias[label], intercept, atol=1e-5)
        assert found[np.argmax(weights[:, label])] == 100 + label


def test_keeps_those_that_say_most():
    _, labels, where, keys = corpus(2)
    found, weights, _ = ngram_weights(where, keys, labels, 2, 1000)
    fewer, kept, _ = ngram_weights(where, keys, labels, 2, 3)
    strongest = np.argsort(-np.abs(weights[:, 0]))[:3]
    assert list(fewer) == list(found[strongest])
    np.testing.assert_array_equal(kept, weights[strongest])


@pytest.mark.parametrize("labels", [np.zeros(60, int), np.ones(60, int)])
def test_a_single_class_says_nothing(labels):
    _, _, where, keys = corpus(2)
    _, weights, bias = ngram_weights(where, keys, labels, 2, 1000)
    assert not weights.any()
    assert not bias.any()


def test_no_text_shares_a_word():
    found, weights, bias = ngram_weights(np.arange(4), np.arange(4), np.array([0, 1, 0, 1]), 2, 10)
    assert found.shape == (0,)
    assert weights.shape == (0, 2)
    assert bias.shape == (2,)

import numpy as np

from pipelines.text.word_vectors import cooccurrence_vectors


def texts(*rows):
    return np.concatenate([np.array(row, np.int32) for row in rows]), np.cumsum([0, *map(len, rows)])


def brute_force(rows, size):
    """Positive pointwise mutual information pair by pair, and its exact best rank-`size` vectors."""
    counts = np.zeros((size, size))
    for row in rows:
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                if 0 < abs(i - j) <= 5:
                    counts[a, b] += 1 / abs(i - j)
    words = counts.sum(axis=1)
    contexts = words**0.75 / (words**0.75).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.maximum(np.log(counts / np.outer(words, contexts)), 0), nan=0.0, neginf=0.0)


def test_vectors_rebuild_the_information_of_pairs():
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 12, size=rng.integers(1, 30)).tolist() for _ in range(40)]
    vectors = cooccurrence_vectors(*texts(*rows), vocabulary_size=12, size=11, seed=0)
    information = brute_force(rows, 12)
    gram = vectors @ vectors.T  # U S U^T
    np.testing.assert_allclose(gram @ gram, information @ information.T, atol=1e-3)


def test_words_with_the_same_neighbours_are_alike():
    rng = np.random.default_rng(1)
    good, bad = [2, 3], [4, 5]
    rows = []
    for _ in range(300):
        chosen, around = (good, range(6, 14)) if rng.random() < 0.5 else (bad, range(14, 22))
        rows.append([*rng.choice(around, 3), int(rng.choice(chosen)), *rng.choice(around, 3)])
    vectors = cooccurrence_vectors(*texts(*rows), vocabulary_size=22, size=4, seed=0)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    assert units[2] @ units[3] > 0.9
    assert units[4] @ units[5] > 0.9
    assert units[2] @ units[4] < 0.5


def test_the_same_seed_gives_the_same_vectors():
    rows = np.random.default_rng(2).integers(1, 50, size=(20, 30)).tolist()
    first, second = (cooccurrence_vectors(*texts(*rows), 50, 8, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_small_and_empty_vocabularies():
    assert not cooccurrence_vectors(*texts([1], [2]), vocabulary_size=3, size=4, seed=0).any()  # no pairs at all
    vectors = cooccurrence_vectors(*texts([1, 2, 1, 2, 0]), vocabulary_size=3, size=8, seed=0)
    assert vectors.shape == (3, 8)
    assert np.isfinite(vectors).all()
    assert not vectors[0].any()

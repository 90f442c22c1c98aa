"""The linear models that `benchmarks/imdb.py` puts beside this project's own."""

import time
from typing import Any

import numpy as np
from imdb_reviews import Job, Reviews, say

from pipelines.batching import EncodedTexts
from pipelines.config import TextConfig

INVERSE_REGULARISATION = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def bigrams(job: Job) -> dict[str, Any]:
    """Logistic regression over which words and pairs of neighbouring words occur."""
    return linear(job, log_count_ratios=False)


def bigrams_naive_bayes(job: Job) -> dict[str, Any]:
    """The same, with each feature scaled by its Naive Bayes log-count ratio (Wang & Manning, 2012)."""
    return linear(job, log_count_ratios=True)


def linear(job: Job, log_count_ratios: bool) -> dict[str, Any]:
    """A linear model of words and bigrams; C is chosen on the validation split."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    reviews = Reviews(job, TextConfig(vocabulary_size=1_000_000, min_count=1, max_length=None))
    start = time.monotonic()
    columns = np.unique(find_ngrams(reviews.train, reviews.vocabulary_size)[1])
    labels = reviews.train.labels
    train, validation = (
        occurrences(texts, reviews.vocabulary_size, columns) for texts in (reviews.train, reviews.validation)
    )
    scale = sparse.identity(len(columns), format="csr")
    if log_count_ratios:
        positive, negative = (train[labels == label].sum(axis=0).A1 + 1 for label in (1, 0))
        scale = sparse.diags(np.log(positive / positive.sum()) - np.log(negative / negative.sum()), format="csr")
    train, validation = train @ scale, validation @ scale
    say(f"{len(columns):,} words and bigrams, {train.nnz:,} occurrences, {time.monotonic() - start:.0f} s")
    best, tried = None, {}
    for c in INVERSE_REGULARISATION:
        model = LogisticRegression(C=c, solver="liblinear", random_state=job.seed).fit(train, labels)
        tried[c] = accuracy = float(model.score(validation, reviews.validation.labels))
        say(f"C {c:g}: validation {accuracy:.4f}, {time.monotonic() - start:.0f} s")
        if best is None or accuracy > best[0]:
            best = accuracy, c, model
    seconds = time.monotonic() - start
    assert best is not None
    accuracy, c, model = best
    texts = reviews.test()
    test = occurrences(texts, reviews.vocabulary_size, columns) @ scale
    return {
        "parameters": len(columns) + 1,
        "seconds": seconds,
        "validation": accuracy,
        "test": float(model.score(test, texts.labels)),
        "data": reviews.facts,
        "details": {"C": c, "validation_of_C": {f"{name:g}": value for name, value in tried.items()}},
    }


def find_ngrams(texts: EncodedTexts, vocabulary_size: int) -> tuple[np.ndarray, np.ndarray]:
    """(text, code) of every word and bigram: a word's code is its id, those of bigrams come after all words."""
    ids = texts.ids.astype(np.int64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), texts.lengths)
    inside = rows[:-1] == rows[1:]
    pairs = ((ids[:-1] + 1) * vocabulary_size + ids[1:])[inside]
    return np.concatenate([rows, rows[:-1][inside]]), np.concatenate([ids, pairs])


def occurrences(texts: EncodedTexts, vocabulary_size: int, columns: np.ndarray) -> Any:
    """Sparse [texts, columns]: 1 where the word or bigram of that code occurs; codes not in `columns` stay out."""
    from scipy import sparse

    rows, codes = find_ngrams(texts, vocabulary_size)
    places = np.minimum(np.searchsorted(columns, codes), len(columns) - 1)
    known = columns[places] == codes
    rows, places = rows[known], places[known].astype(np.int32)
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(texts), len(columns)))
    matrix.sum_duplicates()  # not every SciPy has done it by now
    matrix.data[:] = 1
    return matrix

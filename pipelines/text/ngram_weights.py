"""Weights of n-grams from labelled texts: a linear model with Naive Bayes features."""

import numpy as np
from scipy import sparse

from pipelines.progress import announce

# An n-gram of one text alone says little, and most are of that kind.
LEAST_TEXTS = 2
# The inverse of the regularisation. On film reviews it was better than 0.1 and than 1.
STRENGTH = 0.3

# From a score for the second of two classes, beside a zero, to half of it for this and half of it against the other.
_OPPOSED = np.array([[0, 0], [-0.5, 0.5]], np.float32)


def ngram_weights(
    texts: np.ndarray, keys: np.ndarray, labels: np.ndarray, classes: int, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a linear model of which n-grams occur in a text.

    For each class against the rest, logistic regression on features that are 0, or where an n-gram occurs, its Naive
    Bayes log-count ratio: Wang and Manning (2012), "Baselines and Bigrams: Simple, Good Sentiment and Topic
    Classification". N-grams of a single text are left out; of the others, those with the largest weights are kept. On
    25,000 film reviews and n-grams of up to three words it takes about half a minute.

    Args:
        texts: The text that each n-gram stands in, int [ngrams].
        keys: What stands for it, int [ngrams].
        labels: The class of each text, int [texts].
        classes: How many classes there are, at least 2.
        size: How many n-grams to keep at most.

    Returns:
        The keys of the n-grams that were kept, each once; their weights, float32 [kept, classes]; and a bias, float32
        [classes]. Logits are the sum of the weights of those that occur, plus the bias.
    """
    announce("weighing n-grams")
    known, places = np.unique(keys, return_inverse=True)
    occurs = sparse.csr_matrix((np.ones(len(keys)), (texts, places)), shape=(len(labels), len(known)))
    occurs.sum_duplicates()  # what occurs twice in a text; not every SciPy has done it by now
    occurs.data[:] = 1
    common = np.flatnonzero(occurs.getnnz(axis=0) >= LEAST_TEXTS)
    occurs, known = occurs[:, common], known[common]
    weights, bias = np.zeros((len(known), classes), np.float32), np.zeros(classes, np.float32)
    # Of two classes, what speaks for the one speaks against the other.
    for label in [1] if classes == 2 else range(classes):
        weights[:, label], bias[label] = _against_the_rest(occurs, labels == label)
    if classes == 2:
        weights, bias = weights @ _OPPOSED, bias @ _OPPOSED
    kept = np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:size]
    return known[kept], weights[kept], bias


def _against_the_rest(occurs: sparse.csr_matrix, own: np.ndarray) -> tuple[np.ndarray, float]:
    """The weights and the bias of the class of the texts that `own` marks; zeros if it marks all or none."""
    if own.all() or not own.any() or not occurs.shape[1]:
        return np.zeros(occurs.shape[1]), 0.0
    from sklearn.linear_model import LogisticRegression

    there, elsewhere = (np.asarray(occurs[rows].sum(axis=0)).ravel() + 1 for rows in (own, ~own))
    ratio = np.log(there / there.sum()) - np.log(elsewhere / elsewhere.sum())
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0)
    model.fit(occurs @ sparse.diags(ratio, format="csr"), own)
    return model.coef_[0] * ratio, float(model.intercept_[0])

"""The cross entropy of a large vocabulary, estimated from a sample of it."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops


class Candidates(NamedTuple):
    """A sample of a vocabulary.

    Attributes:
        ids: int32 `[samples]`, the sampled ids, all different.
        log_expected: float32 `[vocabulary]`, for each id the logarithm of how often it is expected in the sample.
    """

    ids: Any
    log_expected: Any


def log_uniform_probabilities(vocabulary_size):
    """`p_k = log((k + 2) / (k + 1)) / log(vocabulary_size + 1)`, a NumPy array.

    That is about how probable words are, where the ids stand in the order of falling frequency (Zipf's law).
    """
    return (np.log1p(1 / (np.arange(vocabulary_size) + 1)) / np.log(vocabulary_size + 1)).astype("float32")


def draw_candidates(samples, probabilities, seed=None):
    """Draw different ids, the probable ones more often.

    Each id k arrives at an exponentially distributed time with the rate `p_k`; the first ones are the sample. Given the
    time `T` at which the next one would have arrived, k is in the sample with the probability `1 - exp(-p_k T)`.

    Args:
        samples: Number of ids, at most the size of the vocabulary.
        probabilities: Array or tensor `[vocabulary]`, positive; only their proportions matter.
        seed: Optional integer or `keras.random.SeedGenerator`.

    Returns:
        `Candidates`.
    """
    size = len(probabilities)
    if not 0 < samples <= size:
        raise ValueError(
            f"`samples` must be from 1 to the size of the vocabulary. Received: samples={samples} of {size} ids"
        )
    return first_arrivals(keras.random.uniform((size,), seed=seed), samples, probabilities)


def first_arrivals(uniform, samples, probabilities):
    """The `Candidates` of random numbers `[..., vocabulary]`, from 0 to below 1."""
    size = uniform.shape[-1]
    probabilities = ops.cast(probabilities, "float32")
    earliest, ids = ops.top_k(ops.log1p(-uniform) / probabilities, min(samples + 1, size))
    if samples == size:
        log_expected = ops.zeros_like(uniform)
    else:
        log_expected = ops.log(-ops.expm1(earliest[..., samples:] * probabilities))
    return Candidates(ops.cast(ids[..., :samples], "int32"), log_expected)


def sampled_softmax(embeddings, bias, features, labels, candidates, weights=None):
    """The sampled softmax of Jean et al. (2015), "On Using Very Large Target Vocabulary".

    While training, the label competes with a sample of the vocabulary instead of all of it:

        loss = -log softmax(h w_k + b_k - log E_k)[label]   over k = the label and the sampled ids

    with `E_k` how often k is expected in the sample: an id that is seldom there counts for those that are not. A
    sampled id that is the label itself is left out. With the whole vocabulary as the sample this is the cross entropy.

    Args:
        embeddings: Tensor `[vocabulary, features]`, a vector for each id: the kernel of the output layer transposed, or
            the embeddings where they are tied.
        bias: Tensor `[vocabulary]` or None.
        features: Tensor `[batch, time, features]`, what the output layer would be given.
        labels: Integer tensor `[batch, time]`. Where the weight is 0, a label may be anything.
        candidates: `Candidates`, drawn anew for each batch.
        weights: Optional tensor `[batch, time]`, 0 or false where a token is padding.

    Returns:
        `(total, normaliser)`, two float32 scalars: the weighted sum over the tokens, and the sum of the weights.

    Example:

    >>> candidates = draw_candidates(512, log_uniform_probabilities(50_000), seed=generator)
    >>> total, count = sampled_softmax(embeddings, bias, features, labels, candidates, weights=labels != 0)
    >>> loss = total / count
    """
    ids = ops.cast(candidates.ids, "int32")
    weights = ops.cast(ops.ones_like(labels) if weights is None else weights, "float32")
    counted = weights > 0
    labels = ops.where(counted, ops.cast(labels, "int32"), 0)
    offsets = -ops.cast(candidates.log_expected, "float32")
    if bias is not None:
        offsets = offsets + ops.cast(bias, "float32")
    features = ops.convert_to_tensor(features)
    embeddings = ops.cast(embeddings, features.dtype)

    of_labels = ops.take(embeddings, labels, axis=0)  # [batch, time, features]
    true = ops.sum(ops.cast(features * of_labels, "float32"), axis=-1) + ops.take(offsets, labels, axis=0)
    others = ops.matmul(features, ops.transpose(ops.take(embeddings, ids, axis=0)))  # [batch, time, samples]
    others = ops.cast(others, "float32") + ops.take(offsets, ids, axis=0)
    others = ops.where(ops.equal(ops.expand_dims(labels, -1), ids), -float("inf"), others)
    scores = ops.concatenate([ops.expand_dims(true, -1), others], axis=-1)
    entropy = ops.logsumexp(scores, axis=-1) - true
    return ops.sum(ops.where(counted, weights * entropy, 0.0)), ops.sum(weights)

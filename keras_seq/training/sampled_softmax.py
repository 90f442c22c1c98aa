"""The cross entropy of a large vocabulary, estimated from a sample of it."""

import math

import keras
from keras import ops


def log_uniform_probability(ids, vocabulary_size):
    """The probability of ids under the log-uniform distribution, `log((id + 2) / (id + 1)) / log(vocabulary + 1)`.

    It is close to that of words, when the ids are in the order of falling frequency.
    """
    return ops.log1p(1 / (ops.cast(ids, "float32") + 1)) / math.log(vocabulary_size + 1)


def log_uniform_candidates(samples, vocabulary_size, seed=None):
    """Draw different ids from the log-uniform distribution.

    Args:
        samples: Number of ids, at most `vocabulary_size`.
        vocabulary_size: Number of ids to draw from.
        seed: Optional integer or `keras.random.SeedGenerator`.

    Returns:
        `(ids, draws)`: int32 `[samples]`, and about how many draws it takes to meet that many different ids, a float32
        scalar.
    """
    if not 0 < samples <= vocabulary_size:
        raise ValueError(
            f"`samples` must be from 1 to `vocabulary_size`. Received: samples={samples}, "
            f"vocabulary_size={vocabulary_size}"
        )
    return first_arrivals(keras.random.uniform((vocabulary_size,), seed=seed), samples)


def first_arrivals(uniform, samples):
    """The first ids to arrive, when each id arrives at random times as often as it is probable.

    Args:
        uniform: Tensor `[..., vocabulary]`, random from 0 to below 1.
        samples: Number of ids.

    Returns:
        `(ids, draws)`: int32 `[..., samples]`, and the time at which the next one would arrive, `[...]`: until then the
        id k has arrived with the probability `1 - exp(-p_k draws)`.
    """
    size = uniform.shape[-1]
    times = -ops.log(uniform) / log_uniform_probability(ops.arange(size), size)
    earliest, ids = ops.top_k(-times, min(samples + 1, size))
    draws = -earliest[..., samples] if samples < size else ops.full_like(times[..., 0], float("inf"))
    return ops.cast(ids[..., :samples], "int32"), draws


def sampled_softmax(embeddings, bias, features, labels, candidates, weights=None):
    """The sampled softmax of Jean et al. (2015), "On Using Very Large Target Vocabulary".

    While training, the label competes with a sample of the vocabulary instead of all of it:

        loss = -log softmax(h w_k + b_k - log E_k)[label]   over k = the label and the sampled ids

    with `E_k` the expected number of times that k is in the sample. A sampled id that is the label itself is left out.
    It estimates the full cross entropy; to evaluate a model, compute that one.

    Args:
        embeddings: Tensor `[vocabulary, features]`, a vector for each id: the output layer's kernel transposed, or the
            embedding matrix where it is tied.
        bias: Tensor `[vocabulary]` or None.
        features: Tensor `[batch, time, features]`, what the output layer would get.
        labels: Integer tensor `[batch, time]`.
        candidates: What `log_uniform_candidates` returns, drawn anew for each batch.
        weights: Optional tensor `[batch, time]`, 0 or false where a token is padding.

    Returns:
        `(total, normaliser)`, two float32 scalars: the weighted sum over the tokens, and the sum of the weights.

    Example:

    >>> candidates = keras_seq.log_uniform_candidates(512, vocabulary_size=50_000, seed=generator)
    >>> total, count = keras_seq.sampled_softmax(embeddings, bias, features, labels, candidates, weights=labels != 0)
    >>> loss = total / count
    """
    sampled, draws = candidates
    vocabulary_size = embeddings.shape[0]
    weights = ops.cast(ops.ones_like(labels) if weights is None else weights, "float32")
    counted = weights > 0
    labels = ops.expand_dims(ops.where(counted, ops.cast(labels, "int32"), 0), -1)  # [batch, time, 1]

    def correction(ids):
        expected = ops.log(-ops.expm1(-draws * log_uniform_probability(ids, vocabulary_size)))
        return (0.0 if bias is None else ops.cast(ops.take(bias, ids, axis=0), "float32")) - expected

    of_label = ops.squeeze(ops.take(embeddings, labels, axis=0), -2)
    true = ops.cast(ops.sum(ops.multiply(features, of_label), axis=-1, keepdims=True), "float32")
    true = true + correction(labels)
    others = ops.cast(ops.matmul(features, ops.transpose(ops.take(embeddings, sampled, axis=0))), "float32")
    others = ops.where(ops.equal(labels, sampled), -float("inf"), others + correction(sampled))
    entropy = ops.logsumexp(ops.concatenate([true, others], axis=-1), axis=-1) - true[..., 0]
    return ops.sum(ops.where(counted, weights * entropy, 0.0)), ops.sum(weights)

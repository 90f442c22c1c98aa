"""Samplers: the random numbers, and the frequencies of what is drawn."""

import keras
import numpy as np
import pytest
from keras import ops
from numpy_decoding import Decoder, sequences_of, softmax

from keras_seq.decoding import Sampling, TopKSampling, TopPSampling, decode
from keras_seq.decoding.candidates import top_candidates
from keras_seq.decoding.random_numbers import threefry, uniforms
from keras_seq.decoding.sampling import draw_from

DRAWS = 6_000
END = 2


def signed(*words):
    return [ops.convert_to_tensor(np.array([word], "uint32").view("int32")) for word in words]


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_random_bits_are_those_of_the_paper(key, counter, expected, numpy):
    """The known answers that the authors of Threefry publish with it."""
    got = numpy(threefry(signed(*key), signed(*counter)))
    assert tuple(int(word.view("uint32")[0]) for word in got) == expected


def test_random_numbers_depend_on_their_place_alone(numpy):
    whole = numpy(uniforms(7, 5, 3, 11))
    assert whole.shape == (11, 5, 3)
    assert len(np.unique(whole)) == whole.size
    np.testing.assert_array_equal(numpy(uniforms(7, 2, 1, 4)), whole[:4, :2, :1])
    np.testing.assert_array_equal(numpy(uniforms(7, 2, 1, 4, first=5)), whole[5:9, :2, :1])
    by_row = numpy(uniforms(7, 2, 1, 4, first=ops.convert_to_tensor(np.array([5, 2], "int32"))))
    np.testing.assert_array_equal(by_row[:, 1], whole[2:6, 1, :1])
    np.testing.assert_array_equal(by_row[:, 0], whole[5:9, 0, :1])
    seeds = np.array([9, 7, 9])
    by_row = numpy(uniforms(seeds, 3, 2, 4))
    np.testing.assert_array_equal(by_row[:, 0], by_row[:, 2])
    np.testing.assert_array_equal(by_row[:, 1], whole[:4, 0, :2])
    assert (numpy(uniforms(8, 5, 3, 11)) != whole).all()
    assert (numpy(uniforms(7 + 2**32, 5, 3, 11)) != whole).all()


def test_random_numbers_are_uniform(numpy):
    numbers = numpy(uniforms(1, 40, 5, 1000)).ravel()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.histogram(numbers, bins=100, range=(0, 1))[0]
    assert ((counts - 2000) ** 2 / 2000).sum() < 150  # 99 degrees of freedom, exceeded once in 1,300 times
    neighbours = numpy(uniforms(1, 40, 5, 1000))
    assert abs(np.corrcoef(neighbours[:-1].ravel(), neighbours[1:].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(neighbours[:, :-1].ravel(), neighbours[:, 1:].ravel())[0, 1]) < 0.01


def test_a_seed_generator_goes_on(numpy):
    generator = keras.random.SeedGenerator(3)
    one, other = numpy(uniforms(generator, 2, 1, 4)), numpy(uniforms(generator, 2, 1, 4))
    assert (one != other).all()
    np.testing.assert_array_equal(numpy(uniforms(keras.random.SeedGenerator(3), 2, 1, 4)), one)
    assert (numpy(uniforms(None, 2, 1, 4)) != numpy(uniforms(None, 2, 1, 4))).all()


def test_a_wrong_seed_is_refused():
    with pytest.raises(ValueError, match="`seed` must be an integer"):
        uniforms(np.zeros((2, 2), "int32"), 2, 1, 4)
    with pytest.raises(ValueError, match="`seed` must be an integer"):
        uniforms(0.5, 2, 1, 4)


def drawn(sampler, logits, numpy, seed=0):
    """How often each token is drawn from the same logits."""
    size = len(logits)
    step = lambda tokens, state: (ops.broadcast_to(logits, (DRAWS, size)), state, None)  # noqa: E731
    decoded = decode(step, [], np.zeros(DRAWS, "int32"), None, 1, sampler, seed=seed)
    tokens, scores = numpy(decoded.ids)[:, 0, 0], numpy(decoded.scores)[:, 0]
    np.testing.assert_allclose(scores, np.log(softmax(logits.astype("float64")))[tokens], atol=1e-4)
    return np.bincount(tokens, minlength=size)


def assert_frequencies(counts, probabilities):
    """Pearson's test; tokens that are expected fewer than 10 times count together."""
    assert (counts[probabilities == 0] == 0).all()
    expected = DRAWS * probabilities / probabilities.sum()
    rare = expected < 10
    expected, counts = np.append(expected[~rare], expected[rare].sum()), np.append(counts[~rare], counts[rare].sum())
    expected, counts = expected[expected > 0], counts[expected > 0]
    freedom = len(expected) - 1
    if not freedom:
        return
    statistic = ((counts - expected) ** 2 / expected).sum()
    quantile = freedom * (1 - 2 / (9 * freedom) + 3.09 * np.sqrt(2 / (9 * freedom))) ** 3  # 99.9 %
    assert statistic < quantile


def nucleus(probabilities, p):
    order = np.argsort(-probabilities)
    kept = order[: np.searchsorted(np.cumsum(probabilities[order]), p) + 1]
    return np.where(np.isin(np.arange(len(probabilities)), kept), probabilities, 0)


SIZES = {"small": (12, 1.5), "peaked": (400, 3.0), "flat": (400, 0.3)}


@pytest.fixture(params=SIZES)
def logits(request):
    """Of a few tokens; of many of which a few count; of many that all count."""
    size, spread = SIZES[request.param]
    return (np.random.default_rng(size).normal(size=size) * spread).astype("float32")


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_frequencies_of_sampling(logits, temperature, numpy):
    counts = drawn(Sampling(temperature), logits, numpy)
    assert_frequencies(counts, softmax(logits.astype("float64") / temperature))


@pytest.mark.parametrize(("k", "temperature"), [(1, 1.0), (5, 1.0), (7, 0.6), (100, 2.0)])
def test_frequencies_of_top_k(logits, k, temperature, numpy):
    tempered = logits.astype("float64") / temperature
    kept = np.isin(np.arange(len(logits)), np.argsort(-tempered)[:k])
    assert_frequencies(drawn(TopKSampling(k, temperature), logits, numpy), np.where(kept, softmax(tempered), 0))


@pytest.mark.parametrize(("p", "temperature"), [(0.9, 1.0), (0.3, 1.0), (0.6, 1.5), (1.0, 1.0), (1e-6, 1.0)])
def test_frequencies_of_top_p(logits, p, temperature, numpy):
    probabilities = softmax(logits.astype("float64") / temperature)
    assert_frequencies(drawn(TopPSampling(p, temperature=temperature), logits, numpy), nucleus(probabilities, p))


def test_frequencies_of_top_p_among_top_k(logits, numpy):
    probabilities = softmax(logits.astype("float64"))
    kept = np.where(np.isin(np.arange(len(logits)), np.argsort(-probabilities)[:8]), probabilities, 0)
    counts = drawn(TopPSampling(0.7, k=8), logits, numpy)
    assert_frequencies(counts, nucleus(kept / kept.sum(), 0.7))


def test_small_and_large_nuclei_in_one_batch(numpy):
    """A row whose nucleus is small draws the same whether or not another row needs the search for a large one."""
    rng = np.random.default_rng(0)
    peaked = rng.normal(size=(50, 400)).astype("float32") * 4
    flat = rng.normal(size=(50, 400)).astype("float32") * 0.1
    noise = numpy(uniforms(0, 100, 1, 1))[0]
    sampler = TopPSampling(0.9)
    alone = numpy(sampler.draw(ops.convert_to_tensor(peaked[:, None]), ops.convert_to_tensor(noise[:50])))
    together = ops.convert_to_tensor(np.concatenate([peaked, flat])[:, None])
    together = numpy(sampler.draw(together, ops.convert_to_tensor(noise)))
    np.testing.assert_array_equal(together[:50], alone)
    for row in range(50):
        assert nucleus(softmax(flat[row].astype("float64")), 0.9 + 1e-5)[together[50 + row, 0]] > 0


def test_ties_at_the_edge_of_the_nucleus(numpy):
    """What is as probable as the last token of the nucleus is in it, however many there are."""
    for size in (8, 100, 400):
        counts = drawn(TopPSampling(0.5), np.zeros(size, "float32"), numpy)
        assert_frequencies(counts, np.full(size, 1 / size))


@pytest.mark.parametrize("size", [3, 256, 257, 1000, 5000])
def test_draws_are_places_of_the_running_sum(size, numpy):
    rng = np.random.default_rng(size)
    weights = rng.integers(0, 4, size=(6, 2, size)).astype("float32")  # sums without rounding
    weights[0, 0] = np.eye(size)[-1]
    weights[1, 0] = np.eye(size)[0]
    noise = rng.integers(0, 64, size=(6, 2)).astype("float32") / 64
    got = numpy(draw_from(ops.convert_to_tensor(weights), ops.convert_to_tensor(noise)))
    sums = np.cumsum(weights, axis=-1)
    expected = (sums <= (noise * sums[:, :, -1])[..., None]).sum(axis=-1)
    np.testing.assert_array_equal(got, expected)
    assert (np.take_along_axis(weights, got[..., None], axis=-1) > 0).all()


@pytest.mark.parametrize(("size", "k"), [(5, 5), (255, 1), (256, 1), (1000, 3), (1031, 4), (4096, 2)])
def test_top_candidates(size, k, numpy):
    """The largest ones, and of equal ones those with the lower ids, also where some are minus infinity."""
    rng = np.random.default_rng(size)
    shape = (3, 2, size)
    for logits in (rng.normal(size=shape), rng.integers(0, 9, size=shape), np.zeros(shape)):
        logits = logits.astype("float32")
        logits[0, 0, : size // 2] = -np.inf
        if keras.backend.backend() == "torch" and len(np.unique(logits)) < 20:
            continue  # which of equal ones PyTorch's own `topk` takes is not said
        values, ids = numpy(top_candidates(ops.convert_to_tensor(logits), k))
        order = np.argsort(-logits, axis=-1, kind="stable")[..., :k]
        np.testing.assert_array_equal(ids, order)
        np.testing.assert_array_equal(values, np.take_along_axis(logits, order, axis=-1))


def test_several_sequences_of_a_row(numpy):
    """Each sequence is drawn by itself, from a state of its own; the first is what a single one would be."""
    decoder = Decoder(vocabulary=5, batch=3, seed=18, scale=0.5)
    options = {"start_tokens": 1, "end_token": END, "max_length": 6, "seed": 4}
    many = decode(decoder.step, decoder.start(), strategy=Sampling(sequences=6), **options)
    one = decode(decoder.step, decoder.start(), strategy=Sampling(), **options)
    np.testing.assert_array_equal(numpy(many.ids)[:, :1], numpy(one.ids))
    for row in range(3):
        found = sequences_of(many, row)
        assert len(set(found)) > 1
        for tokens, score in zip(found, numpy(many.scores)[row], strict=True):
            steps = [np.log(softmax(decoder.following(row, tokens[:t])[0]))[tokens[t]] for t in range(len(tokens))]
            np.testing.assert_allclose(score, sum(steps), rtol=1e-4, atol=1e-5)


def test_the_same_seed_gives_the_same_sequences(numpy):
    decoder = Decoder(vocabulary=5, batch=4, seed=5)

    def ids(seed):
        return numpy(decode(decoder.step, decoder.start(), 1, None, 8, Sampling(), seed=seed).ids)

    np.testing.assert_array_equal(ids(1), ids(1))
    np.testing.assert_array_equal(ids(1), ids(np.array(1)))
    assert (ids(1) != ids(2)).any()
    assert (ids(None) != ids(None)).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sampling(0), "`temperature` must be a positive number. Received"),
        (lambda: Sampling(sequences=0), "`sequences` must be a positive integer. Received"),
        (lambda: TopKSampling(0), "`k` must be a positive integer. Received"),
        (lambda: TopPSampling(0), "`p` must be a positive number. Received"),
        (lambda: TopPSampling(1.1), "`p` must be at most 1. Received"),
        (lambda: TopPSampling(0.5, k=-1), "`k` must be a positive integer. Received"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

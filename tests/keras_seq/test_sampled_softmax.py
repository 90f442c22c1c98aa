"""The sampled softmax: against its equation, the cross entropy and TensorFlow's; and models trained with it."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq
from keras_seq.training import (
    Candidates,
    Perplexity,
    SampledSoftmaxTraining,
    cross_entropy,
    draw_candidates,
    log_uniform_probabilities,
    sampled_softmax,
)
from keras_seq.training.sampled_softmax import first_arrivals

BATCH, TIME, FEATURES, SIZE = 3, 5, 4, 50
RNG = np.random.default_rng(3)
EMBEDDINGS = RNG.normal(size=(SIZE, FEATURES)).astype("float32")
BIAS = RNG.normal(size=SIZE).astype("float32")
HIDDEN = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
JIT = keras.backend.backend() == "jax"  # PyTorch and TensorFlow would compile for longer than they run
LABELS = RNG.integers(0, SIZE, size=(BATCH, TIME))


def test_log_uniform_probabilities():
    probabilities = log_uniform_probabilities(SIZE)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(probabilities[3], np.log(5 / 4) / np.log(51), rtol=1e-6)


@pytest.mark.parametrize("bias", [BIAS, None], ids=["bias", "no bias"])
def test_the_equation_token_by_token(bias, numpy):
    sampled = np.array([0, 3, 7, 20, int(LABELS[0, 0]), int(LABELS[2, 1])], "int32")
    log_expected = np.log(RNG.uniform(0.05, 0.9, SIZE)).astype("float32")
    scores = HIDDEN @ EMBEDDINGS.T + (0 if bias is None else bias) - log_expected
    expected = np.zeros((BATCH, TIME))
    for place in np.ndindex(BATCH, TIME):
        label = LABELS[place]
        rivals = scores[place][[k for k in sampled if k != label]]
        expected[place] = np.log(np.exp(np.append(rivals, scores[place][label])).sum()) - scores[place][label]
    weights = np.arange(BATCH * TIME).reshape(BATCH, TIME) % 4
    labels = np.where(weights > 0, LABELS, -100)  # what does not count may be anything
    candidates = Candidates(sampled, log_expected)
    total, normaliser = numpy(sampled_softmax(EMBEDDINGS, bias, HIDDEN, labels, candidates, weights))
    np.testing.assert_allclose([total, normaliser], [(weights * expected).sum(), weights.sum()], rtol=1e-4)
    total, normaliser = numpy(sampled_softmax(EMBEDDINGS, bias, HIDDEN, LABELS, candidates))
    np.testing.assert_allclose([total, normaliser], [expected.sum(), BATCH * TIME], rtol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the loss of TensorFlow")
def test_the_loss_of_tensorflow(numpy):
    import tensorflow as tf

    candidates = numpy(draw_candidates(12, log_uniform_probabilities(SIZE), seed=1))
    expected = np.exp(candidates.log_expected)
    theirs = tf.nn.sampled_softmax_loss(
        EMBEDDINGS,
        BIAS,
        LABELS.reshape(-1, 1),
        HIDDEN.reshape(-1, FEATURES),
        num_sampled=12,
        num_classes=SIZE,
        sampled_values=(
            tf.constant(candidates.ids, tf.int64),
            expected[LABELS].reshape(-1, 1),
            expected[candidates.ids],
        ),
    )
    ours, _ = sampled_softmax(EMBEDDINGS, BIAS, HIDDEN, LABELS, candidates)
    np.testing.assert_allclose(numpy(ours), numpy(theirs).sum(), rtol=1e-5)


def test_a_sample_of_everything_gives_the_cross_entropy(numpy):
    expected, _ = numpy(cross_entropy(LABELS, HIDDEN @ EMBEDDINGS.T + BIAS))
    candidates = draw_candidates(SIZE, log_uniform_probabilities(SIZE), seed=2)
    assert sorted(numpy(candidates.ids)) == list(range(SIZE))
    got, _ = numpy(sampled_softmax(EMBEDDINGS, BIAS, HIDDEN, LABELS, candidates))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_more_samples_come_closer_to_the_cross_entropy(numpy):
    expected, _ = numpy(cross_entropy(LABELS, HIDDEN @ EMBEDDINGS.T + BIAS))

    def error(samples):
        proposal = np.ones(SIZE)
        totals = [
            numpy(sampled_softmax(EMBEDDINGS, BIAS, HIDDEN, LABELS, draw_candidates(samples, proposal, seed)))[0]
            for seed in range(8)
        ]
        return abs(np.mean(totals) - expected) / expected

    errors = [error(samples) for samples in (5, 20, 45)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.06


@pytest.mark.parametrize("proposal", [log_uniform_probabilities(8), np.arange(1.0, 9.0)], ids=["zipf", "given"])
def test_candidates_follow_the_distribution(proposal, numpy):
    """The first one has the probability of its id, and each id is in the sample as often as it is expected."""
    rows, size = 20_000, 8
    probabilities = proposal / proposal.sum()
    uniform = ops.convert_to_tensor(np.random.default_rng(0).uniform(size=(rows, size)).astype("float32"))
    first = numpy(first_arrivals(uniform, 1, proposal).ids)[:, 0]
    statistic = ((np.bincount(first, minlength=size) - rows * probabilities) ** 2 / (rows * probabilities)).sum()
    assert statistic < 24.3  # 7 degrees of freedom, 99.9 %
    ids, log_expected = numpy(first_arrivals(uniform, 3, proposal))
    assert all(len(set(row)) == 3 for row in ids[:1000])
    there = (ids[:, :, None] == np.arange(size)).any(axis=1)
    # Given the arrival of the fourth, an id among the first three stands for 1 / E_k; on average that is 1.
    estimates = there / np.exp(log_expected)
    np.testing.assert_array_less(abs(estimates.mean(axis=0) - 1), 4 * estimates.std(axis=0) / np.sqrt(rows))


def test_candidates_of_a_seed(numpy):
    one, other, third = (numpy(draw_candidates(5, np.ones(100), seed=seed).ids) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert set(one) != set(third)
    generator = keras.random.SeedGenerator(1)
    assert set(numpy(draw_candidates(5, np.ones(100), generator).ids)) != set(
        numpy(draw_candidates(5, np.ones(100), generator).ids)
    )


def language_model(kind, tied):
    if kind == "transformer":
        return keras_seq.TransformerDecoder(SIZE, FEATURES, 1, 2, tied_embeddings=tied)
    return keras_seq.RecurrentDecoder(SIZE, keras_seq.GRUCell(FEATURES), tied_embeddings=tied)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("kind", ["recurrent", "transformer", "translation"])
def test_with_all_ids_a_training_step_is_that_of_the_cross_entropy(kind, tied, numpy):
    """The same loss and the same weights after a step, padding and weights of rows included."""
    inputs, targets = np.pad(LABELS % 49 + 1, ((0, 0), (1, 0)), constant_values=2)[:, :-1], LABELS % 49 + 1
    inputs[1, 3:] = targets[1, 3:] = targets[2, 4] = 0
    results = []
    for sampled in (True, False):
        keras.utils.set_random_seed(0)
        if kind == "translation":
            model = keras_seq.EncoderDecoder(SIZE, keras_seq.GRUCell(3), language_model("recurrent", tied))
            model.build()
            x = (LABELS % 49 + 1, inputs)
        else:
            model, x = language_model(kind, tied), inputs
            model.build((None, None))
        plain = model if kind == "translation" else keras.Sequential([model])
        trained = SampledSoftmaxTraining(model, samples=SIZE) if sampled else plain
        loss = None if sampled else keras_seq.training.SequenceCrossEntropy()
        trained.compile(keras.optimizers.SGD(0.5), loss, jit_compile=JIT)
        before = [np.array(weight) for weight in model.get_weights()]
        value = trained.train_on_batch(x, targets, sample_weight=np.array([1.0, 2.0, 0.5]))
        results.append((float(value), model.get_weights()))
    assert max(np.abs(new - old).max() for new, old in zip(model.get_weights(), before, strict=True)) > 1e-3
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_a_model_learns_the_distribution_from_samples(numpy):
    """Ids that follow each other by a known table: the perplexity comes close to the best one."""
    size, rng = 12, np.random.default_rng(5)
    table = rng.dirichlet(np.full(size - 1, 0.5), size=size)
    ids = np.zeros((256, 31), "int32")
    ids[:, 0] = rng.integers(1, size, 256)
    for time in range(1, 31):
        ids[:, time] = [1 + rng.choice(size - 1, p=table[last]) for last in ids[:, time - 1]]
    best = np.exp(-np.mean(np.log([table[a, b - 1] for row in ids for a, b in itertools.pairwise(row)])))
    keras.utils.set_random_seed(1)
    decoder = keras_seq.RecurrentDecoder(size, keras_seq.ElmanCell(12, recurrent_initializer="zeros"))
    model = SampledSoftmaxTraining(decoder, samples=6, seed=1)
    rates = keras.optimizers.schedules.CosineDecay(0.04, 12 * 8)
    model.compile(keras.optimizers.Adam(rates), metrics=[Perplexity()], jit_compile=JIT)
    data = ids[:, :-1], ids[:, 1:]
    history = model.fit(*data, batch_size=32, epochs=12, validation_data=data, verbose=0).history
    assert set(history) == {"loss", "val_loss", "val_perplexity"}
    found = model.evaluate(*data, verbose=0, return_dict=True)
    np.testing.assert_allclose(np.exp(found["loss"]), found["perplexity"], rtol=1e-4)
    assert found["perplexity"] < 1.08 * best  # 1.06; were the sample taken for the vocabulary, 1.12


def test_config_round_trip(tmp_path, numpy):
    model = SampledSoftmaxTraining(language_model("recurrent", True), 7, probabilities=range(1, SIZE + 1), seed=3)
    inputs = LABELS % 49 + 1
    before = numpy(model(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.samples, again.seed, again.probabilities) == (7, 3, list(range(1, SIZE + 1)))
    np.testing.assert_allclose(numpy(again(inputs)), before, atol=1e-6)
    np.testing.assert_allclose(again.proposal.sum(), 1, rtol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`samples` must be from 1 to the size of the vocabulary"):
        draw_candidates(6, np.ones(5))
    with pytest.raises(ValueError, match="`samples` must be from 1 to 50"):
        SampledSoftmaxTraining(language_model("recurrent", True), samples=51)
    with pytest.raises(ValueError, match="must be 50 positive numbers"):
        SampledSoftmaxTraining(language_model("recurrent", True), 3, probabilities=np.arange(SIZE))
    with pytest.raises(ValueError, match="must be a `Decoder` or an `EncoderDecoder`"):
        SampledSoftmaxTraining(keras_seq.GRUCell(3))
    sampling = keras_seq.ScheduledSampling("linear", 0.5)
    model = keras_seq.EncoderDecoder(9, None, language_model("recurrent", True), scheduled_sampling=sampling)
    with pytest.raises(ValueError, match="has no tokens for `scheduled_sampling`"):
        SampledSoftmaxTraining(model, 5)

"""Batches of pairs: each pair once, within the budget, with little padding, spelt anew where that is asked for."""

import numpy as np
import pytest
import tensorflow as tf

from pipelines.errors import DataError
from pipelines.pair_batching import PairPlanner, fit_count
from pipelines.pair_encoding import encode_side
from pipelines.parallel_config import PairBatchConfig, PairTextConfig
from pipelines.subword_sampling import SubwordSampler
from pipelines.text import SpacedSubwordTokenizer
from pipelines.text.sentence import END_ID, START_ID, SentenceTokenizer, marked_tokenizer
from tests.pipelines.parallel_text import ENGLISH, GERMAN, NO_SPLITS, TEXT, load, rows, texts


def test_batches_hold_each_pair_once(files):
    data = load(batch=PairBatchConfig(tokens=20), **files(ending=".gz"), **NO_SPLITS)
    assert data.languages == ("en", "de")
    epochs = [rows(data.train(epoch)) for epoch in (0, 1, 0)]
    assert epochs[0] == epochs[2] != epochs[1]
    assert data.steps_per_epoch > 2
    assert sorted(epochs[0]) == sorted(epochs[1])
    decoded = set()
    for source, inputs, targets in epochs[0]:
        assert inputs[0] == START_ID
        assert source[-1] == targets[-1] == END_ID
        assert inputs[1:] == targets[:-1]
        pair = data.tokenizer.source.decode(tf.constant([source])), data.tokenizer.target.decode(tf.constant([targets]))
        decoded.add(tuple(text.numpy()[0].decode() for text in pair))
    assert decoded == set(zip(ENGLISH, GERMAN, strict=True))
    assert data.steps_per_epoch == len(list(data.train(0)))
    assert rows(data.train(1).skip(1)) == epochs[1][-len(rows(data.train(1).skip(1))) :]


def test_long_and_unlike_pairs_are_left_out_of_training(files):
    long = " ".join(["dog"] * 5000)
    options = files([*ENGLISH, long, "A dog"], [*GERMAN, long, "Ein Hund läuft und " * 3])
    options |= files([long], [long], "test")
    text = PairTextConfig(level="word", vocabulary_size=100, min_count=1, max_length=20, max_ratio=3.0)
    data = load(text, **options, validation_fraction=0.0)
    assert data.report["left_out"] == {"too_long": 1, "unlike_lengths": 1}
    assert data.report["notes"][0].startswith("2 training pairs were left out: 1 longer than")
    assert texts(data, "train") == list(zip(ENGLISH, GERMAN, strict=True))
    assert len(rows(data.train(0))) == 6
    (source, inputs, targets), = rows(data.test)  # fmt: skip
    assert len(source) == len(inputs) == len(targets) == 20
    assert source[-1] == targets[-1] == END_ID
    assert END_ID not in source[:-1]
    with pytest.raises(DataError, match="all training pairs are left out, 7 as too long"):
        load(PairTextConfig(level="word", vocabulary_size=100, max_length=2), **options)


def lengths(seed=0, pairs=3000):
    random = np.random.default_rng(seed)
    source = random.poisson(12, pairs) + 1
    return source, np.maximum(1, source + random.integers(-4, 5, pairs))


def test_batches_keep_the_budget_and_have_little_padding():
    source, target = lengths()
    config = PairBatchConfig(tokens=512, bucket_count=8)
    planner = PairPlanner(source, target, config)
    batches = planner.epoch(seed=3, epoch=0)
    assert sorted(np.concatenate([batch.rows for batch in batches]).tolist()) == list(range(3000))
    cells = used = 0
    for batch in batches:
        assert len(batch.rows) * max(batch.widths) <= 512
        assert source[batch.rows].max() <= batch.widths[0]
        assert target[batch.rows].max() <= batch.widths[1]
        cells += len(batch.rows) * sum(batch.widths)
        used += int(source[batch.rows].sum() + target[batch.rows].sum())
    assert used / cells > 0.9
    for epoch in range(1, 4):
        again = planner.epoch(seed=3, epoch=epoch)
        assert sorted(batch.widths for batch in again) == sorted(batch.widths for batch in batches)
    # Buckets of both lengths, not of one of them: pairs in random order would waste a third.
    shapeless = PairPlanner(source, target, PairBatchConfig(tokens=512, bucket_count=1)).epoch(3, 0)
    assert len(shapeless) > 1.4 * len(batches)


def test_static_shapes_are_few(files):
    source, target = lengths(pairs=500)
    english, german = ([" ".join(["word"] * size) for size in side] for side in (source, target))
    text = PairTextConfig(level="word", vocabulary_size=10)
    batch = PairBatchConfig(tokens=128, bucket_count=3, static_shapes=True)
    data = load(text, batch, **files(english, german), **NO_SPLITS)
    shapes = {(inputs[0].shape[1], inputs[1].shape[1]) for inputs, _, _ in data.train(0).as_numpy_iterator()}
    assert len(shapes) <= 9
    edges = data.report["buckets"]
    assert all(one in edges["source"] and other in edges["target"] for one, other in shapes)


def test_fixed_batch_sizes_and_a_dropped_remainder():
    source, target = lengths(pairs=103)
    config = PairBatchConfig(tokens=None, batch_size=10, drop_remainder=True)
    batches = PairPlanner(source, target, config).epoch(0, 0)
    assert [len(batch.rows) for batch in batches] == [10] * 10


def test_batches_are_brought_to_a_number():
    source, target = lengths(pairs=200)
    batches = PairPlanner(source, target, PairBatchConfig(tokens=256)).epoch(0, 0)
    for count in (len(batches) - 3, len(batches), len(batches) + 5):
        fitted = fit_count(batches, count)
        assert len(fitted) == count
        assert sorted(np.concatenate([batch.rows for batch in fitted]).tolist()) == list(range(200))
        assert all(source[batch.rows].max() <= batch.widths[0] for batch in fitted)


SENTENCES = ["lower lowest", "slower 我爱 low", "x" * 40, "lowlower é"]


@pytest.fixture(scope="module")
def spelling():
    counts = {" low": 9, " lower": 8, " lowest": 7, " slow": 6, "ower": 5, "é": 4, "我": 3}
    return SentenceTokenizer(marked_tokenizer(SpacedSubwordTokenizer.learn(counts, 320, 1, False)))


def test_without_dropout_the_spelling_is_the_tokenizers(spelling):
    sampled = SubwordSampler(SENTENCES, spelling, 0.0).sample(np.random.default_rng(0))
    expected = encode_side(SENTENCES, spelling)
    assert sampled.ids.tolist() == expected.ids.tolist()
    assert sampled.offsets.tolist() == expected.offsets.tolist()


def test_random_spellings_are_spellings(spelling):
    sampler = SubwordSampler(SENTENCES, spelling, 0.5)
    random = np.random.default_rng(0)
    spellings = set()
    for _ in range(40):
        side = sampler.sample(random)
        decoded = spelling.decode(tf.RaggedTensor.from_row_splits(side.ids, side.offsets)).numpy()
        assert [text.decode() for text in decoded] == SENTENCES
        spellings.add(tuple(side.ids[: side.offsets[1]].tolist()))
        known = [spelling.vocabulary.index(token) for token in ("é", "我")]
        assert np.isin(known, side.ids).all()  # a character that is a piece is not spelt from its bytes
    assert len(spellings) > 12


def test_how_often_pieces_are_passed_over(spelling):
    """ " lower" is taken unless it is passed over; then " lowe" or shorter ones are."""
    sampler = SubwordSampler(["lower"] * 4000, spelling, 0.3)
    side = sampler.sample(np.random.default_rng(1))
    assert abs((side.lengths == 2).mean() - 0.7) < 0.03


def test_training_on_random_spellings(files):
    source, target = lengths(pairs=300)
    english, german = (
        [" ".join(["lower", "slowest"][: 1 + size % 2] * (size // 2 + 1)) for size in side] for side in (source, target)
    )
    batch = PairBatchConfig(tokens=256)
    text = PairTextConfig(vocabulary_size=300, subword_dropout=0.3)
    data = load(text, batch, **files(english, german), **NO_SPLITS)
    steps = data.steps_per_epoch
    epochs = [rows(data.train(epoch)) for epoch in (0, 1, 1)]
    assert epochs[1] == epochs[2]
    assert sorted(epochs[0]) != sorted(epochs[1])
    decode = data.tokenizer.target.decode
    for epoch, found in enumerate(epochs[:2]):
        assert len(found) == 300
        assert sorted(decode(tf.ragged.constant([row[2] for row in found])).numpy().tolist()) == sorted(
            line.encode() for line in german
        )
        assert len(list(data.train(epoch))) == steps
    # What is served is spelt without chance.
    plain = load(TEXT, batch, **files(english, german), **NO_SPLITS, tokenizer=data.tokenizer)
    assert (data.encoded("train")[0].ids == plain.encoded("train")[0].ids).all()


def test_training_without_some_full_stops(files):
    """Only pairs with one on both sides lose it, about as many as asked for, others in each epoch."""
    kinds = [("low .", "slow ."), ("low .", "slow"), ("low !", "slow !"), ("lower", "slower"), ("lo。", "slo.")]
    english, german = zip(
        *[(f"{number} {one}", f"{number} {two}") for number in range(100) for one, two in kinds], strict=True
    )
    text = PairTextConfig(vocabulary_size=400, full_stop_dropout=0.3)
    data = load(text, PairBatchConfig(tokens=128), **files(english, german), **NO_SPLITS)
    decode = data.tokenizer.target.decode
    pairs = set(zip(english, german, strict=True))
    lost = []
    for epoch in (0, 1, 1):
        sides = data.training_sides(epoch)
        found = [
            [text.decode() for text in decode(tf.RaggedTensor.from_row_splits(side.ids, side.offsets)).numpy()]
            for side in sides
        ]
        changed = [
            pair
            for pair, before in zip(zip(*found, strict=True), data.records("train"), strict=True)
            if pair not in pairs
        ]
        lost.append(changed)
        assert all((one + " .", two + " .") in pairs or (one + "。", two + ".") in pairs for one, two in changed)
        assert 35 <= len(changed) <= 85  # of 200, three in ten
        assert len(list(data.train(epoch))) == data.steps_per_epoch
    assert lost[1] == lost[2]
    assert lost[0] != lost[1]
    plain = data.encoded("train")[0]
    assert len(plain.ids) == len(
        load(TEXT, PairBatchConfig(), **files(english, german), **NO_SPLITS, tokenizer=data.tokenizer)
        .encoded("train")[0]
        .ids
    )


def test_a_sentence_that_is_a_full_stop_stays(files):
    text = PairTextConfig(vocabulary_size=300, full_stop_dropout=0.99)
    data = load(text, PairBatchConfig(), **files([".", "low."] * 20, [".", "slow."] * 20), **NO_SPLITS)
    for side, kept in zip(data.training_sides(0), data.encoded("train"), strict=True):
        assert side.lengths[::2].tolist() == kept.lengths[::2].tolist()
        assert side.lengths[1::2].sum() < kept.lengths[1::2].sum()

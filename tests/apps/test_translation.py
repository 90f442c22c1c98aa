"""The translation task: its loss, its layers, what its signatures answer, how it is measured and exported."""

import dataclasses
import gzip
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.errors import UsageError
from apps.runs.training_config import TrainingConfig
from apps.serving.export import export_model
from apps.serving.served import call_signature
from apps.translation import TASK, Config
from apps.translation_config import DecodingConfig, ModelConfig
from apps.translation_evaluation import MeasuredPairs, corpus_figures, measure, tokenized_bleu
from apps.translation_model import build_translator
from apps.translation_signatures import translate_inputs
from apps.translation_tokens import paper_tokens
from keras_seq.decoding import BeamSearch, ForbiddenTokens, Greedy
from keras_seq.training import SequenceCrossEntropy
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.sources.pairs import Pair
from pipelines.text import CharacterTokenizer
from pipelines.text.language_pair import LanguagePair
from pipelines.text.sentence import SentenceTokenizer, marked_tokenizer

SMALL = {"units": 24, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0}
KINDS = [
    {},
    {"kind": "rnn", "cell": "lstm"},
    {"kind": "rnn_attention"},
    {"kind": "rnn_attention", "attention_order": "before", "input_feeding": False, "encoder_layers": 2},
    {
        "kind": "rnn_attention",
        "attention": "dot",
        "bidirectional": False,
        "embedding_size": 8,
        "tied_embeddings": False,
    },
]


def config_of(**model):
    return Config(
        text=PairTextConfig(vocabulary_size=500),
        batch=PairBatchConfig(tokens=1024),
        model=ModelConfig(**{**SMALL, **model}),
        decoding=DecodingConfig(beam_width=3, validation_pairs=10),
    )


@pytest.fixture(scope="module")
def data():
    return TASK.datasets(config_of())


@pytest.fixture(scope="module")
def trained(data):
    """A Transformer that has seen the samples some times."""
    keras.utils.set_random_seed(1)
    config = config_of()
    model = TASK.build_model(config, data)
    optimizer, loss = keras.optimizers.Adam(1e-2), TASK.training_loss(model, config)

    @tf.function(reduce_retracing=True, autograph=False)
    def train(inputs, targets, weights):
        with tf.GradientTape() as tape:
            value = loss(targets, model(inputs, training=True), weights)
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)

    optimizer.build(model.trainable_variables)
    for epoch in range(10):
        for batch in data.train(epoch):
            train(*batch)
    accuracy = TASK.metrics(config)[0]
    for inputs, targets, weights in data.validation:
        accuracy.update_state(targets, model(inputs), weights)
    assert accuracy.result() > 0.55
    signatures = TASK.signatures(model, data, config)
    return model, signatures, lambda name, **inputs: call_signature(signatures[name], inputs)


def texts_of(data, count=8):
    return [pair.source for pair in data.records("validation")[:count]]


def test_training_minimises_the_smoothed_cross_entropy(data):
    random = np.random.default_rng(0)
    sources, inputs, targets = random.integers(1, 40, (3, 4, 5)).astype("int32")
    weights = (random.random((4, 5)) < 0.7).astype("float32")
    config = dataclasses.replace(config_of(dropout=0.0), training=TrainingConfig(label_smoothing=0.1))
    model = TASK.build_model(config, data)
    outputs = model((sources, inputs), training=True)
    logits = model.decoder.score(outputs["features"])
    loss = TASK.training_loss(model, config)(targets, outputs, weights)
    np.testing.assert_allclose(loss, SequenceCrossEntropy(None, 0.1)(targets, logits, weights), rtol=1e-5)


def test_accuracy_is_that_of_the_largest_logit():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4, 5, 3)).astype("float32")
    targets = random.integers(0, 3, (4, 5)).astype("int32")
    weights = (random.random((4, 5)) < 0.7).astype("float32")
    accuracy = TASK.metrics(config_of())[0]
    accuracy.update_state(targets, logits, sample_weight=weights)
    expected = (weights * (logits.argmax(-1) == targets)).sum() / weights.sum()
    assert 0 < expected < 1
    assert float(accuracy.result()) == pytest.approx(expected)


@pytest.mark.parametrize("options", KINDS)
def test_kinds_of_models(data, options):
    """Padding on either side changes no logits, and greedy steps give what teacher forcing foresees."""
    model = build_translator(ModelConfig(**{**SMALL, **options}), data.tokenizer, seed=1)
    source = np.array([[50, 60, 70, 3], [80, 3, 0, 0]], "int32")
    inputs = np.array([[2, 40, 41], [2, 42, 0]], "int32")
    logits = model((source, inputs)).numpy()
    alone = model((source[1:, :2], inputs[1:, :2])).numpy()
    np.testing.assert_allclose(logits[1:, :2], alone, atol=1e-4)
    assert not np.allclose(logits[0, 0], logits[1, 0], atol=1e-3)  # the source is seen
    decoded = model.decode(source, Greedy(), max_length=4)
    ids = decoded.ids.numpy()[:, 0]
    forced = model((source, np.concatenate([[[2], [2]], ids[:, :-1]], axis=1).astype("int32"))).numpy()
    assert (forced[0, : decoded.lengths[0, 0]].argmax(-1) == ids[0, : decoded.lengths[0, 0]]).all()
    looks = options.get("kind") != "rnn"
    assert (decoded.alignments is not None) == looks
    joint = model.embedding is None
    assert joint == (options.get("embedding_size") is None or joint)


def test_separate_vocabularies_have_separate_embeddings():
    source, target = (
        SentenceTokenizer(marked_tokenizer(CharacterTokenizer(["", "[UNK]", *characters])))
        for characters in ("abc", "abcdef")
    )
    model = build_translator(ModelConfig(**SMALL), LanguagePair(source, target), seed=1)
    assert model.embedding.embeddings.shape[0] == len(source.vocabulary) == 7
    assert model.decoder.embedding.embeddings.shape[0] == len(target.vocabulary) == 10
    logits = model((np.array([[4, 5, 3]], "int32"), np.array([[2, 9]], "int32")))
    assert logits.shape == (1, 2, 10)


def test_serving_default_is_the_beam_search_of_the_model(data, trained):
    model, _, call = trained
    texts = texts_of(data)
    source = data.tokenizer.source.encode(tf.constant(texts)).to_tensor()
    most = min(120, 2 * source.shape[1] + 10)
    decoded = model.decode(source, BeamSearch(3, 0.6), most, [ForbiddenTokens([0, 1, 2])])
    answers = call("serving_default", text=[*texts, "", " \n"])
    expected = data.tokenizer.target.decode(decoded.ids[:, 0]).numpy().tolist()
    assert answers["translation"].tolist() == [*expected, b"", b""]
    np.testing.assert_allclose(answers["score"][:-2], decoded.scores[:, 0], atol=1e-4)
    assert call("serving_default", text=[])["translation"].shape == (0,)


@pytest.mark.parametrize("width", [1, 3, 7])
def test_any_beam_width_is_that_of_a_beam_search(data, trained, width):
    model, _, call = trained
    texts = texts_of(data)
    source = data.tokenizer.source.encode(tf.constant(texts)).to_tensor()
    count = min(2, width)
    decoded = model.decode(source, BeamSearch(width, 1.0, sequences=count), 30, [ForbiddenTokens([0, 1, 2])])
    answers = call(
        "translate", **translate_inputs(texts, beam_width=width, length_penalty=1.0, n_best=count, max_length=30)
    )
    assert answers["translations"].tolist() == data.tokenizer.target.decode(decoded.ids).numpy().tolist()
    np.testing.assert_allclose(answers["scores"], decoded.scores, atol=1e-4)
    np.testing.assert_allclose(answers["log_probabilities"], decoded.log_probabilities, atol=1e-4)
    longest = answers["alignment"].shape[2]
    np.testing.assert_allclose(answers["alignment"], decoded.alignments[:, :, :longest], atol=1e-4)
    assert not np.any(decoded.ids[:, :, longest:])
    assert answers["beam_tokens"].shape[2] == width


def test_what_translate_tells(data, trained):
    _, _, call = trained
    texts = ["The coat is red.", ""]
    answers = call("translate", **translate_inputs(texts, beam_width=4, n_best=3))
    assert answers["translations"].shape == (2, 3)
    assert answers["translations"][1].tolist() == [b""] * 3
    assert (np.diff(answers["scores"], axis=1) <= 0).all()
    source, target, alignment = answers["source_tokens"], answers["target_tokens"], answers["alignment"]
    assert b"".join(source[0]) == b" The coat is red.\x03"
    assert alignment.shape == (*target.shape, source.shape[1])
    for number, translation in enumerate(answers["translations"][0]):
        assert b"".join(target[0, number]) == b" " + translation + b"\x03"
        real = target[0, number] != b""
        np.testing.assert_allclose(alignment[0, number].sum(-1), real.astype(float), atol=1e-5)
    assert (alignment[1, :, :, 1:] == 0).all()  # padding of the source is not looked at
    # The best sequence can be read off the beams, from its end to its beginning.
    tokens, parents = answers["beam_tokens"][0], answers["beam_parents"][0]
    assert parents.max() < 4
    length = int((target[0, 0] != b"").sum())
    ends = [beam for beam in range(4) if tokens[length - 1, beam] == b"\x03"]
    paths = []
    for beam in ends:
        path = []
        for step in reversed(range(length)):
            path.append(tokens[step, beam])
            beam = parents[step, beam]
        paths.append(b"".join(reversed(path)))
    assert b"".join(target[0, 0]) in paths
    many = call("translate", **translate_inputs(texts, beam_width=99, n_best=99, max_length=3))
    assert many["translations"].shape == (2, 10)
    assert many["target_tokens"].shape[2] <= 3


def test_score_agrees_with_the_search(data, trained):
    _, _, call = trained
    texts = texts_of(data)
    found = call("translate", **translate_inputs(texts, beam_width=2))
    best = found["translations"][:, 0].tolist()
    scored = call("score", text=texts, translation=best)
    same = [b"".join(row) == b"".join(tokens[0]) and len(row[row != b""]) == (tokens[0] != b"").sum()
            for row, tokens in zip(scored["tokens"], found["target_tokens"], strict=True)]  # fmt: skip
    assert sum(same) >= len(same) - 1  # a translation may be spelt otherwise than the tokenizer would
    np.testing.assert_allclose(scored["log_probability"][same], found["log_probabilities"][same, 0], atol=1e-3)
    np.testing.assert_allclose(scored["token_log_probabilities"].sum(1), scored["log_probability"], atol=1e-4)
    alone = call("score", text=texts[:1], translation=best[:1])
    np.testing.assert_allclose(alone["log_probability"], scored["log_probability"][:1], atol=1e-3)


def test_a_sentence_of_5000_words(trained):
    _, _, call = trained
    answers = call("serving_default", text=["dog " * 5000, "A dog."])
    assert answers["translation"].shape == (2,)


def test_figures_of_a_translator(data, trained):
    _, _, call = trained
    figures = TASK.evaluate(call, TASK.validation_records(data, config_of()), [])
    assert figures["pairs"] == 25
    assert figures["bleu"] > 10
    assert 1 < figures["perplexity"] < 10
    assert sum(row["pairs"] for row in figures["by_length"]) == 25
    assert "tok:13a" in figures["bleu_signature"]
    assert "case:lc" in figures["bleu_lowercase_signature"]
    total = count = 0.0
    for inputs, targets, weights in data.validation:
        losses = keras.losses.sparse_categorical_crossentropy(targets, trained[0](inputs), from_logits=True)
        total += float(tf.reduce_sum(weights * losses))
        count += float(tf.reduce_sum(weights))
    assert math.isclose(figures["nats_per_token"], total / count, rel_tol=1e-3)
    assert len(list(TASK.show_evaluation(figures))) > 2


def test_bleu_while_training_is_that_of_greedy_translations(data, trained):
    model, _, _ = trained
    config = config_of()
    figure = TASK.more_figures(model, data, config)()["bleu"]
    records = data.records("validation")
    pairs = [records[round(place * (len(records) - 1) / 9)] for place in range(10)]  # the first, the last, and between
    source = data.tokenizer.source.encode(tf.constant([pair.source for pair in pairs])).to_tensor()
    decoded = model.decode(source, Greedy(), 40, [ForbiddenTokens([0, 1, 2])])
    translations = [text.decode() for text in data.tokenizer.target.decode(decoded.ids[:, 0]).numpy()]
    assert math.isclose(figure, corpus_figures(translations, [pair.target for pair in pairs], "de")["bleu"])


def test_measure_puts_translations_where_they_belong():
    """Pairs are asked for by length; an echo of the references must still be perfect."""
    sentences = ["Ein Hund läuft über die Straße.", "Ja.", "Die Katze schläft auf dem Sofa im Haus."]
    answers = {f"source {'x' * len(text)}": text for text in sentences}
    pairs = [Pair(source, target, "") for source, target in answers.items()]

    def call(signature, text, translation=None):
        if signature == "serving_default":
            return {"translation": np.array([answers[one].encode() for one in text], object)}
        assert [answers[one] for one in text] == translation
        tokens = np.array([[b"a", b"b"]] * len(text), object)
        return {
            "tokens": tokens,
            "expected": np.array([[b"a", b"c"]] * len(text), object),
            "log_probability": np.full(len(text), 2 * math.log(0.25)),
        }

    figures = measure(call, MeasuredPairs(pairs, "de"))
    assert math.isclose(figures["bleu"], 100.0)
    assert math.isclose(figures["chrf"], 100.0)
    assert math.isclose(figures["perplexity"], 4.0)
    assert figures["accuracy"] == 0.5
    assert [example["translation"] for example in figures["examples"]] == sentences


def test_the_card_names_the_languages():
    facts = {"source": "letters", "languages": ["en", "de"]}
    assert "from English to German. A Transformer" in TASK.card(config_of(), facts, "train").summary
    assert "from tlh to one language" in TASK.card(config_of(), {**facts, "languages": ["tlh", ""]}, "train").summary


def test_bleu_knows_languages_and_case():
    figures = corpus_figures(["我爱中国。", "你好"], ["我爱中国。", "你好"], "zh")
    assert "tok:zh" in figures["bleu_signature"]
    cased = corpus_figures(["ein hund läuft schnell los"], ["Ein Hund läuft schnell los"], "de")
    assert cased["bleu"] < cased["bleu_lowercase"] == pytest.approx(100.0)
    assert cased["bleu_tokenized"] == pytest.approx(100.0)
    assert "bleu_tokenized" not in figures
    assert tokenized_bleu(["ein hund läuft ."], ["ein hund läuft ."]) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        (
            "en",
            "The dog's “ball”, a T-shirt & 1,000.5 m...",
            "the dog &apos;s &quot; ball &quot; , a t-shirt &amp; 1,000.5 m ...",
        ),
        ("fr", "L'eau, d\u2019un homme.", "l&apos; eau , d&apos; un homme ."),
        ("de", "Ein Mann [z.B. Dr. Müller] geht.", "ein mann &#91; z.b. dr. müller &#93; geht ."),
        ("en", "  ", ""),
    ],
)
def test_tokens_as_papers_have_them(language, text, tokens):
    assert paper_tokens(text, language) == tokens


def test_tokens_of_multi30k(real_data):
    """The published tokenised text of all three languages, but for a few sentences with abbreviations."""
    for language in ("en", "de", "fr"):
        path = real_data / "multi30k" / f"test_2016_flickr.{language}.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            sentences = file.read().split("\n")[:-1]
        published = path.with_name(f"test_2016_flickr.lc.norm.tok.{language}").read_text("utf-8").split("\n")[:-1]
        wrong = sum(paper_tokens(text, language) != tokens for text, tokens in zip(sentences, published, strict=True))
        assert wrong <= 2


@pytest.mark.slow
def test_the_exported_translator_needs_tensorflow_alone(data, trained, tmp_path):
    """A fresh process with nothing of ours answers as this one does, all signatures included."""
    model, signatures, _ = trained
    config = config_of()
    facts = TASK.data_facts(data, config)
    data.tokenizer.save(tmp_path / "vocabulary")
    report = export_model(
        signatures,
        [model, data.tokenizer],
        "translation",
        tmp_path / "models",
        metadata={"task": "translation", "data": facts, "labels": []},
        card=TASK.card(config, facts, "keras-seq train translation"),
        assets=[tmp_path / "vocabulary"],
        check_inputs=TASK.check_inputs(data, config),
    )
    assert report.checked
    assert report.size < 4_000_000
    again = TASK.load_processor(report.path / "assets", [])
    assert again.tokenizer.target.vocabulary == data.tokenizer.target.vocabulary


def test_records_of_files(data, tmp_path):
    (tmp_path / "a.en").write_text("A dog.\nA cat.\n")
    (tmp_path / "a.de").write_text("Ein Hund.\nEine Katze.\n")
    files = ParallelConfig(source_file=str(tmp_path / "a.en"), target_file=str(tmp_path / "a.de"))
    records = TASK.records(Config(data=files), "all", data)
    assert [pair.target for pair in records.pairs] == ["Ein Hund.", "Eine Katze."]
    assert records.target_language == "de"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 30}, "model.units must be a multiple of model.heads = 4"),
        ({"kind": "rnn", "embedding_size": 8}, "model.embedding_size must be model.units if they are tied"),
        ({"kind": "rnn_attention", "attention": "dot"}, "model.attention must be another than dot"),
        ({"dropout": 1.0}, "model.dropout must be from 0 to below 1"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(UsageError, match=message):
        ModelConfig(**options)


def test_sizes_follow_from_the_kind():
    assert (ModelConfig().resolved_units, ModelConfig().layers) == (128, (4, 4))
    recurrent = ModelConfig(kind="rnn", decoder_layers=2)
    assert (recurrent.resolved_units, recurrent.layers) == (256, (1, 2))


def test_options_that_do_not_fit_together():
    with pytest.raises(UsageError, match=r"model\.shared_embeddings"):
        Config(text=PairTextConfig(joint=False), model=ModelConfig(shared_embeddings=True))
    with pytest.raises(UsageError, match=r"training\.monitor"):
        Config(decoding=DecodingConfig(validation_pairs=0))

"""Figures of classifiers against scikit-learn's and a direct count."""

from collections import namedtuple

import numpy as np
import pytest
from sklearn import metrics

from apps.classification import CALIBRATION_BINS, evaluate_records, figures, roc_auc, show_figures
from apps.errors import UserError

Record = namedtuple("Record", "text label place")


def random_case(classes, rows=400, seed=0, ties=False):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, classes)) * 2
    if ties:
        logits = np.round(logits)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.where(random.random(rows) < 0.6, probabilities.argmax(axis=1), random.integers(0, classes, rows))
    return probabilities, targets, [f"class {index}" for index in range(classes)]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_figures_equal_those_of_scikit_learn(classes, ties):
    probabilities, targets, labels = random_case(classes, seed=classes, ties=ties)
    found = figures(probabilities, targets, labels)
    chosen = probabilities.argmax(axis=1)
    if classes == 2:
        auc = metrics.roc_auc_score(targets, probabilities[:, 1])
        f1 = metrics.f1_score(targets, chosen)
    else:
        auc = metrics.roc_auc_score(targets, probabilities, multi_class="ovr")
        f1 = metrics.f1_score(targets, chosen, average="macro")
    assert found["roc_auc"] == pytest.approx(auc, abs=1e-12)
    assert found["f1"] == pytest.approx(f1)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(targets, chosen))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(targets, probabilities))
    np.testing.assert_array_equal(found["confusion"], metrics.confusion_matrix(targets, chosen))
    precision, recall, f1s, rows = metrics.precision_recall_fscore_support(targets, chosen)
    for index, label in enumerate(labels):
        expected = {"precision": precision[index], "recall": recall[index], "f1": f1s[index], "rows": rows[index]}
        assert found["classes"][label] == pytest.approx(expected)


def test_calibration_error_equals_a_direct_count():
    probabilities, targets, labels = random_case(3, seed=5)
    found = figures(probabilities, targets, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    expected = 0.0
    for number in range(CALIBRATION_BINS):
        inside = [
            i for i, c in enumerate(confidence) if number / CALIBRATION_BINS <= c < (number + 1) / CALIBRATION_BINS
        ]
        if inside:
            expected += abs(sum(right[inside]) - sum(confidence[inside])) / len(targets)
    assert found["calibration_error"] == pytest.approx(expected)
    assert sum(entry["rows"] for entry in found["calibration"]) == len(targets)


def test_calibration_error_of_a_calibrated_model_is_small_and_of_a_boaster_large():
    random = np.random.default_rng(1)
    chance = random.random(20_000)
    targets = (random.random(20_000) < chance).astype(int)
    calibrated = figures(np.stack([1 - chance, chance], axis=1), targets, ["no", "yes"])
    sure = (chance > 0.5).astype(float)
    boasting = figures(np.stack([1 - sure, sure], axis=1), targets, ["no", "yes"])
    assert calibrated["calibration_error"] < 0.02
    assert boasting["calibration_error"] > 0.2


def test_area_needs_both_classes():
    probabilities = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert roc_auc(probabilities, np.array([1, 1])) is None
    assert figures(probabilities, np.array([1, 1]), ["a", "b"])["roc_auc"] is None


def letter_model(texts):
    """Probability of "x" from the share of x among the letters: known for each text."""
    share = np.array([text.count(b"x") / max(1, len(text)) for text in texts])
    return {"probabilities": np.stack([1 - share, share], axis=1).astype(np.float32)}


def test_records_are_measured_in_their_order_whatever_their_lengths():
    random = np.random.default_rng(3)
    texts = ["".join(random.choice(list("xy"), size=random.integers(0, 30))) for _ in range(5000)]
    labels = [str(random.choice(["not", "x"])) for _ in texts]
    records = [Record(text, label, f"file:{n}") for n, (text, label) in enumerate(zip(texts, labels, strict=True))]
    found = evaluate_records(letter_model, iter(records), ["not", "x"])
    probabilities = letter_model([text.encode() for text in texts])["probabilities"]
    targets = np.array([["not", "x"].index(label) for label in labels])
    expected = figures(probabilities, targets, ["not", "x"])
    worst = found.pop("worst")
    assert found == expected
    wrong = [n for n in range(len(texts)) if probabilities[n].argmax() != targets[n]]
    wrong.sort(key=lambda n: -probabilities[n].max())
    assert [error["probability"] for error in worst] == [float(probabilities[n].max()) for n in wrong[:10]]
    for error in worst:
        n = int(error["place"].split(":")[1])
        assert (error["text"], error["label"]) == (texts[n], labels[n])
        assert error["predicted"] != labels[n]


def test_no_record_is_a_clear_error():
    with pytest.raises(UserError, match="no text to evaluate on"):
        evaluate_records(letter_model, iter([]), ["not", "x"])


def test_tables_show_every_class_and_error(capsys):
    from apps.console import Console

    records = [Record("xxxy", "not", "f:1"), Record("yyy", "not", "f:2"), Record("xx", "x", "f:3")]
    Console().result({}, *show_figures(evaluate_records(letter_model, records, ["not", "x"])))
    shown = capsys.readouterr().out
    for words in ("accuracy", "0.6667", "F1 (x)", "xxxy", "f:1", "not"):
        assert words in shown

"""The gates of cells against their own outputs, the right answers, the gradient, and the shipped model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seq
from apps import cell_memory
from apps.cell_gates import CELLS, described, last_output, look_inside
from apps.cells import make_cell
from apps.serving import registry


@pytest.fixture(scope="module")
def inputs():
    return tf.constant(np.random.default_rng(0).normal(size=(2, 7, 3)), tf.float32)


def _cell(name):
    """A built cell with random weights, biases too."""
    cell = make_cell(name, 4)
    cell.build((None, 3))
    for number, weight in enumerate(cell.weights):
        weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return cell


def _shifted(values):
    return np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)


@pytest.mark.parametrize("name", CELLS)
def test_states_are_those_of_the_driver(name, inputs):
    cell = _cell(name)
    outputs = keras_seq.Recurrent(cell, return_sequences=True)(inputs)
    found = look_inside(name, cell, inputs)
    assert [quantity["name"] for quantity in described([name])[0]["quantities"]] == list(found)
    np.testing.assert_allclose(last_output(cell, inputs), outputs[:, -1], rtol=1e-5, atol=1e-6)
    if name != "sru":  # its output is not its state
        np.testing.assert_allclose(found["state"], outputs, rtol=1e-5, atol=1e-6)


def test_gates_make_the_states(inputs):
    """Each state from the one before it, the gates, and what the gates do not decide."""
    seen = {
        name: {key: value.numpy() for key, value in look_inside(name, _cell(name), inputs).items()} for name in CELLS
    }

    lstm, weights = seen["lstm"], [weight.numpy() for weight in _cell("lstm").weights]
    kernel, recurrent, bias = (weight[..., 8:12] for weight in weights)
    candidate = np.tanh(inputs @ kernel + _shifted(lstm["state"]) @ recurrent + bias)
    memory = lstm["forget_gate"] * _shifted(lstm["memory"]) + lstm["input_gate"] * candidate
    np.testing.assert_allclose(lstm["memory"], memory, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(lstm["state"], lstm["output_gate"] * np.tanh(memory), rtol=1e-4, atol=1e-5)

    gru, weights = seen["gru"], [weight.numpy() for weight in _cell("gru").weights]
    kernel, recurrent, bias = (weight[..., 8:] for weight in weights)
    before = _shifted(gru["state"])
    candidate = np.tanh(inputs @ kernel + bias[0] + gru["reset_gate"] * (before @ recurrent + bias[1]))
    state = gru["update_gate"] * before + (1 - gru["update_gate"]) * candidate
    np.testing.assert_allclose(gru["state"], state, rtol=1e-4, atol=1e-5)

    sru, cell = seen["sru"], _cell("sru")
    new = inputs @ cell.kernel.numpy()[:, :4]
    memory = sru["forget_gate"] * _shifted(sru["memory"]) + (1 - sru["forget_gate"]) * new
    np.testing.assert_allclose(sru["memory"], memory, rtol=1e-4, atol=1e-5)
    highway = inputs @ cell.kernel.numpy()[:, 12:]
    outputs = keras_seq.Recurrent(cell, return_sequences=True)(inputs)
    shown = sru["reset_gate"] * sru["memory"] + (1 - sru["reset_gate"]) * highway
    np.testing.assert_allclose(outputs, shown, rtol=1e-4, atol=1e-5)

    small, cell = seen["min_gru"], _cell("min_gru")
    new = inputs @ cell.kernel.numpy()[:, 4:] + cell.bias.numpy()[4:]
    state = (1 - small["update_gate"]) * _shifted(small["state"]) + small["update_gate"] * new
    np.testing.assert_allclose(small["state"], state, rtol=1e-4, atol=1e-5)


def test_answers():
    text = "Ab (c Dé-Ef) g(((h)i A"
    found = cell_memory.answers(np.array([[ord(character) for character in text]]))[0]
    assert "".join("1" if open_ else "0" for open_ in found[:, 0]) == "0001111111100011110000"
    assert "".join("1" if capital else "0" for capital in found[:, 1]) == "1100001001100000000001"


def test_passages_are_the_same_for_the_same_seed_and_close_in_time():
    text = "A Lamp stood in the window (of a small house) by the sea. " * 5
    ids, answers = cell_memory.passages(text, np.random.default_rng(3), 6, 90, gap=20)
    again, _ = cell_memory.passages(text, np.random.default_rng(3), 6, 90, gap=20)
    np.testing.assert_array_equal(ids, again)
    shown = np.array(cell_memory.VOCABULARY)[ids]
    assert set(ids.ravel()) <= set(range(1, len(cell_memory.VOCABULARY)))
    brackets = ["".join(row[np.isin(row, ["(", ")"])]) for row in shown]
    assert all(row.startswith("(") and "((" not in row and "))" not in row for row in brackets)
    spans = [len(run) for row in answers[..., 0] for run in "".join(map(str, row.astype(int))).split("0")]
    assert 0 < max(spans) < 20


def test_gradient_is_that_of_all_steps_at_once():
    reader = cell_memory.Reader("lstm", cell_memory.build("lstm", 1), cell_memory.build("lstm", 2))
    ids = tf.constant(np.random.default_rng(0).integers(2, 90, (3, 6)), tf.int32)
    for model, norms in zip((reader.start, reader.model), cell_memory.gradient_norms(reader, ids), strict=True):
        embedded = model.layers[0](ids)
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            last = model.layers[1](embedded)[:, -1]
            along = tf.reduce_sum(last * tf.random.stateless_normal(last.shape, seed=(3, 4)))
        expected = np.sqrt((tape.gradient(along, embedded).numpy() ** 2).sum(axis=(0, 2)))[::-1]
        np.testing.assert_allclose(norms, expected, rtol=1e-4)
    assert not np.allclose(*cell_memory.gradient_norms(reader, ids))


def test_training_starts_from_what_is_kept(monkeypatch):
    monkeypatch.setattr(cell_memory, "CELLS", {"min_gru": CELLS["min_gru"]})
    lines = []
    text = "A lamp stood in the window of a Small house by the sea, and nobody knew. " * 40
    (reader,), accuracies = cell_memory.train(text, 2, 5, lines.append)
    for weight, expected in zip(reader.start.get_weights(), cell_memory.build("min_gru", 5).get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert not np.array_equal(reader.model.get_weights()[0], reader.start.get_weights()[0])
    assert accuracies == {"min_gru_accuracy": pytest.approx(float(lines[0].split()[1][:-1]) / 100, abs=1e-3)}
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def shipped():
    entries = registry.list_models(task="cells")
    if not entries:
        pytest.skip("needs a cells model: `keras-seq cells` makes one")
    return registry.load(entries[0])


def test_shipped_model_remembers(shipped):
    """LSTM and GRU know a bracket for longer than any gap they have learnt from."""
    names = [cell["name"] for cell in shipped.entry.metadata["cells"]]
    inside = "(and so on and on, through the night and the day after it, for longer than anybody had ever waited"
    found = shipped.ask("serving_default", text=[f"It was {inside}", f"It was {inside}) late", "", "好 (é"])
    known = found["known"][..., 0]
    assert found["characters"][3].tolist()[:5] == ["好".encode(), b" ", b"(", "é".encode(), b""]
    for name in ("lstm", "gru"):
        cell = known[..., names.index(name)]
        assert cell[0, 10:105].min() > 0.7
        assert cell[1, 110] < 0.3
        assert cell[3, 3] > 0.7
    assert not known[2].any()


def test_shipped_model_shows_what_vanishes(shipped):
    names = [cell["name"] for cell in shipped.entry.metadata["cells"]]
    found = shipped.ask("gradient", length=60)
    assert found["trained"].shape == (len(names), 60)
    share = {name: found["trained"][place, 40] / found["trained"][place, 0] for place, name in enumerate(names)}
    assert share["elman"] < 1e-6 < 1e-4 < share["lstm"] < share["irnn"]
    first = found["untrained"][names.index("irnn")]
    assert first[59] > 0.1 * first[0]

"""Replaying a journal into a new oracle is the same as never having stopped."""

import pytest

from apps.tuning.config import TunerConfig
from apps.tuning.oracle import EXHAUSTED, WAIT, SearchOracle
from apps.tuning.space import Choice, Space

from .fakes import fake_space

ALGORITHMS = ["random", "hyperband", "bayesian", "grid"]


def make(algorithm):
    return SearchOracle(TunerConfig(algorithm=algorithm, seed=7), fake_space(), "max", epochs=9)


def score_of(values):
    # An arbitrary function of the values, whatever they are.
    return values.get("model.units", 20) / 100 - abs(values["model.word_dropout"] - 0.2)


def advance(oracle, journal, steps, at_once=2):
    """Ask for trials, two at a time, end the older one; every third fails."""
    running = [name for kind, name, _ in journal if kind == "created"]
    running = [name for name in running if name not in [other for kind, other, _ in journal if kind == "ended"]]
    values = {name: codes for kind, name, codes in journal if kind == "created"}
    for _ in range(steps):
        answer = oracle.create() if len(running) < at_once else WAIT
        if not isinstance(answer, str):
            name, codes = answer
            journal.append(("created", name, codes))
            running.append(name)
            values[name] = codes
            continue
        if len(running) < at_once:
            journal.append((answer, None, None))
        if running:
            name = running.pop(0)
            score = None if name.endswith("2") else score_of(values[name])
            oracle.end(name, score)
            journal.append(("ended", name, score))


def replay(oracle, journal):
    created = [name for kind, name, _ in journal if kind == "created"]
    for kind, name, value in journal:
        if kind == "created":
            oracle.repeat(name, value, last=name == created[-1])
        elif kind == "ended":
            oracle.end(name, value)
        else:
            oracle.create()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_replay_equals_an_uninterrupted_search(algorithm):
    # With one trial at a time for the Gaussian process: beside others it hopes with the last fit, which is not kept.
    at_once, steps, cuts = (1, 11, (9,)) if algorithm == "bayesian" else (2, 60, (5, 28))
    whole = []
    advance(make(algorithm), whole, steps, at_once)
    assert sum(kind == "created" for kind, _, _ in whole) >= steps // 2
    for cut in cuts:
        journal = []
        advance(make(algorithm), journal, cut, at_once)
        again = make(algorithm)
        replay(again, journal)
        advance(again, journal, steps - cut, at_once)
        assert journal == whole


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_recorded_values_win_over_those_that_an_oracle_would_choose(algorithm):
    oracle = make(algorithm)
    name, codes = make(algorithm).create()
    # A grid knows no other values than its own.
    changed = {**codes, **({"model.units": 128} if algorithm == "grid" else {"model.word_dropout": 0.123})}
    oracle.repeat(name, changed)
    assert oracle._oracle.trials[name].hyperparameters.values == changed
    oracle.end(name, 0.5)
    assert not isinstance(oracle.create(), str)


def test_a_failure_leaves_a_rung_of_hyperband_full():
    oracle = make("hyperband")
    failing, epochs = set(), []
    while len(epochs) < 13:
        name, codes = oracle.create()
        epochs.append(codes["tuner/epochs"])
        if len(epochs) in (2, 5):
            failing.add(name)
        oracle.end(name, None if name in failing else score_of(codes))
        assert codes.get("tuner/trial_id") not in failing
    assert epochs == [1] * 9 + [3] * 3 + [9]


def test_a_grid_has_each_combination_once():
    small = Space((Choice("model.units", (32, 64)), Choice("model.bidirectional", (True, False))), fake_space().config)
    oracle = SearchOracle(TunerConfig(algorithm="grid"), small, "max", 4)
    seen = []
    while not isinstance(answer := oracle.create(), str):
        seen.append(tuple(small.decode(answer[1]).values()))
        oracle.end(answer[0], 0.0)
    assert answer == EXHAUSTED
    assert sorted(seen) == [(32, False), (32, True), (64, False), (64, True)]


def test_a_gaussian_process_tries_nothing_twice():
    """Where the best values are at the bounds, it would hope for them again and again."""
    oracle, seen = make("bayesian"), []
    for _ in range(24):
        name, codes = oracle.create()
        seen.append(tuple(codes.items()))
        oracle.end(name, codes["model.word_dropout"])
    assert len(set(seen)) == 24
    assert max(dict(values)["model.word_dropout"] for values in seen[-8:]) > 0.3  # and it still goes where it is good


def test_a_gaussian_process_ends_where_all_is_tried():
    small = Space((Choice("model.units", (32, 64)), Choice("model.bidirectional", (True, False))), fake_space().config)
    oracle, seen = SearchOracle(TunerConfig(algorithm="bayesian"), small, "max", 4), []
    while not isinstance(answer := oracle.create(), str):
        seen.append(tuple(small.decode(answer[1]).values()))
        oracle.end(answer[0], float(answer[1]["model.units"]))
    assert answer == EXHAUSTED
    assert sorted(seen) == [(32, False), (32, True), (64, False), (64, True)]

"""Search spaces: narrowing, conditions, and what they give to a configuration."""

import keras_tuner
import pytest
import yaml

from apps.errors import UsageError
from apps.runs.training_config import TrainingConfig
from apps.settings import build_config
from apps.task import TASKS, load_task
from apps.tuning.config import TunerConfig
from apps.tuning.oracle import SearchOracle
from apps.tuning.space import Choice, Range, Space, narrowed, parse_wish
from apps.tuning.stored_space import from_stored, to_stored

from .fakes import PARAMETERS, fake_space


@pytest.mark.parametrize("name", TASKS)
def test_every_value_of_a_space_makes_a_configuration(name):
    task = load_task(name)
    base = build_config(task.config_class, {"training.seed": 9})
    space = Space(task.search_space(), base)
    oracle = SearchOracle(TunerConfig(seed=3), space, "max", 4)
    seen = {parameter.name: set() for parameter in space.parameters}
    for _ in range(26):
        trial, codes = oracle.create()
        oracle.end(trial, 0.0)
        values = space.decode(codes)
        config = space.configuration(values)
        assert config.training.seed == 9
        for setting, value in values.items():
            section, key = setting.split(".")
            assert getattr(getattr(config, section), key) == value
            seen[setting].add(str(value))
        for parameter in space.parameters:
            active = all(values.get(parent) in wanted for parent, wanted in parameter.when.items())
            assert (parameter.name in values) == active
    for parameter in space.parameters:
        if isinstance(parameter, Choice):
            assert seen[parameter.name] == set(map(str, parameter.values)), parameter.name


def test_the_first_of_a_grid_is_the_configuration_to_start_from():
    space = fake_space(**{"model.units": 128})
    made = space.hyperparameters()
    assert made.values == {"model.layers": 1, "model.units": 128, "model.word_dropout": 0.1}
    assert isinstance(made, keras_tuner.HyperParameters)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("64,128", Choice("x", (64, 128))),
        ("1e-3,0.01", Choice("x", (0.001, 0.01))),
        ("25,null", Choice("x", (25, None))),
        ("true,false", Choice("x", (True, False))),
        ("gru", Choice("x", ("gru",))),
        ([1, 2], Choice("x", (1, 2))),
        ("0.1..0.5", Range("x", 0.1, 0.5)),
        ("1..8", Range("x", 1, 8)),
        ("1e-4..1e-2 log", Range("x", 1e-4, 1e-2, log=True)),
        ("off", None),
    ],
)
def test_wishes(wish, expected):
    assert parse_wish("x", wish) == expected


@pytest.mark.parametrize("wish", ["0.5..0.1", "0..1 log", "a..b", "64,64", []])
def test_wishes_that_make_no_sense(wish):
    with pytest.raises(UsageError, match=r"space\.x must"):
        parse_wish("x", wish)


def test_a_wish_narrows_a_given_setting_is_fixed_and_any_setting_can_be_searched():
    wishes = {"model.units": "64,128", "training.beta_2": "0.9,0.99", "model.layers": 1}
    parameters = narrowed(PARAMETERS, wishes, given=["model.word_dropout", "training.seed"])
    space = Space(parameters, fake_space().config)
    assert [parameter.name for parameter in space.parameters] == ["model.units", "training.beta_2"]
    assert space.parameters[0] == Choice("model.units", (64, 128))  # model.layers is 1, so that it always matters
    assert space.config.model.layers == 1
    without = Space(narrowed(PARAMETERS, {"model.layers": 0}), fake_space().config)
    assert [parameter.name for parameter in without.parameters] == ["model.word_dropout"]
    assert without.configuration({}).model.layers == 0


def test_values_of_all_kinds_come_back_through_kerastuner_and_yaml():
    parameters = (
        Choice("model.segment_length", (25, None)),
        Choice("model.bidirectional", (True, False)),
        Choice("training.weight_decay", (0, 0.1)),
        Range("training.learning_rate", 1e-4, 1e-2, log=True, when={"model.bidirectional": (True,)}),
    )
    assert from_stored(yaml.safe_load(yaml.safe_dump(to_stored(parameters)))) == parameters
    space = Space(parameters, fake_space().config)
    for setting, values in (("model.segment_length", (25, None)), ("model.bidirectional", (True, False))):
        codes = space.hyperparameters()._hps[setting][0].values
        assert {space.decode({setting: code})[setting] for code in codes} == set(values)


def test_a_setting_that_does_not_exist():
    with pytest.raises(UsageError, match=r"no setting 'model\.unit'"):
        Space([Choice("model.unit", (1, 2))], fake_space().config)
    assert isinstance(fake_space().config.training, TrainingConfig)

"""Settings: files and options to a configuration, and back."""

import shlex
from pathlib import Path

import pytest
import yaml

from apps.cli import main
from apps.commands.train import training_command
from apps.errors import UsageError
from apps.sentiment import Config
from apps.settings import build_config, differences, field_types, flatten, nest, read_settings, to_settings, to_yaml
from apps.task import TASKS, load_task

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CHANGED = {
    "data.csv": "reviews é.csv",
    "data.limit": 7,
    "text.max_length": None,
    "batch.buckets": [8, 16],
    "model.cell": "lstm",
    "training.learning_rate": 0.5,
    "training.deterministic": False,
    "explain_steps": 5,
}


def test_printed_configuration_reads_back_to_the_same(tmp_path):
    config = build_config(Config, CHANGED)
    assert config.batch.buckets == (8, 16)
    file = tmp_path / "config.yaml"
    file.write_text(to_yaml(config))
    assert build_config(Config, read_settings(file, Config)) == config
    assert differences(config, build_config(Config, read_settings(file, Config))) == []


def test_print_config_of_the_command_round_trips(tmp_path, capsys):
    options = [
        "--training.epochs",
        "7",
        "--batch.buckets",
        "[3,9]",
        "--data.csv",
        "a b.csv",
        "--model.residual",
        "true",
    ]
    assert main(["train", "sentiment", *options, "--print_config"]) == 0
    first = capsys.readouterr().out
    file = tmp_path / "config.yaml"
    file.write_text(first)
    assert main(["train", "sentiment", "--config", str(file), "--print_config"]) == 0
    assert capsys.readouterr().out == first
    settings = yaml.safe_load(first)
    assert settings["training"]["epochs"] == 7
    assert settings["batch"]["buckets"] == [3, 9]
    assert set(flatten(settings)) == set(field_types(Config))


def test_the_command_of_a_card_gives_the_configuration_back(capsys):
    config = build_config(Config, CHANGED)
    program, *words = shlex.split(training_command(config, load_task("sentiment")))
    assert program == "keras-seq"
    assert main([*words, "--print_config"]) == 0
    assert capsys.readouterr().out == to_yaml(config)


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_settings_of_the_benchmarks_are_settings(path):
    """The task stands in the command that the file begins with."""
    name = next(name for name in TASKS if f" {name} --config benchmarks/{path.name}" in path.read_text())
    task = load_task(name)
    settings = read_settings(path, task.config_class, more_sections=("tuner", "space"))
    own = {key: value for key, value in settings.items() if key.split(".")[0] not in ("tuner", "space")}
    assert build_config(task.config_class, own, path.name) is not None


def test_toml_and_yaml_say_the_same_and_options_win(tmp_path, capsys):
    (tmp_path / "a.toml").write_text('explain_steps = 9\n[training]\nepochs = 4\n[model]\ncell = "elman"\n')
    (tmp_path / "a.yaml").write_text("explain_steps: 9\ntraining:\n  epochs: 4\nmodel: {cell: elman}\n")
    shown = []
    for name in ("a.toml", "a.yaml"):
        assert (
            main(["train", "sentiment", "--config", str(tmp_path / name), "--model.cell=lstm", "--print_config"]) == 0
        )
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    settings = yaml.safe_load(shown[0])
    assert (settings["training"]["epochs"], settings["model"]["cell"], settings["explain_steps"]) == (4, "lstm", 9)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.yaml", "training:\n  epoch: 3\n", "did you mean 'training.epochs'?"),
        ("a.yaml", "trainin: 3\n", "Unknown setting 'trainin'"),
        ("a.yaml", "training: 3\n", "is a section of settings"),
        ("a.yaml", "training: [\n", "malformed"),
        ("a.yaml", "- 3\n", "but is a list"),
        ("a.toml", "training.epochs = \n", "malformed"),
        ("a.toml", "[modle]\nunits = 3\n", "did you mean 'model.units'?"),
    ],
)
def test_wrong_file_is_refused_by_name(tmp_path, name, content, expected):
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(UsageError, match=Path(name).name) as caught:
        read_settings(file, Config)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_value_in_a_file_names_the_file_and_the_setting(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("training:\n  epochs: soon\n")
    with pytest.raises(UsageError, match=r"a\.yaml: training\.epochs: expected int, got soon"):
        build_config(Config, read_settings(file, Config), str(file))


def test_empty_file_and_empty_section_change_nothing(tmp_path):
    file = tmp_path / "a.yaml"
    for content in ("", "training:\n", "# nothing\n"):
        file.write_text(content)
        assert build_config(Config, read_settings(file, Config)) == Config()


def test_nest_is_the_inverse_of_flatten():
    settings = to_settings(Config())
    assert nest(flatten(settings)) == settings


def test_differences_name_the_setting_and_both_values():
    assert differences(Config(), build_config(Config, {"model.units": 5})) == [("model.units", Config().model.units, 5)]


@pytest.mark.parametrize(
    "settings",
    [
        {"training.learning_rate": 0},
        {"training.label_smoothing": 1.0},
        {"training.patience": 0},
        {"training.average_decay": -0.1},
        {"training.learning_rate": float("nan")},
        {"model.units": 0},
        {"model.layers": -1},
        {"model.word_dropout": 1.0},
        {"explain_steps": 0},
    ],
    ids=str,
)
def test_value_out_of_range_is_refused(settings):
    (name,) = settings
    with pytest.raises(UsageError, match=f"{name} must be"):
        build_config(Config, settings)

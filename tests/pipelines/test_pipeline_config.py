"""The options of the pipelines: documented, checked, and quick to import."""

import dataclasses
import subprocess
import sys

import jsonargparse
import pytest

from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.errors import DataError

CONFIGS = [DataConfig, TextConfig, BatchConfig]


def test_importing_the_options_imports_no_tensorflow():
    code = (
        "import pipelines.config, pipelines.sources, sys\n"
        "print([module for module in ('tensorflow', 'keras') if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("config", CONFIGS)
def test_help_explains_every_field(config):
    parser = jsonargparse.ArgumentParser()
    parser.add_argument("--options", type=config, default=config())
    text = " ".join(parser.format_help().split())
    for field in dataclasses.fields(config):
        entry = text.split(f"--options.{field.name} ")[2 if f"[--options.{field.name} " in text else 1]
        explanation = entry.split("(type:")[0].split(maxsplit=1)
        assert len(explanation) == 2, f"{config.__name__}.{field.name} has no explanation"
        assert len(explanation[1]) > 20


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_survives_a_config_file(config, tmp_path):
    parser = jsonargparse.ArgumentParser()
    parser.add_argument("--options", type=config, default=config())
    parser.save(parser.parse_args([]), tmp_path / "config.yaml")
    parsed = parser.parse_path(tmp_path / "config.yaml")
    assert parser.instantiate(parsed).options == config()


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: DataConfig(csv="a.csv", tsv="b.tsv"), "--data.csv and --data.tsv"),
        (lambda: DataConfig(csv="a.csv", source="tfds"), "--data.source tfds"),
        (lambda: DataConfig(source="jsonl"), "--data.jsonl PATH"),
        (lambda: DataConfig(test_file="t.csv"), "--data.test_file"),
        (lambda: DataConfig(validation_fraction=1.5), "data.validation_fraction"),
        (lambda: DataConfig(limit=0), "data.limit"),
        (lambda: TextConfig(vocabulary_size=2), "text.vocabulary_size"),
        (lambda: TextConfig(max_length=0), "text.max_length"),
        (lambda: TextConfig(head_share=-0.1), "text.head_share"),
        (lambda: BatchConfig(batch_size=0), "batch.batch_size"),
        (lambda: BatchConfig(buckets=(100, 50)), "batch.buckets"),
        (lambda: BatchConfig(tokens=0), "batch.tokens"),
    ],
)
def test_impossible_options_are_refused_by_name(make, named):
    with pytest.raises(DataError, match=named.replace(".", r"\.")):
        make()


@pytest.mark.parametrize(
    ("config", "source"),
    [
        (DataConfig(), "tfds"),
        (DataConfig(csv="a.csv"), "csv"),
        (DataConfig(folder="a"), "folder"),
        (DataConfig(source="samples"), "samples"),
        (DataConfig(source="tsv", tsv="a.tsv"), "tsv"),
    ],
)
def test_the_path_decides_the_source(config, source):
    assert config.resolved_source == source


def test_an_error_is_one_line_that_can_be_printed():
    message = str(DataError("bad\nrow \udcff in\r\nfile"))
    assert message == "bad row ? in file"

"""TensorFlow Datasets: prepared data are found and opened without a network."""

import json
import os
import socket

import pytest

import pipelines.sources.tfds as tfds_source
from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.errors import DataError
from pipelines.sentiment import load_sentiment
from pipelines.sources import Record, open_source


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to reach another machine fails, and is remembered."""
    asked = []

    def refuse(*arguments, **options):
        asked.append(arguments)
        raise OSError("no network in this test")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return asked


def prepare(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "dataset_info.json").write_text(json.dumps({"name": name.split("/")[0]}))


def test_prepared_data_are_found(tmp_path):
    prepare(
        tmp_path,
        "reviews/plain/1.0.0",
        "reviews/plain/1.10.0",
        "reviews/plain/1.9.0",
        "reviews/bytes/1.0.0",
        "one/2.0.0",
    )
    found = {
        name: tfds_source.find_prepared(tmp_path, name)
        for name in ("reviews/plain", "reviews/plain:1.9.0", "reviews/bytes", "one", "one:1.0.0", "two", "plain")
    }
    assert {name: folder and str(folder.relative_to(tmp_path)) for name, folder in found.items()} == {
        "reviews/plain": "reviews/plain/1.10.0",
        "reviews/plain:1.9.0": "reviews/plain/1.9.0",
        "reviews/bytes": "reviews/bytes/1.0.0",
        "one": "one/2.0.0",
        "one:1.0.0": None,
        "two": None,
        "plain": None,
    }
    for root in ("reviews", "reviews/plain", "reviews/plain/1.10.0"):
        assert tfds_source.find_prepared(tmp_path / root, "reviews/plain") == tmp_path / "reviews/plain/1.10.0"
    assert tfds_source.find_prepared(tmp_path / "nowhere", "one") is None


def test_the_folder_comes_from_option_environment_or_default(monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "from_environment")
    assert str(tfds_source.data_folder(DataConfig(dir="from_option"))) == "from_option"
    assert str(tfds_source.data_folder(DataConfig())) == "from_environment"
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert tfds_source.data_folder(DataConfig()).parts[-1] == "tensorflow_datasets"


def test_without_data_and_network_the_ways_out_are_named(tmp_path, no_network):
    with pytest.raises(DataError) as caught:
        open_source(DataConfig(dir=str(tmp_path)))
    assert no_network
    for way_out in ("--data.dir", "TFDS_DATA_DIR", "--data.source samples", "network"):
        assert way_out in str(caught.value)


def test_a_folder_that_does_not_exist(tmp_path, no_network):
    with pytest.raises(DataError, match=r"nowhere.*--data\.dir"):
        open_source(DataConfig(dir=str(tmp_path / "nowhere")))


def test_damaged_data_are_named(tmp_path, no_network):
    prepare(tmp_path, "imdb_reviews/plain_text/1.0.0")
    with pytest.raises(DataError, match="prepare it again"):
        open_source(DataConfig(dir=str(tmp_path)))


def test_imdb_is_read_without_a_network(real_data, no_network):
    source = open_source(DataConfig(dir=str(real_data / "tfds")))
    assert source.labels == ("neg", "pos")
    for rows in (source.train(), source.test()):
        labels = [row.label for row in rows if isinstance(row, Record)]
        assert len(labels) == 25_000
        assert labels.count("pos") == 12_500
    assert not no_network


def test_some_of_imdb_as_batches(real_data, no_network, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(real_data / "tfds"))
    data = load_sentiment(DataConfig(limit=500), TextConfig(max_length=200), BatchConfig(), seed=1)
    assert data.report["splits"] == {"train": 450, "validation": 50, "test": 500}
    assert data.report["rows"] == {"train": 25_000, "test": 25_000}
    assert max(ids.shape[1] for ids, _ in data.train(0)) <= 200
    assert 0 < data.report["cut_texts"]["train"] < 450
    assert not no_network

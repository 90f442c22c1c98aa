"""Whoever listens is told how far the reading of data has come, whatever is read and in whichever thread."""

import threading

import pytest

from pipelines.config import BatchConfig, DataConfig, TextConfig
from pipelines.corpus_config import CorpusConfig, VocabularyConfig, WindowConfig
from pipelines.parallel_config import PairBatchConfig, PairTextConfig, ParallelConfig
from pipelines.progress import Progress, announce, counted, telling
from pipelines.sentiment import load_sentiment
from pipelines.text_generation import load_text_generation
from pipelines.translation import load_translation


def test_items_pass_and_are_counted(monkeypatch):
    monkeypatch.setattr("pipelines.progress._SECONDS", 0.0)
    told = []
    with telling(told.append):
        assert list(counted(["ab", "c"], "reading", "characters", size=len, total=3)) == ["ab", "c"]
        announce("learning")
    assert told == [
        Progress("reading", 0, 3, "characters"),
        Progress("reading", 2, 3, "characters"),
        Progress("reading", 3, 3, "characters"),
        Progress("learning"),
    ]


def test_nobody_listens():
    items = [1, 2]
    assert counted(items, "reading", "texts") is items
    announce("learning")
    with telling(print):
        pass
    assert counted(items, "reading", "texts") is items


def test_items_are_taken_in_another_thread():
    told, taken = [], []
    with telling(told.append):
        items = counted([1, 2], "reading", "texts")
        thread = threading.Thread(target=lambda: taken.extend(items))
        thread.start()
        thread.join()
    assert taken == [1, 2]
    assert told


def sentiment():
    load_sentiment(DataConfig(source="samples", limit=60), TextConfig(), BatchConfig(), 1)


def text_generation():
    load_text_generation(CorpusConfig(source="samples"), VocabularyConfig(), WindowConfig(), 1)


def translation():
    load_translation(ParallelConfig(source="samples"), PairTextConfig(), PairBatchConfig(), 1)


@pytest.mark.parametrize("load", [sentiment, text_generation, translation])
def test_each_pipeline_says_what_it_does(load):
    works = []
    with telling(lambda progress: works.append(progress.work.split()[0])):
        load()
    assert list(dict.fromkeys(works)) == ["reading", "counting", "learning", "encoding"]

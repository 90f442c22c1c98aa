"""What visitors share and what they may ask for: models, time, folders, and words that mean to be more than words."""

import gc
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.errors import UserError
from apps.serving import metadata, registry
from apps.serving.served import ServedModel
from apps.studio import catalog, tables
from apps.studio.patience import PatientModel
from apps.studio.plain import plain, without_pictures
from apps.studio.settings import MAX_MODELS

from .conftest import APP

PAGES = ("scripts/home.py", "scripts/sentiment.py", "scripts/model.py", "scripts/compare.py")
HOSTILE = "<script>alert(1)</script> **bold** [link](http://x.example) ![p](http://x.example/p.png) :red[x] `x`"


def _open(page):
    app = AppTest.from_file(str(APP), default_timeout=120).run()
    app.switch_page(page).run()
    assert not app.exception
    return app


@pytest.fixture
def loads(monkeypatch):
    """The models that were loaded from files, in their order."""
    st.cache_resource.clear()
    loaded = []
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda entry: loaded.append(entry.key) or load(entry))
    yield loaded
    st.cache_resource.clear()


def test_one_copy_for_all_visitors_runs_and_folders(exported, tmp_path, monkeypatch, loads):
    shutil.copytree(exported, tmp_path / "models")
    shutil.copytree(exported / "mood", tmp_path / "models" / "same")
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path / "models"))
    visitors = [_open("scripts/sentiment.py") for _ in range(2)]
    for number, app in enumerate(visitors):
        app.text_area(key="text").set_value(f"a good day {number}").run()
    visitors[0].selectbox(key="sentiment_model").set_value("same/1").run()
    assert not visitors[0].error
    assert loads == ["mood/1"]
    assert gc.get_freeze_count() > 100_000  # what TensorFlow is made of is not looked through after each run


def test_the_model_that_was_not_used_for_longest_goes(monkeypatch, loads):
    monkeypatch.setattr(registry, "load", lambda entry: loads.append(entry) or ServedModel(entry, None))
    for digest in [*range(MAX_MODELS), 0, MAX_MODELS, 0, 1]:
        catalog._load(digest, str(digest))
    assert loads == [*range(MAX_MODELS), MAX_MODELS, 1]


def test_prediction_that_takes_too_long_is_given_up_and_its_place_comes_back(exported, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(ServedModel, "ask", lambda *_, **__: released.wait(60) and {"label": []})
    with ThreadPoolExecutor(1) as workers:
        model = PatientModel(ServedModel(registry.find("mood", exported), None), 0.4, workers)
        with pytest.raises(UserError, match=r"mood/1 was given up after 2 seconds"):  # the first may take longer
            model.call("serving_default", ["good"])
        with pytest.raises(UserError, match="too much to do"):  # that one still has the one place
            model.call("serving_default", ["good"])
        released.set()
        assert model.call("serving_default", ["good"]) == {"label": []}
        released.clear()
        try:
            with pytest.raises(UserError, match=r"after 0\.4 seconds"):
                model.call("serving_default", ["good"])
        finally:
            released.set()


def test_page_says_that_it_took_too_long(models, monkeypatch, loads):
    st.cache_data.clear()
    released = threading.Event()
    monkeypatch.setattr(ServedModel, "ask", lambda *_, **__: released.wait(60) and None)
    monkeypatch.setattr(catalog, "PatientModel", partial(PatientModel, seconds=0.4))
    app = _open("scripts/sentiment.py")
    released.set()
    assert [line.value for line in app.error] == [
        plain("Model mood/1 was given up after 2 seconds. Ask it about a shorter text.")
    ]


def test_links_out_of_the_folder_are_refused(exported, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(exported, folder)
    try:
        (folder / "far").symlink_to(exported / "mood")
    except OSError:
        pytest.skip("this system lets nobody make links")
    (folder / "near").symlink_to(folder / "mood")
    shutil.copytree(exported / "mood", folder / "inside")
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    card = folder / "inside" / "1" / "MODEL_CARD.md"
    card.unlink()
    card.symlink_to(secret)
    metadata.write(card.parent, metadata.seal(card.parent, metadata.read(card.parent)))
    assert [entry.name for entry in registry.list_models(folder)] == ["mood", "near"]
    lines = registry.unreadable(folder)
    assert [line.split(" is a link out of ")[0] for line in lines] == [str(folder / "far" / "1"), str(card)]
    for name in ("far", "inside/1"):
        with pytest.raises(UserError, match="is a link out of"):
            registry.find(name, folder)
    (tmp_path / "link").symlink_to(folder)  # the folder itself may be one
    assert len(registry.list_models(tmp_path / "link")) == 2


def _assert_harmless(app):
    """No element has markup that a model or a file has brought."""
    for element in app.get("html"):
        assert "<script" not in element.proto.body
        assert "<img" not in element.proto.body
    plain_lines = [*app.caption, *app.error, *app.warning, *app.info]
    labels = [button.label for button in app.button] + [tab.label for tab in app.tabs]
    labels += [option.content for group in app.button_group for option in group.proto.options]
    for line in [*plain_lines, *app.markdown]:  # without this, Streamlit escapes HTML in Markdown
        assert not getattr(line.proto, "allow_html", False)
        assert not re.search(r"(?<!\\)!\[", line.value), line.value
    for text in [line.value for line in plain_lines] + labels:
        assert not re.search(r"(?<!\\)(\[link|\*\*|:red)", text), text


@pytest.fixture
def hostile(exported, tmp_path, monkeypatch):
    """A model that has markup wherever its metadata have words, and a second beside it."""
    folder = tmp_path / "models"
    for name in ("mood", "**two** <script>"):
        path = folder / name / "1"
        shutil.copytree(exported / "mood" / "1", path)
        known = metadata.read(path)
        figures = known["metrics"]["test"]
        known |= {
            "labels": [HOSTILE, "b", "c"],
            "created": HOSTILE,
            "data": {"source": HOSTILE, "licence": HOSTILE},
            "config": {HOSTILE: HOSTILE, "text": {"max_length": 7}},
            "metrics": {
                HOSTILE: {**figures, HOSTILE: 0.5, "classes": {HOSTILE: figures["classes"]["awful"]}},
                "test": figures,
            },
            "inputs": {HOSTILE: HOSTILE},
        }
        (path / "MODEL_CARD.md").write_text(f"# {HOSTILE}\n\n{HOSTILE}\n", encoding="utf-8")
        metadata.write(path, metadata.seal(path, known))
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(folder))
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_words_of_a_model_stay_words(hostile, page):
    app = _open(page)
    _assert_harmless(app)
    if page == "scripts/model.py":
        app.button_group(key="split-**two** <script>/1").set_value(HOSTILE).run()
        assert not app.exception
        _assert_harmless(app)
    if page == "scripts/sentiment.py":
        app.text_area(key="text").set_value(HOSTILE).run()
        _assert_harmless(app)
        assert "&lt;" in "".join(element.proto.body for element in app.get("html"))


def test_words_of_a_file_stay_words_and_texts_that_are_cut_are_counted(hostile):
    app = _open("scripts/sentiment.py")
    app.button_group(key="mode").set_value("A CSV file").run()
    content = f'"{HOSTILE}",n\n"{HOSTILE}",=1+1\n'.encode()
    app.file_uploader(key="upload").upload("mine.csv", content, "text/csv").run()
    app.button(key="classify").click().run()
    _assert_harmless(app)
    assert any("of more than 7 tokens" in caption.value for caption in app.caption)
    app.file_uploader(key="upload").upload("bad.csv", f"{HOSTILE.replace(',', '')}\n1\n".encode(), "text/csv").run()
    assert len(app.error) == 1
    _assert_harmless(app)


def test_damaged_model_with_a_name_of_markup(hostile):
    (hostile / "**two** <script>" / "1" / "![p](u).txt").write_text("extra")
    app = _open("scripts/model.py")
    assert app.error
    _assert_harmless(app)


def test_plain_text_in_markdown():
    assert plain("a *b*\n<i> [x](y) ![z](u) :red[v] $1$") == r"a \*b\* \<i\> \[x\](y) \!\[z\](u) \:red\[v\] \$1\$"
    assert [plain(text) for text in ("- a", "1. a", "+ a", "# a", "=== ")] == [
        r"\- a",
        r"1\. a",
        r"\+ a",
        r"\# a",
        r"\===",
    ]
    assert plain("metadata.json, a-b") == "metadata.json, a-b"
    for text in ("![p](u)", r"\![p](u)", "![p][u]", "!![p](u)"):
        assert "![" not in without_pictures(text)


@pytest.mark.parametrize("sign", [*"=+-@\t\r\n", *(chr(ord(sign) + 0xFEE0) for sign in "=+-@")])
def test_cells_run_no_formula(sign):
    (cell,) = tables.without_formulas(pd.DataFrame({"text": [f"{sign}1+1"]}))["text"]
    assert cell == f"'{sign}1+1"

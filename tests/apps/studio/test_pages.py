"""Each page in Streamlit's own test harness: what it shows, and its one line for each mistake."""

import shutil

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apps.serving import registry
from apps.studio import frame
from apps.studio.applications import APPLICATIONS
from apps.studio.examples import EXAMPLES
from apps.studio.plain import plain
from apps.studio.settings import MAX_CHARACTERS

from .conftest import APP, export_words_model

HOME, SENTIMENT, MODEL = "scripts/home.py", "scripts/sentiment.py", "scripts/model.py"


def _open(page: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    if page != HOME:
        app.switch_page(page).run()
    assert not app.exception
    return app


def _html(app: AppTest) -> str:
    """What is drawn, without the style sheet."""
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style"))


def test_home_shows_the_models(models):
    app = _open(HOME)
    assert app.title[0].value
    assert "mood" in _html(app)
    assert "75.00 %" in _html(app)
    app.button(key="try-mood/1").click().run()
    assert not app.exception


def test_home_has_a_card_for_each_application(models):
    app = _open(HOME)
    assert _html(app).count('class="preview" role="img"') == len(APPLICATIONS)
    # Beside the sentiment model there is none: the commands that make one stand on the cards.
    commands = [block.value for block in app.code]
    assert [command.split()[-1] for command in commands] == ["text_generation", "translation", "cells"]
    assert all(command.startswith("keras-seq ") for command in commands)
    pages = {link.page for application in APPLICATIONS for link in application.links}
    assert pages == {f"scripts/{path.name}" for path in (frame.FOLDER / "scripts").glob("*.py")} - {HOME, MODEL}


def test_home_links_to_no_page_that_is_not_there(models, monkeypatch):
    monkeypatch.setattr(frame, "find_spec", lambda name: None)
    app = _open(HOME)
    assert "Tuning" not in [link.proto.label for link in app.get("page_link")]
    assert "Runs" in [link.proto.label for link in app.get("page_link")]


@pytest.mark.parametrize("page", [HOME, SENTIMENT, MODEL])
def test_no_models_is_one_line_and_the_way_out(tmp_path, monkeypatch, page):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path / "none"))
    app = _open(page)
    assert len(app.warning) == 1
    assert plain(tmp_path / "none") in app.warning[0].value
    assert "keras-seq export" in app.code[0].value


def test_text_gets_verdict_and_coloured_words(models):
    app = _open(SENTIMENT)
    app.text_area(key="text").set_value("A good, LOVELY day.\nBut dull. 好").run()
    html = _html(app)
    assert '<span class="verdict-label">&lt;b&gt;great&lt;/b&gt;</span>' in html
    assert html.count('class="token for strong"') == 3
    assert ">LOVELY</span>" in html
    assert 'class="token against strong"' in html
    assert not app.info
    assert not app.error


def test_examples_fill_the_box(models):
    app = _open(SENTIMENT)
    assert app.text_area(key="text").value == EXAMPLES[0].text
    app.button(key="example-3").click().run()
    assert app.text_area(key="text").value == EXAMPLES[3].text


def test_two_versions_are_compared(models):
    app = _open(SENTIMENT)
    app.button_group(key="mode").set_value("Two versions").run()
    app.text_area(key="text").set_value("a good day")
    app.text_area(key="edited").set_value("a bad day").run()
    html = _html(app)
    assert "from <b>&lt;b&gt;great&lt;/b&gt;</b> to <b>awful</b>" in html
    assert ">good</del>" in html
    assert ">bad</ins>" in html
    copy = next(button for button in app.button if button.label == "Copy the first version")
    copy.click().run()
    assert app.text_area(key="edited").value == "a good day"
    assert "<del" not in _html(app)


@pytest.mark.parametrize("text", ["", "   \n"])
def test_empty_text_is_one_line(models, text):
    app = _open(SENTIMENT)
    app.text_area(key="text").set_value(text).run()
    assert [line.value for line in app.info] == ["Write or paste a text first."]
    assert "verdict" not in _html(app)


def test_over_long_text_is_one_line(models):
    app = _open(SENTIMENT)
    app.text_area(key="text").set_value("x" * (MAX_CHARACTERS + 1)).run()
    assert f"{MAX_CHARACTERS + 1:,}" in app.warning[0].value


def test_model_without_explanations_still_gives_verdicts(tmp_path, monkeypatch):
    export_words_model(tmp_path, explains=False)
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    app = _open(SENTIMENT)
    assert "verdict-label" in _html(app)
    assert "explain" in app.caption[0].value
    app.button_group(key="mode").set_value("Two versions").run()
    assert not app.exception
    assert "change-line" in _html(app)


@pytest.mark.parametrize("page", [SENTIMENT, MODEL])
def test_changed_file_is_refused_by_name(exported, tmp_path, monkeypatch, page):
    shutil.copytree(exported, tmp_path / "models")
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path / "models"))
    assert not _open(page).error
    target = tmp_path / "models" / "mood" / "1" / "assets" / "labels.txt"
    target.write_text("other\n", encoding="utf-8")
    app = _open(page)
    assert len(app.error) == 1
    assert "assets/labels.txt" in app.error[0].value
    assert "verdict-label" not in _html(app)
    assert "75.00 %" not in _html(app)


def test_unreadable_model_is_named(exported, tmp_path, monkeypatch):
    shutil.copytree(exported, tmp_path / "models")
    (tmp_path / "models" / "mood" / "2").mkdir()
    (tmp_path / "models" / "mood" / "2" / "metadata.json").write_text("{")
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path / "models"))
    app = _open(HOME)
    assert len(app.error) == 1
    assert "metadata.json" in app.error[0].value


def _upload(content: bytes) -> AppTest:
    app = _open(SENTIMENT)
    app.button_group(key="mode").set_value("A CSV file").run()
    app.file_uploader(key="upload").upload("mine.csv", content, "text/csv").run()
    assert not app.exception
    return app


def test_csv_goes_up_and_comes_down_with_predictions(models):
    app = _upload(b"id,remark\n1,good day\n2,dull day\n3,\n4,good\n")
    assert app.selectbox(key="column").options == ["remark"]
    app.number_input(key="limit").set_value(3).run()
    app.button(key="classify").click().run()
    table = app.dataframe[0].value
    assert table["label"].tolist()[:2] == ["<b>great</b>", "awful"]
    assert len(table) == 3
    assert table["problem"].tolist() == ["", "", "empty"]
    assert "first 3" in " ".join(line.value for line in app.caption)
    assert app.get("download_button")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"id,score\n1,2\n", "id, score"), (b"text\ncaf\xe9\n", "Line 2"), (b"", "empty"), (b"text\n", "no rows")],
)
def test_bad_csv_is_one_line(models, content, words):
    app = _upload(content)
    assert len(app.error) == 1
    assert words in app.error[0].value


def test_model_page_shows_metrics_card_and_files(models):
    app = _open(MODEL)
    html = _html(app)
    assert "75.00 %" in html
    assert html.count("<td ") == 9
    markdown = "\n".join(element.value for element in app.markdown)
    assert "It knows seven words." in markdown
    frames = [element.value for element in app.dataframe]
    files = next(frame for frame in frames if "sha256" in frame)
    assert set(files["state"]) == {"as exported"}
    assert {"saved_model.pb", "MODEL_CARD.md"} <= set(files["file"])
    assert any("tf.saved_model.load" in element.value for element in app.code)
    app.button_group(key="split-mood/1").set_value("validation").run()
    assert "80.00 %" in _html(app)


def test_table_of_signatures(models):
    frames = [element.value for element in _open(MODEL).dataframe]
    signatures = next(frame for frame in frames if "signature" in frame)
    assert isinstance(signatures, pd.DataFrame)
    assert signatures[signatures["tensor"] == "saliency"]["shape"].tolist() == ["[?, ?]"]

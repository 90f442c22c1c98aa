"""The cells page in Streamlit's own test harness: each of its states."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps.serving import registry
from apps.studio import cell_view
from apps.studio.cells_page import EXAMPLES, telling_unit
from apps.studio.settings import MAX_CELL_CHARACTERS

from .cell_models import UNITS, export_cells_model
from .conftest import APP

PAGE = "scripts/cells.py"


@pytest.fixture(scope="module")
def cells_folder(gallery, tmp_path_factory):
    return gallery.copy(tmp_path_factory.mktemp("cells"), "cells")


def _open() -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


@pytest.fixture
def page(cells_folder, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(cells_folder))
    return _open()


def _html(app: AppTest) -> str:
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style"))


def _write(app: AppTest, text: str) -> AppTest:
    app.text_area(key="cells_text").set_value(text).run()
    assert not app.exception
    return app


def test_answers_and_gates_stand_under_each_cell(page):
    _write(page, "a(b")
    assert [line.value for line in page.subheader][:2] == ["Elman", "LSTM"]
    html = _html(page)
    answer = '--weight: 0" title="0.00">a</span><span class="token for" style="--weight: 62" title="1.00">(</span>'
    assert html.count(answer) == 3  # both answers, and the state of the Elman cell
    assert page.number_input(key="cells_unit_elman_bracket").value == 0
    assert page.number_input(key="cells_unit_lstm_bracket").value == 3  # the one that counts brackets
    assert 'title="0.30">a</span>' in html
    page.number_input(key="cells_unit_lstm_bracket").set_value(2).run()
    assert 'title="0.20">a</span>' in _html(page)


def test_question_gate_and_view_can_be_chosen(page):
    _write(page, "a(b")
    page.button_group(key="cells_question").set_value("none").run()
    assert 'title="1.00">a</span><span class="token for" style="--weight: 0" title="0.00">(</span>' in _html(page)
    page.selectbox(key="cells_gate_lstm").set_value("memory").run()
    assert any("fades no faster" in line.value for line in page.caption)
    page.button_group(key="cells_view").set_value("Mean of all units").run()
    page.selectbox(key="cells_gate_lstm").set_value("forget_gate").run()
    assert 'title="0.15">a</span>' in _html(page)
    charts = len(page.get("vega_lite_chart"))
    page.button_group(key="cells_view").set_value("Every unit").run()
    assert not page.exception
    assert len(page.get("vega_lite_chart")) == charts + 2


def test_gradient_follows_the_slider(page):
    def table():
        return _html(page).split('<table class="runs narrow">')[1]

    assert '<th scope="row">Elman</th><td>6</td><td>6</td>' in table()
    assert '<th scope="row">LSTM</th><td>6</td><td>all 100</td>' in table()
    page.slider(key="cells_length").set_value(10).run()
    assert '<th scope="row">LSTM</th><td>6</td><td>all 10</td>' in table()


def test_cells_are_chosen_and_none_is_one_line(page):
    page.button_group(key="cells_shown").set_value(["lstm"]).run()
    assert page.subheader[0].value == "LSTM"
    assert _html(page).count("reading letters") == 2
    page.button_group(key="cells_shown").set_value([]).run()
    assert not page.exception
    assert [line.value for line in page.info] == ["Choose a cell to look into."]
    assert "reading letters" not in _html(page)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_text_is_one_line_and_the_gradient_stays(page, text):
    _write(page, text)
    assert [line.value for line in page.info] == ["Write or paste a text first."]
    assert "reading letters" not in _html(page)
    assert "runs narrow" in _html(page)


def test_too_long_text_says_what_is_cut(page):
    _write(page, "x" * MAX_CELL_CHARACTERS + "(!?")
    assert [line.value for line in page.warning] == [
        "This text has 403 characters: the first 400 are read, the other 3 are cut."
    ]
    html = _html(page)
    assert html.count(">x</span>") == 4 * MAX_CELL_CHARACTERS
    assert ">(</span>" not in html


def test_text_that_is_not_ascii_or_not_harmless(page):
    _write(page, "好(é)\n🙂<script>alert(1)</script>")
    html = _html(page)
    assert ">好</span>" in html
    assert ">🙂</span>" in html
    assert "⏎" in html
    assert "<script" not in html


def test_examples_fill_the_box(page):
    page.button(key="cells-example-2").click().run()
    assert page.text_area(key="cells_text").value == EXAMPLES["Never closed"]
    assert not page.warning


def test_no_model_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    app = _open()
    assert len(app.warning) == 1
    assert app.code[0].value == "keras-seq cells"


def test_model_without_descriptions_is_one_line(tmp_path, monkeypatch):
    export_cells_model(tmp_path, cells=[])
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    app = _open()
    assert len(app.error) == 1
    assert "keras-seq cells" in app.error[0].value


def test_other_pages_live_with_the_model(page):
    page.switch_page("scripts/compare.py").run()
    assert not page.exception
    page.switch_page("scripts/home.py").run()
    assert not page.exception
    page.switch_page("scripts/model.py").run()
    assert not page.exception
    assert not any("keras-seq predict" in block.value for block in page.code)


def test_unit_that_tells_most():
    rng = np.random.default_rng(0)
    answer = np.repeat([0.0, 1.0], 20)
    state = rng.normal(size=(40, UNITS))
    state[:, 2] = -3 * answer + 0.1 * state[:, 2]
    assert telling_unit(state, answer) == 2
    assert telling_unit(np.zeros((40, UNITS)), answer) == 0


def test_reach_of_a_gradient():
    shares = cell_view.relative(np.array([[2.0, 1.0, 0.01, 0.5], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    assert [cell_view.reach(line) for line in shares] == [1, None, -1]

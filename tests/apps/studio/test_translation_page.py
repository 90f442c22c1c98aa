"""The translation page in Streamlit's own test harness, and its views."""

import itertools

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apps.serving import registry
from apps.studio import tables
from apps.studio.settings import MAX_SENTENCE_CHARACTERS
from apps.studio.translation import translate
from apps.studio.translation_view import answer, beam_chart, heat_map, links_chart, others

from .conftest import APP

PAGE = "scripts/translation.py"


@pytest.fixture(scope="module")
def translators(gallery, tmp_path_factory):
    return gallery.copy(tmp_path_factory.mktemp("translators"), "interpreter", "attentive", "linguist")


@pytest.fixture(scope="module")
def served(translators):
    return {name: registry.load(registry.find(name, translators)) for name in ("interpreter", "attentive", "linguist")}


@pytest.fixture
def page(translators, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(translators))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def _html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def test_an_answer_has_all_that_the_page_shows(served):
    found = translate(served["attentive"], "a bad cab", 4, 0.6, 3)
    assert len(found.texts) == len(found.scores) == len(found.alignments) == 3
    assert found.scores == sorted(found.scores, reverse=True)
    for tokens, weights in zip(found.targets, found.alignments, strict=True):
        assert weights.shape == (len(tokens), len(found.source))
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
    way = [beam for beam in found.beams if beam.chosen]
    assert [beam.step for beam in way] == list(range(len(way)))
    for before, after in itertools.pairwise(way):
        assert after.parent == before.place


def test_the_way_through_the_search_is_the_answer(served):
    found = translate(served["interpreter"], "a cab", 3, 0.0, 1)
    way = "".join(beam.token for beam in found.beams if beam.chosen)
    assert way.rstrip("∎").replace("␣", " ").strip() == found.texts[0].strip()


def test_translates_with_examples_and_settings(page):
    assert page.text_area(key="sentence").value.startswith("A man")
    assert 'class="translation"' in _html(page)
    page.text_area(key="sentence").set_value("a <b>bad</b> cab").run()
    assert not page.exception
    page.number_input(key="beam_width").set_value(1).run()
    page.number_input(key="n_best").set_value(1).run()
    assert not page.exception
    page.button(key="sentence-1").click().run()
    assert page.text_area(key="sentence").value.startswith("Two children")


def test_the_search_begins_as_the_model_does(page):
    """A model may have been measured with another width and penalty than is usual."""
    assert page.number_input(key="beam_width").value == 3
    page.number_input(key="beam_width").set_value(2).run()
    assert page.number_input(key="beam_width").value == 2
    page.selectbox(key="translation_model").set_value("linguist/1").run()
    assert page.number_input(key="beam_width").value == 3
    assert not page.exception


def test_two_models_and_one_without_attention(page):
    page.button_group(key="translation_mode").set_value("Two models").run()
    assert not page.exception
    assert _html(page).count('class="translation"') == 2
    page.selectbox(key="translation_model").set_value("linguist/1").run()
    page.button_group(key="translation_mode").set_value("Translate").run()
    assert not page.exception
    assert any("no attention" in caption.value for caption in page.caption)


def test_empty_and_too_long_are_one_line(page):
    page.text_area(key="sentence").set_value("  ").run()
    assert len(page.info) == 1
    page.text_area(key="sentence").set_value("a" * (MAX_SENTENCE_CHARACTERS + 1)).run()
    assert "1,001 characters" in page.warning[0].value


def test_a_file_is_offered(page):
    page.button_group(key="translation_mode").set_value("A CSV file").run()
    assert not page.exception
    assert any("forgotten" in caption.value for caption in page.caption)


def test_charts_and_html(served):
    found = translate(served["interpreter"], "a '\\ cab", 3, 0.6, 2)
    for chart in (heat_map(found), links_chart(found), beam_chart(found.beams)):
        assert chart is not None
        chart.to_dict()
    bad = type(found)(["<script>"], [-1.0], ["<b>"], [["<i>"]], [np.ones((1, 1))], [])
    assert "<script>" not in answer(bad) + others(bad)
    assert beam_chart([]) is None


def test_cells_that_spreadsheets_would_run_are_quoted():
    table = tables.without_formulas(pd.DataFrame({"text": ["=1+1", "a", "@x", None], "number": [-1, 2, 3, 4]}))
    assert table["text"].tolist()[:3] == ["'=1+1", "a", "'@x"]
    assert table["number"].tolist() == [-1, 2, 3, 4]

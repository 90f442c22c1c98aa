"""The text generation page in Streamlit's own test harness."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps.serving import registry
from apps.serving.writing import write
from apps.studio.language_view import Reading, activation, surprise, written
from apps.studio.settings import MAX_LANGUAGE_CHARACTERS
from apps.studio.unit_panel import persistent_units

from .conftest import APP

PAGE = "scripts/text_generation.py"


@pytest.fixture(scope="module")
def language_folder(gallery, tmp_path_factory):
    return gallery.copy(tmp_path_factory.mktemp("language"), "writer")


@pytest.fixture
def page(language_folder, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(language_folder))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def _html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def _press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_writes_what_the_model_writes_and_keeps_it(page, language_folder):
    page.text_area(key="prompt").set_value("a cab").run()
    page.number_input(key="tokens_a").set_value(12)
    page.number_input(key="seed_a").set_value(5)
    _press(page, "Write")
    served = registry.load(registry.find("writer", language_folder))
    text = "".join(write(served, "a cab", 0.8, 0, 1.0, 12, 5))
    assert f'<span class="muted">a cab</span>{text}</div>' in _html(page)
    _press(page, "Stop")  # what was written stays
    assert f"</span>{text}</div>" in _html(page)
    page.text_area(key="prompt").set_value("another").run()
    assert text not in _html(page)


def test_two_settings_side_by_side(page):
    page.button_group(key="generation_mode").set_value("Two settings").run()
    for side in "ab":
        page.number_input(key=f"tokens_{side}").set_value(8)
        page.slider(key=f"temperature_{side}").set_value(0.0 if side == "a" else 2.0)
    _press(page, "Write both")
    assert _html(page).count('class="reading written"') == 2


def test_surprise_and_units(page):
    page.button_group(key="generation_mode").set_value("What surprises it").run()
    page.text_area(key="read_text").set_value("bad <b>cab</b>").run()
    assert not page.exception
    html = _html(page)
    assert "bits a token" in html
    assert "<b>cab" not in html
    page.button_group(key="generation_mode").set_value("What a unit remembers").run()
    assert not page.exception
    assert page.number_input(key="unit").max == 11
    page.number_input(key="unit").set_value(3).run()
    assert 'class="token' in _html(page)
    page.text_area(key="read_text").set_value("").run()
    assert len(page.info) == 1


def test_too_long_is_one_line(page):
    page.text_area(key="prompt").set_value("a" * (MAX_LANGUAGE_CHARACTERS + 1)).run()
    assert "10,001 characters" in page.warning[0].value


def test_no_model_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(PAGE).run()
    assert "keras-seq train text_generation --data.source samples" in app.code[0].value


def test_text_is_escaped_everywhere():
    bad = "<script>alert(1)</script>"
    for html in (written(bad, bad), surprise(Reading([bad], [-3.0], [bad])), activation([bad], np.array([0.5]))):
        assert "<script" not in html


def test_surprise_shows_the_mean_in_bits():
    html = surprise(Reading(["a", "b"], [-np.log(2), -np.log(8)], ["a", "x"]))
    assert "2.00 bits" in html
    assert "12.50%; expected x" in html


def test_units_that_hold_their_value_come_first():
    time = np.arange(60)
    values = np.stack([np.sign(np.sin(time * 2.9)), np.sign(np.sin(time / 10)), 0.001 * time / 60], axis=1)
    assert persistent_units(values, 2)[0] == 1

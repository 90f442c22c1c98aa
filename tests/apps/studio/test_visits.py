"""What a visit keeps: what was typed, on the way through pages, addresses and runs that cross each other."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from apps.studio import deep_link

from .conftest import APP

SENTIMENT, MODEL = "scripts/sentiment.py", "scripts/model.py"


@pytest.fixture
def page(models) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page(SENTIMENT).run()
    return app


def _address(app: AppTest) -> dict[str, str]:
    values = {name: app.query_params[name] for name in ("model", "text")}
    return {name: value if isinstance(value, str) else value[0] for name, value in values.items()}


def _go(app: AppTest, address: dict[str, str]) -> None:
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception


def test_link_fills_the_box(page):
    _go(page, {"text": "a dull day"})
    assert page.text_area[0].value == "a dull day"


def test_old_address_of_a_run_on_its_way_changes_nothing(page):
    """A button that is pressed before the browser has got the new address brings the one before."""
    old = _address(page)
    page.text_area[0].set_value("a dull day").run()
    assert _address(page)["text"] == "a dull day"
    _go(page, old)
    assert page.text_area[0].value == "a dull day"
    assert _address(page)["text"] == "a dull day"


def test_back_brings_the_text_before(page, monkeypatch):
    old = _address(page)
    page.text_area[0].set_value("a dull day").run()
    monkeypatch.setattr(deep_link, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
    _go(page, old)
    assert page.text_area[0].value == old["text"]


def test_what_is_being_typed_is_left_alone(page):
    """A run puts no value into a box that has it already: the browser may be further on by then."""
    page.text_area[0].set_value("a dull day").run()
    assert not page.text_area[0].proto.set_value
    page.button(key="example-1").click().run()
    assert page.text_area[0].proto.set_value


def test_texts_outlive_another_page_and_another_mode(page):
    page.text_area[0].set_value("a dull day").run()
    page.button_group(key="mode").set_value("A CSV file").run()
    page.run()
    page.button_group(key="mode").set_value("One text").run()
    assert page.text_area[0].value == "a dull day"
    page.switch_page(MODEL).run()
    page.run()
    page.switch_page(SENTIMENT).run()
    assert page.text_area[0].value == "a dull day"

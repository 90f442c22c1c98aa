"""The studio in a real browser: the demo is clicked through, on a desk and on a phone, and leaves screenshots.

They go to the folder that KERAS_SEQ_SCREENSHOTS names, then of every test in both themes, else to a temporary one.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from apps.serving import registry
from apps.studio.launch import command

from ..run_folders import write_run
from .conftest import export_words_model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = "KERAS_SEQ_SCREENSHOTS" in os.environ
CSV = b"id,text\n1,a good and lovely day\n2,dull\n"


@contextlib.contextmanager
def _running(models: Path, folder: Path):
    """Starts the studio over a folder of models and gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "studio.txt"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command(port, "127.0.0.1", models.resolve(), headless=True), stdout=stream, stderr=stream, cwd=folder
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def studio(exported, tmp_path_factory):
    """The address of a studio over the small model."""
    folder = tmp_path_factory.mktemp("studio")
    write_run(folder / "runs", "whole", "finished")
    with _running(exported, folder) as address:
        yield address


@pytest.fixture(scope="module")
def demo(gallery, tmp_path_factory):
    """The address of a studio over a small model of each task, and two for sentiment."""
    folder = tmp_path_factory.mktemp("demo")
    export_words_model(folder / "models")
    export_words_model(folder / "models", name="sour", good=["good"])
    gallery.copy(folder / "models", "writer", "interpreter", "cells")
    with _running(folder / "models", folder) as address:
        yield address


def _wait_until_up(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.25)
    pytest.fail(f"the studio did not start: {log.read_text(errors='replace')}")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory) -> Path:
    folder = os.environ.get("KERAS_SEQ_SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _shoot(page, path: Path) -> None:
    """Takes a picture when the page is quiet."""
    page.wait_for_function("!document.querySelector('[data-stale=true], [data-testid=stSkeleton]')")
    page.wait_for_timeout(400)
    page.screenshot(path=path)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), *([("dark", 420)] if PICTURES else [])])
def test_demo(browser, studio, screenshots, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    outside = []
    page.on(
        "request",
        lambda request: request.url.startswith((studio, "ws:", "data:", "blob:")) or outside.append(request.url),
    )

    def shoot(name):
        _shoot(page, screenshots / f"{name}-{scheme}-{width}.png")

    page.goto(studio)
    page.get_by_role("button", name="Try it").wait_for()
    shoot("home")
    page.get_by_role("button", name="Try it").click()

    page.locator(".verdict").wait_for()
    page.get_by_label("Your text").fill("A good <b>bold</b> day, but a dull evening. <script>alert(1)</script>")
    page.get_by_role("button", name="Read it").click()
    page.locator(".token.against", has_text="dull").wait_for()
    assert page.locator(".token.for.strong").all_inner_texts() == ["good"]
    assert "<script>" in page.locator(".reading").inner_text()
    good = page.locator(".token.for.strong").evaluate("element => getComputedStyle(element).backgroundColor")
    dull = page.locator(".token.against").evaluate("element => getComputedStyle(element).backgroundColor")
    assert good != dull
    shoot("sentiment")

    page.get_by_text("Two versions").click()
    page.get_by_label("Second version").fill("A bad day, and a dull evening.")
    page.get_by_role("button", name="Compare").click()
    page.locator("ins.token", has_text="bad").wait_for()
    assert "turns from" in page.locator(".change-line").inner_text()
    shoot("compare")

    page.get_by_text("A CSV file").click()
    page.get_by_test_id("stFileUploader").wait_for()
    page.set_input_files("input[type=file]", {"name": "days.csv", "mimeType": "text/csv", "buffer": CSV})
    page.get_by_role("button", name="Classify").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with predictions").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("id,text,label,probability,")
    assert lines[1].startswith("1,a good and lovely day,<b>great</b>,")
    assert lines[2].startswith("2,dull,awful,")
    shoot("csv")

    page.goto(f"{studio}/model")
    page.get_by_text("Confusion matrix").wait_for()
    shoot("model")
    page.get_by_role("tab", name="Card").click()
    page.get_by_text("It knows seven words.").wait_for()
    shoot("card")

    page.goto(f"{studio}/runs")
    page.locator("table.runs .state.finished").wait_for()
    page.get_by_role("button", name="Start training").wait_for()
    page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
    shoot("runs")

    page.goto(f"{studio}/sentiment?model=mood%2F1&text=a%20dull%20day")
    page.locator(".token.for", has_text="dull").wait_for()
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(page.get_by_label("Your text")).to_have_value("a dull day")  # the box is filled a moment after the words
    page.goto(f"{studio}/compare")
    page.get_by_text("comparing needs two").wait_for()

    assert outside == []
    assert page.locator("[data-testid=stException]").count() == 0
    page.close()


def _check(page) -> None:
    """Nothing has failed, and nothing stands beyond the right edge."""
    assert page.locator("[data-testid=stException]").count() == 0
    beyond = "main => main.scrollWidth - main.clientWidth"
    assert page.locator("[data-testid=stMain]").evaluate(beyond) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), *([("light", 1920)] if PICTURES else [])])
def test_tour(browser, demo, screenshots, scheme, width):
    """From the home page through the applications: typing, clicking, stopping, going back, a file up and down."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(240_000)

    def shoot(name):
        _shoot(page, screenshots / f"tour-{name}-{scheme}-{width}.png")

    page.goto(demo)
    for words in ("Read a review", "Let it write", "Translate a sentence", "Look inside", "Compare two models", "Runs"):
        page.get_by_role("link", name=words).last.wait_for()
    assert page.get_by_role("button", name="Try it").count() == 5
    _check(page)
    shoot("home")

    page.get_by_role("link", name="Look inside").click()
    page.get_by_role("heading", name="What a cell remembers").wait_for()
    page.get_by_label("Your text").fill("who (<b>knows</b> it")
    page.get_by_label("Your text").press("Control+Enter")
    page.locator(".letters", has_text="<b>knows").nth(3).wait_for()
    page.locator("[data-testid=stButtonGroup] button", has_text="Elman").click()
    page.wait_for_function("document.querySelectorAll('.letters').length === 2")
    page.get_by_role("slider").press("Home")
    page.get_by_role("cell", name="all 10", exact=True).wait_for()
    _check(page)
    shoot("cells")
    for _ in range(6):  # each text that was on the page has a step of its own on the way back
        page.go_back()
        if page.url.rstrip("/") == demo:
            break
    page.get_by_role("heading", name="Sequence models").wait_for()

    page.get_by_role("link", name="Let it write").click()
    page.get_by_label("How it begins").fill("a cab")
    page.get_by_label("Tokens").fill("2000")
    page.get_by_label("Tokens").press("Enter")
    page.get_by_role("button", name="Write", exact=True).click()
    page.locator(".written .cursor").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator(".written .cursor").wait_for(state="detached")
    written = page.locator(".written").inner_text()
    assert written.startswith("a cab")
    assert len(written) < 2000
    _check(page)
    shoot("writing")

    page.goto(f"{demo}/translation")
    page.locator(".translation").wait_for()
    _check(page)
    page.get_by_text("A CSV file").click()
    page.get_by_test_id("stFileUploader").wait_for()
    page.set_input_files(
        "input[type=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": b'text\na cab\n""\nbad\n'}
    )
    page.get_by_role("button", name="Translate all").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with translations").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "text,translation"
    assert lines[1].startswith("a cab,")
    _check(page)

    page.goto(f"{demo}/sentiment?text=a%20lovely%20day")
    page.locator(".token.for", has_text="lovely").wait_for()
    _check(page)
    page.get_by_text("Two versions").click()
    page.locator(".change").wait_for()
    _check(page)

    page.goto(f"{demo}/compare?task=sentiment&text=a%20lovely%20day")
    page.locator(".change-line", has_text="They disagree").wait_for()
    _check(page)
    shoot("compare")
    page.close()


def test_shipped_model(browser, screenshots, tmp_path):
    """The model that people meet first; benchmarks/studio_pictures.py takes the pictures of the documents."""
    entries = registry.list_models(task="sentiment")
    if not entries:
        pytest.skip("needs a sentiment model: export one, or set KERAS_SEQ_MODELS")
    with _running(entries[0].path.parents[1], tmp_path) as address:
        for scheme in ("light", "dark") if PICTURES else ("light",):
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
            page.set_default_timeout(60_000)
            page.goto(address)
            page.get_by_role("button", name="Try it").first.wait_for()
            _shoot(page, screenshots / f"studio-home-{scheme}.png")
            page.goto(f"{address}/sentiment")
            page.locator(".token.strong").first.wait_for()
            assert page.locator(".verdict-label").inner_text() in entries[0].labels
            _shoot(page, screenshots / f"studio-sentiment-{scheme}.png")
            page.get_by_text("Two versions").click()
            page.locator(".change").wait_for()
            page.locator("ins.token").first.wait_for()
            _shoot(page, screenshots / f"studio-compare-{scheme}.png")
            page.goto(f"{address}/model")
            page.get_by_role("tab", name="Metrics").wait_for()
            _shoot(page, screenshots / f"studio-model-{scheme}.png")
            page.close()

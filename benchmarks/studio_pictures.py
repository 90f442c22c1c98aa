"""Renews the pictures of the studio in docs/images: every page, clicked to where it shows what it is for.

    make pictures
    python benchmarks/studio_pictures.py --only cells,home
    python benchmarks/studio_pictures.py --searches_dir searches     # the page of searches, too

Without --runs_dir a small model is trained for the page of runs. A page that has nothing to show (no model of its task,
no searches) keeps the picture that it has.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonargparse
from studio_session import running

from apps.serving import registry

FOLDER = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
WIDTH, COLOURS, LARGEST = 1280, 192, 120_000
SIDEBAR, HEADER = 300, 56
QUIET = """!document.querySelector(
  '[data-stale=true], [data-testid=stSkeleton], [data-testid=stSpinner], [data-testid=stStatusWidget]')"""


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        name: Its file is studio-<name>-<scheme>.png.
        path: The page's address in the studio.
        ready: A selector of what must be there before the picture is taken.
        act: What is clicked before.
        schemes: Light, dark or both.
        needs: The task that there must be a model of, or `runs` or `searches`.
        height: Of the picture in pixels.
        whole: Whether the navigation is in the picture.
        at: What the picture begins with, where that is not the top of the page.
    """

    name: str
    path: str
    ready: str
    act: Callable[[Any], None] = lambda page: None
    schemes: tuple[str, ...] = ("light",)
    needs: str = ""
    height: int = 1000
    whole: bool = True
    at: str = ""


def _choose(words: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_text(words, exact=True).first.click()


def _write(page: Any) -> None:
    page.get_by_label("Tokens").fill("160")
    page.get_by_label("Tokens").press("Enter")
    page.get_by_role("button", name="Write", exact=True).click()
    page.locator(".written .cursor").wait_for()
    page.locator(".written .cursor").wait_for(state="detached")


BOTH = ("light", "dark")
PICTURES = (
    Picture("home", "", ".application", schemes=BOTH, height=1240),
    Picture("sentiment", "sentiment", ".token.strong", schemes=BOTH, needs="sentiment"),
    Picture("compare", "sentiment", "ins.token", _choose("Two versions"), needs="sentiment"),
    Picture(
        "writing", "text_generation", "[data-testid=stVegaLiteChart]", _write, needs="text_generation", height=1300
    ),
    Picture(
        "surprise",
        "text_generation",
        ".token.strong",
        _choose("What surprises it"),
        needs="text_generation",
        height=700,
        whole=False,
    ),
    Picture(
        "unit",
        "text_generation",
        ".token.for",
        _choose("What a unit remembers"),
        needs="text_generation",
        height=820,
        whole=False,
    ),
    Picture("translation", "translation", ".translation", needs="translation"),
    Picture("cells", "cells", "table.narrow", schemes=BOTH, needs="cells", height=1560),
    Picture(
        "gradient", "cells", "table.narrow", needs="cells", height=1180, whole=False, at="How far back it can learn"
    ),
    Picture("runs", "runs", "[data-testid=stVegaLiteChart]", needs="runs"),
    Picture("tuning", "tuning", "svg, [data-testid=stVegaLiteChart]", needs="searches"),
    Picture("model", "model?model=sentiment%2F2", ".matrix", needs="sentiment"),
)


def main(
    only: str = "",
    models_dir: str | None = None,
    runs_dir: str | None = None,
    searches_dir: str | None = None,
    output: Path = FOLDER,
) -> None:
    """Take the pictures.

    Args:
        only: Names of pictures, separated by commas; all if left out.
        models_dir: The folder of exported models.
        runs_dir: The folder of runs; a new one with a small run if left out.
        searches_dir: The folder of searches.
        output: Where the pictures go.
    """
    there = {entry.task for entry in registry.list_models(models_dir)}
    there |= {"runs"} | ({"searches"} if searches_dir else set())
    wanted = [picture for picture in PICTURES if not only or picture.name in only.split(",")]
    if runs_dir is None and any(picture.needs == "runs" for picture in wanted):
        runs_dir = _train(tempfile.mkdtemp())
    models = Path(models_dir) if models_dir else registry.search_folders()[-1]
    with _studio(models, runs_dir, searches_dir) as address, _chromium() as browser:
        for picture in wanted:
            if picture.needs and picture.needs not in there:
                print(f"{picture.name}: nothing to show ({picture.needs})", file=sys.stderr)
                continue
            for scheme in picture.schemes:
                path = output / f"studio-{picture.name}-{scheme}.png"
                size = _take(browser, f"{address}/{picture.path}", picture, scheme, path)
                print(f"{path.name}: {size / 1000:.0f} kB", file=sys.stderr)


def _train(folder: str) -> str:
    """A folder of runs with a small one in it."""
    options = ["--data.source", "samples", "--name", "first", "--runs.dir", folder, "--quiet"]
    subprocess.run([sys.executable, "-m", "apps", "train", "sentiment", *options], check=True)
    return folder


@contextmanager
def _studio(models: Path, *folders: str | None) -> Iterator[str]:
    """The address of a studio that finds runs and searches where it looks for them."""
    with tempfile.TemporaryDirectory() as work:
        for name, folder in zip(("runs", "searches"), folders, strict=True):
            if folder:
                (Path(work) / name).symlink_to(Path(folder).resolve())
        before, models = Path.cwd(), models.resolve()
        os.chdir(work)
        try:
            with running(models, Path(work)) as studio:
                yield studio.address
        finally:
            os.chdir(before)


@contextmanager
def _chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        sys.exit("Taking pictures needs Chromium: install the package chromium.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def _take(browser: Any, address: str, picture: Picture, scheme: str, path: Path) -> int:
    """Take a picture, and return its size in bytes."""
    viewport = {"width": WIDTH, "height": picture.height}
    page = browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page.set_default_timeout(180_000)
    page.goto(address)
    page.locator("h1").wait_for()
    page.wait_for_function(QUIET)
    picture.act(page)
    page.locator(picture.ready).first.wait_for()
    page.wait_for_function(QUIET)
    if picture.at:
        page.get_by_role("heading", name=picture.at).evaluate("element => element.scrollIntoView({block: 'start'})")
    page.mouse.move(WIDTH - 5, picture.height - 5)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(800)
    left, top = (0 if picture.whole else SIDEBAR), (HEADER if picture.at else 0)
    clip = {"x": left, "y": top, "width": WIDTH - left, "height": picture.height - top}
    content = page.screenshot(clip=clip)
    page.close()
    path.write_bytes(small(content))
    return path.stat().st_size


def small(content: bytes) -> bytes:
    """A PNG with a palette, of at most 120 kB."""
    from PIL import Image

    picture = Image.open(io.BytesIO(content)).convert("RGB")
    for colours in (COLOURS, COLOURS // 2, COLOURS // 4):
        buffer = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    jsonargparse.auto_cli(main)

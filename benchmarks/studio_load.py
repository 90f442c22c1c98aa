"""Does the studio stay quick, and its memory flat, with twenty visitors at once?

    python benchmarks/studio_load.py                        # the shipped sentiment model
    python benchmarks/studio_load.py --sessions 5 --requests 100 --models_dir MODELS

Starts the studio as its own process, and opens as many pages of the sentiment application as there are sessions. Each
writes one text after the other, none twice, without a pause, and waits for the words in colour: all sessions always
want an answer. Printed in Markdown: latencies, the memory of the process at marks on the way, and how much it has read
from files by then: if a rerun loaded the model again, that would grow by the size of the model each time.
"""

import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import jsonargparse
from studio_session import Studio, Visitor, running

WORDS = """
    the a film plot actor scene music story and but not very so is was it they good great lovely bad boring dull slow
    funny brilliant awful never always money time night first last ending camera dialogue script wonderful mess
"""
BOX = "text"
PATIENCE = 600.0
"""Seconds after which a visitor leaves; the studio itself gives a prediction up long before."""


def text_of(number: int, words: int) -> str:
    """A text that no other number has."""
    draw = random.Random(number)
    return " ".join(draw.choices(WORDS.split(), k=words)) + f" {number}"


class Load:
    """Visitors who share a number of requests.

    Args:
        studio: Where they go.
        requests: How many there are, for all of them together.
        words: The length of a text.
        marks: After how many requests memory is looked at.
    """

    def __init__(self, studio: Studio, requests: int, words: int, marks: list[int]) -> None:
        self._studio, self._requests, self._words, self._marks = studio, requests, words, marks
        self._lock = threading.Lock()
        self._taken = 0
        self.seconds: list[float] = []
        self.problems: list[str] = []
        self.rows: list[tuple[int, float, int | None]] = []

    def look(self, done: int) -> None:
        """Notes the memory of the studio, and what it has read."""
        self.rows.append((done, self._studio.resident(), self._studio.bytes_read()))
        print(f"{done} of {self._requests} requests, {len(self.problems)} problems", file=sys.stderr)

    def visit(self, visitor: Visitor) -> None:
        """Writes texts until none is left."""
        while True:
            with self._lock:
                if self._taken == self._requests:
                    return
                self._taken += 1
                number = self._taken
            try:
                drawn = visitor.write(BOX, text_of(number, self._words))
            except Exception as error:  # a visitor who is thrown out is what this looks for
                with self._lock:
                    self.problems.append(repr(error))
                return
            with self._lock:
                self.seconds.append(drawn.seconds)
                self.problems += drawn.problems + drawn.alerts
                if not any("verdict-label" in piece for piece in drawn.html):
                    self.problems.append("no verdict")
                if len(self.seconds) in self._marks:
                    self.look(len(self.seconds))


def main(sessions: int = 20, requests: int = 500, words: int = 60, models_dir: str | None = None) -> None:
    """Prints two tables.

    Args:
        sessions: How many pages are open.
        requests: How many texts are written in all.
        words: How many words a text has.
        models_dir: The folder of models; the shipped one by default.
    """
    models = Path(models_dir or Path(__file__).resolve().parents[1] / "saved_models")
    marks = sorted({min(20, requests), requests // 5, requests // 2, requests})
    with tempfile.TemporaryDirectory() as folder, running(models, Path(folder)) as studio:
        first = Visitor(studio.port, "sentiment", PATIENCE)
        load = Load(studio, requests, words, marks)
        load.look(0)
        visitors = [first, *(Visitor(studio.port, "sentiment", PATIENCE) for _ in range(sessions - 1))]
        opened = [visitor.drawn.seconds for visitor in visitors]
        threads = [threading.Thread(target=load.visit, args=(visitor,)) for visitor in visitors]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begun
        for visitor in visitors:
            visitor.close()
    _print(sessions, load, opened, took)


def _print(sessions: int, load: Load, opened: list[float], took: float) -> None:
    done = sorted(load.seconds)
    print(f"| {sessions} sessions, {len(done)} requests | |\n| --- | ---: |")
    if len(done) > 1:
        print(f"| median latency | {statistics.median(done):.2f} s |")
        print(f"| 95th percentile | {statistics.quantiles(done, n=20, method='inclusive')[-1]:.2f} s |")
        print(f"| requests a second | {len(done) / took:.1f} |")
    print(f"| first page, which loads the model | {opened[0]:.2f} s |")
    if len(opened) > 1:
        print(f"| later pages, median | {statistics.median(opened[1:]):.2f} s |")
    print(f"| problems | {len(load.problems)} |")
    print("\n| requests | memory | read from files |\n| ---: | ---: | ---: |")
    for number, memory, read in load.rows:
        print(f"| {number} | {memory:.0f} MB | {'' if read is None else f'{read / 1e6:.0f} MB'} |")
    for problem in dict.fromkeys(load.problems[:5]):
        print(f"problem: {problem}")


if __name__ == "__main__":
    jsonargparse.auto_cli(main, as_positional=False)

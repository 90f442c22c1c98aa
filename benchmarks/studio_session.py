"""A studio in a process of its own, and visitors to it who speak the browser's protocol and have no browser.

A visitor sends what Streamlit's page sends (the states of widgets) and reads what the page would draw, over the same
web socket and with the messages that the installed Streamlit defines.
"""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from apps.studio.launch import command

LARGEST = 2**26


@dataclass
class Studio:
    """A studio that runs.

    Attributes:
        port: On this machine.
        process: Its process.
        log: What it writes.
    """

    port: int
    process: subprocess.Popen
    log: Path

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://localhost:{self.port}"

    def resident(self) -> float:
        """Its memory in MB."""
        output = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(output.stdout) / 1024

    def bytes_read(self) -> int | None:
        """How much it has read from files and pipes so far; None where the system does not count it."""
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self.process.pid}/io").read_text().splitlines()
            return int(lines[0].removeprefix("rchar: "))
        return None


@contextlib.contextmanager
def running(models: Path | None, folder: Path, seconds: float = 180) -> Iterator[Studio]:
    """A studio over a folder of models, up and healthy; `folder` gets its log."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = folder / "studio.txt"
    arguments = command(port, models_dir=models and models.resolve(), headless=True, read_only=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    studio = Studio(port, process, log)
    try:
        _wait(studio, time.monotonic() + seconds)
        yield studio
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(studio: Studio, end: float) -> None:
    """Waits until the health endpoint answers."""
    while True:
        try:
            urllib.request.urlopen(f"{studio.address}/_stcore/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if studio.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the studio did not start:\n{studio.log.read_text(errors='replace')}") from None
            time.sleep(0.2)


@dataclass
class Drawn:
    """What one run of a page has drawn.

    Attributes:
        seconds: From the request to the end of the run.
        html: The pieces of HTML.
        alerts: The lines in boxes: errors, warnings, notes.
        exceptions: The messages of errors that nobody foresaw, with their tracebacks if they are shown.
        widgets: The identifiers of widgets by their keys.
        finished: How the run ended.
    """

    seconds: float = 0.0
    html: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    widgets: dict[str, str] = field(default_factory=dict)
    finished: str = ""

    @property
    def problems(self) -> list[str]:
        """What a visitor would see as a failure."""
        return self.exceptions + ([] if self.finished == "FINISHED_SUCCESSFULLY" else [self.finished or "no end"])


class Visitor:
    """One open page.

    Args:
        port: Of the studio, on this machine.
        page: The page's name in the address.
        seconds: How long a run may take.
    """

    def __init__(self, port: int, page: str, seconds: float = 120) -> None:
        self._page, self._seconds = page, seconds
        self.session = ""
        self.config = NewSession().config
        self._socket = connect(
            f"ws://localhost:{port}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=LARGEST,
            open_timeout=seconds,
            ping_timeout=seconds,
            proxy=None,
        )
        self._states = BackMsg().rerun_script.widget_states
        self.drawn = self.run()

    def write(self, key: str, text: str) -> Drawn:
        """Types into a box and leaves it, as a person who wants an answer does."""
        self._state(key).string_value = text
        return self.run()

    def choose(self, key: str, option: str) -> Drawn:
        """Chooses in a list."""
        self._state(key).string_value = option
        return self.run()

    def _state(self, key: str) -> WidgetState:
        """What is known of a widget."""
        identifier = self.drawn.widgets[key]
        known = next((state for state in self._states.widgets if state.id == identifier), None)
        return known or self._states.widgets.add(id=identifier)

    def run(self) -> Drawn:
        """Lets the page run, and waits for its end."""
        message = BackMsg()
        message.rerun_script.page_name = self._page
        message.rerun_script.widget_states.CopyFrom(self._states)
        begun = time.perf_counter()
        self._socket.send(message.SerializeToString())
        drawn = Drawn()
        while not drawn.finished:
            answer = ForwardMsg()
            answer.ParseFromString(self._socket.recv(self._seconds))  # type: ignore[arg-type]
            self._take(answer, drawn)
        drawn.seconds = time.perf_counter() - begun
        self.drawn = drawn
        return drawn

    def _take(self, message: ForwardMsg, drawn: Drawn) -> None:
        """Keeps what a message draws."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id
            self.config = message.new_session.config
        elif kind == "script_finished":
            drawn.finished = ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            name = element.WhichOneof("type")
            if name == "html":
                drawn.html.append(element.html.body)
            elif name == "alert":
                drawn.alerts.append(element.alert.body)
            elif name == "exception":
                drawn.exceptions.append("\n".join([element.exception.message, *element.exception.stack_trace]))
            identifier = getattr(getattr(element, name), "id", "")
            if identifier.startswith("$$ID-"):
                drawn.widgets[identifier.split("-", 2)[2]] = identifier

    def close(self) -> None:
        """Closes the page."""
        self._socket.close()

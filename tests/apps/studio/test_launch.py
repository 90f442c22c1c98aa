"""How the studio is started, and what it does without."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from apps.studio.launch import command
from apps.studio.settings import models_folder

from .conftest import APP

WITHOUT_KERAS = """
import sys
sys.modules.update(dict.fromkeys(["keras", "keras_seq", "pipelines", "tf_keras", "tensorflow_datasets"]))
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
app.switch_page("scripts/sentiment.py").run()
assert not app.exception, app.exception
assert any("verdict-label" in element.proto.body for element in app.get("html"))
"""


def test_command_says_where_models_are_and_keeps_to_itself(tmp_path):
    arguments = command(8765, "127.0.0.1", tmp_path / "my models", headless=True)
    assert arguments[0] == sys.executable
    options = dict(zip(arguments[5::2], arguments[6::2], strict=False))
    assert options["--server.port"] == "8765"
    assert options["--server.address"] == "127.0.0.1"
    assert options["--server.headless"] == "true"
    assert options["--browser.gatherUsageStats"] == "false"
    script = arguments[arguments.index("--") + 1 :]
    assert models_folder(script) == str(tmp_path / "my models")
    assert "--" not in command()
    assert models_folder([]) is None


def test_a_link_that_is_opened_first_has_its_frame():
    """Streamlit runs what lies in a folder of this name without app.py, until app.py has run once."""
    assert not APP.with_name("pages").exists()


def test_pages_run_where_keras_cannot_be_imported(models):
    subprocess.run([sys.executable, "-c", WITHOUT_KERAS, str(APP)], check=True, capture_output=True, text=True)


def test_first_start_on_a_machine_asks_nothing(tmp_path):
    """With a home of its own and no input, as under make, the server comes up."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "HOME": str(tmp_path), "BROWSER": "true"}
    process = subprocess.Popen(
        command(port),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                answer = urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, process.stdout.read().decode()
                assert time.monotonic() < end, "the server did not come up"
                time.sleep(0.2)
        assert answer.read() == b"ok"
    finally:
        process.kill()
        process.wait()

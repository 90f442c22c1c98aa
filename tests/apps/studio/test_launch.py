"""How the studio is started, and what it does without."""

import subprocess
import sys

from apps.studio.launch import command
from apps.studio.settings import models_folder

from .conftest import APP

WITHOUT_KERAS = """
import sys
sys.modules.update(dict.fromkeys(["keras", "keras_seq", "pipelines", "tf_keras", "tensorflow_datasets"]))
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
app.switch_page("pages/sentiment.py").run()
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


def test_pages_run_where_keras_cannot_be_imported(models):
    subprocess.run([sys.executable, "-c", WITHOUT_KERAS, str(APP)], check=True, capture_output=True, text=True)

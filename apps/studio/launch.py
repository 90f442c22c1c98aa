"""The command line that starts the studio."""

import sys
from os import PathLike
from pathlib import Path


def command(
    port: int = 8501,
    address: str = "localhost",
    models_dir: str | PathLike[str] | None = None,
    headless: bool = False,
) -> list[str]:
    """The program and arguments that start the studio; they need no shell.

    Args:
        port: The port it listens on.
        address: The address it listens on; `localhost` keeps it to this machine.
        models_dir: The folder of models; by default they are looked for as `registry.search_folders` says.
        headless: Whether to leave the browser alone.
    """
    arguments = [
        *(sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("app.py"))),
        *("--server.port", str(port)),
        *("--server.address", address),
        *("--server.headless", "true" if headless else "false"),
        *("--server.fileWatcherType", "none"),
        *("--browser.gatherUsageStats", "false"),
        *("--server.showEmailPrompt", "false"),  # else the first start on a machine asks for an address and waits
    ]
    if models_dir is not None:
        arguments += ["--", "--models.dir", str(models_dir)]
    return arguments

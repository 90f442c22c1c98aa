"""The command line that starts the studio."""

import sys
from os import PathLike
from pathlib import Path


def command(
    port: int = 8501,
    address: str = "localhost",
    models_dir: str | PathLike[str] | None = None,
    headless: bool = False,
    runs_dir: str | PathLike[str] | None = None,
    read_only: bool = False,
) -> list[str]:
    """The program and arguments that start the studio; they need no shell.

    Args:
        port: The port it listens on.
        address: The address it listens on; `localhost` keeps it to this machine.
        models_dir: The folder of models; by default they are looked for as `registry.search_folders` says.
        headless: Whether to leave the browser alone.
        runs_dir: The folder of all runs; `runs` by default.
        read_only: Whether visitors may start no training, as behind a proxy that makes the studio public.
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
    script: list[str] = []
    if models_dir is not None:
        script += ["--models.dir", str(models_dir)]
    if runs_dir is not None:
        script += ["--runs.dir", str(runs_dir)]
    if read_only:
        script.append("--read_only")
    return [*arguments, "--", *script] if script else arguments

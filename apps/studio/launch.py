"""The command line that starts the studio; `python -m apps.studio.launch` starts it where there is no `keras-seq`."""

import argparse
import os
import sys
from os import PathLike
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def command(
    port: int = 8501,
    address: str = "localhost",
    models_dir: str | PathLike[str] | None = None,
    headless: bool = False,
    runs_dir: str | PathLike[str] | None = None,
    read_only: bool = False,
    searches_dir: str | PathLike[str] | None = None,
) -> list[str]:
    """The program and arguments that start the studio; they need no shell.

    Args:
        port: The port it listens on.
        address: The address it listens on; `localhost` keeps it to this machine.
        models_dir: The folder of models; by default they are looked for as `registry.search_folders` says.
        headless: Whether to leave the browser alone.
        runs_dir: The folder of all runs; `runs` by default.
        read_only: Whether visitors may start no training, as behind a proxy that makes the studio public.
        searches_dir: The folder of all searches; `searches` by default.
    """
    arguments = [
        *(sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("app.py"))),
        *("--server.port", str(port)),
        *("--server.address", address),
        *("--server.headless", "true" if headless else "false"),
        *("--server.enableCORS", "true"),
        *("--server.enableXsrfProtection", "true"),
        *("--server.fileWatcherType", "none"),
        *("--client.showErrorDetails", "none"),
        *("--browser.gatherUsageStats", "false"),
        *("--server.showEmailPrompt", "false"),  # else the first start on a machine asks for an address and waits
    ]
    if address in LOOPBACK:  # so that no page of the network can pretend to be this one by a name of its own
        arguments += [word for host in LOOPBACK for word in ("--server.allowedHosts", host)]
    script: list[str] = []
    if models_dir is not None:
        script += ["--models.dir", str(models_dir)]
    if runs_dir is not None:
        script += ["--runs.dir", str(runs_dir)]
    if searches_dir is not None:
        script += ["--searches.dir", str(searches_dir)]
    if read_only:
        script.append("--read_only")
    return [*arguments, "--", *script] if script else arguments


def main() -> None:
    """Becomes the studio, for an image that has nothing else of this project."""
    parser = argparse.ArgumentParser(prog="python -m apps.studio.launch", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default="localhost")
    parser.add_argument("--models.dir", dest="models_dir")
    parser.add_argument("--runs.dir", dest="runs_dir")
    parser.add_argument("--searches.dir", dest="searches_dir")
    parser.add_argument("--read_only", action="store_true")
    parser.add_argument("--headless", action="store_true")
    arguments = command(**vars(parser.parse_args()))
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    main()

"""`keras-seq studio`: start the front end in the browser."""

import importlib.util
import os
import socket
import subprocess
from typing import Any

from apps.console import Console
from apps.errors import UserError
from apps.settings import Parser

SUMMARY = "Open the studio, the front end to the exported models, in the browser."
TAKES_TASK = False
USAGE = "[--port N] [--models.dir DIR] [--runs.dir DIR] [--searches.dir DIR] [--read_only] [--headless]"
DEFAULT_PORT = 8501


def add_arguments(parser: Parser, task: None) -> None:
    """Declare the options."""
    parser.add_argument("--port", type=int, metavar="N", help=f"The port to listen on. (default: {DEFAULT_PORT})")
    parser.add_argument(
        "--address",
        metavar="HOST",
        help="The address to listen on; localhost keeps it to this machine. (default: localhost)",
    )
    parser.add_argument("--models.dir", metavar="DIR", help="The folder of exported models. (default: saved_models)")
    parser.add_argument("--runs.dir", metavar="DIR", help="The folder of all runs. (default: runs)")
    parser.add_argument("--searches.dir", metavar="DIR", help="The folder of all searches. (default: searches)")
    parser.add_argument(
        "--read_only",
        action="store_true",
        help="Let nobody start a training, as behind a proxy. Without it, that needs an address of this machine alone.",
    )
    parser.add_argument("--headless", action="store_true", help="Do not open a browser.")


def run(arguments: Any, task: None, console: Console) -> int:
    """Start Streamlit, and wait for its end."""
    from apps.studio import launch

    port = arguments.get("port", DEFAULT_PORT)
    address = arguments.get("address", "localhost")
    if importlib.util.find_spec("streamlit") is None:
        raise UserError("The studio needs streamlit: install it with `pip install streamlit`.")
    if not 1 <= port <= 65535:
        raise UserError(f"--port must be from 1 to 65535. Received: {port}")
    if not port_is_free(address, port):
        raise UserError(f"Port {port} is taken, perhaps by another studio: choose one with --port, such as {port + 1}.")
    command = launch.command(
        port=port,
        address=address,
        models_dir=arguments.get("models.dir"),
        headless=arguments.get("headless", False),
        runs_dir=arguments.get("runs.dir"),
        read_only=arguments.get("read_only", False),
        searches_dir=arguments.get("searches.dir"),
    )
    console.note(f"the studio is at http://{address}:{port}; Ctrl-C ends it")
    if os.name == "posix":  # in the place of this process, so that a signal to it reaches the studio
        os.execv(command[0], command)
    return subprocess.call(command)


def port_is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now.

    Raises:
        UserError: when the address cannot be used at all.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except socket.gaierror:
        raise UserError(
            f"There is no address {address!r} on this machine: leave out --address for localhost."
        ) from None
    except OSError:
        return False
    return True

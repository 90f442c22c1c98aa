"""The sources of Python's own standard library: real text on every machine."""

import hashlib
import os
import platform
import sysconfig
from pathlib import Path

from pipelines.errors import DataError

# Tests, what else is installed, and what was written for this machine alone.
_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
_OF_THIS_MACHINE = ("config-", "_sysconfigdata", "_sysconfig_vars")


def library_folder() -> Path:
    """Where the standard library of the running Python is."""
    return Path(sysconfig.get_paths()["stdlib"])


def library_version() -> str:
    """The version that decides which text it is."""
    return platform.python_version()


def library_files() -> list[Path]:
    """The modules of the standard library, in an order that mixes its packages and is the same on every machine.

    By name alone the last tenth would be nothing but modules about XML and ZIP files: poor validation data.

    Raises:
        DataError: The running Python has them in no folder.
    """
    folder = library_folder()
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not name.startswith(_OF_THIS_MACHINE)]
        found += [
            Path(place) / name for name in files if name.endswith(".py") and not name.startswith(_OF_THIS_MACHINE)
        ]
    if not found:
        raise DataError(f"this Python keeps no sources of its library in {folder}: use --data.file or --data.folder")
    return sorted(found, key=lambda file: _order(file.relative_to(folder).as_posix()))


def _order(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest()

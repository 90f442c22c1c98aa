"""The journal of a search: what happened, a line of JSON each, on the disk before anything follows from it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.errors import UserError


class Journal:
    """Appends events to a file, and reads them back.

    A crash can only cut the last line short; such a line is dropped when the file is opened to be written again.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, **fields: Any) -> dict[str, Any]:
        """Write an event; when this returns, it is on the disk."""
        entry = {"event": event, **fields}
        with open(self.path, "ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return entry

    def repair(self) -> None:
        """Drop a last line that was cut short; only the one that writes may call this."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)

    def read(self) -> list[dict[str, Any]]:
        """All events that are whole.

        Raises:
            UserError: when a line before the last is damaged.
        """
        return list(self._events())

    def _events(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise UserError(f"{self.path}, line {number}: not JSON; restore it or begin a new search.") from None

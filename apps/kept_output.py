"""A file of answers that appears when it is whole; what was written before an interruption is kept, to go on from."""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from apps.console import Console
from apps.errors import Interrupted, UsageError, UserError
from apps.runs.atomic import sync_directory, write_json

KEEP_SECONDS = 2.0


def check_output(arguments: Mapping[str, Any], sources: list[Path]) -> None:
    """Refuse an --output that would destroy something, or a --resume with nothing to go on from.

    Args:
        arguments: The options `output`, `overwrite` and `resume`.
        sources: The files that are read.

    Raises:
        UsageError: naming the option that helps.
    """
    output, resume = arguments.get("output"), bool(arguments.get("resume"))
    if resume and not (output and sources):
        raise UsageError("--resume goes on with a file of answers: give the file that is read, and --output.")
    if not output:
        return
    path = Path(output)
    if any(path.resolve() == source.resolve() for source in sources):
        raise UsageError("--output is the file that is read: choose another name.")
    if arguments.get("overwrite"):
        return
    if path.exists():
        raise UsageError(f"{output} exists already: choose another --output, or add --overwrite.")
    if _part(path).exists() and not resume:
        raise UsageError(
            f"{_part(path)} was left by an interruption: add --resume to go on from it, or --overwrite to begin anew."
        )


def origin_of(source: Path, model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What answers depend on; with another origin they do not go on.

    Args:
        source: The file that is read.
        model: Name, version and fingerprint of the model.
        settings: How it is asked.
    """
    status = source.stat()
    found = {"source": str(source.resolve()), "size": status.st_size, "modified": status.st_mtime_ns, "model": model}
    return {**found, "settings": dict(settings)}


class KeptOutput:
    """The open file of `kept_output`.

    Attributes:
        file: Where answers are written, as bytes.
        done: How many records have their answers in the file already.
    """

    def __init__(self, file: BinaryIO, record: Path, origin: Mapping[str, Any], done: int) -> None:
        self.file = file
        self.done = done
        self._record = record
        self._origin = origin
        self._border = done, file.tell()
        self._kept_at = time.monotonic()

    def reach(self, records: int) -> None:
        """The answers to so many records, from the first one on, are written: from here it could go on."""
        self._border = records, self.file.tell()
        if time.monotonic() - self._kept_at > KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Note down the last border, if anything is written up to it."""
        records, size = self._border
        if records:
            self.file.flush()
            write_json(self._record, {"origin": self._origin, "records": records, "bytes": size})
        self._kept_at = time.monotonic()


@contextlib.contextmanager
def kept_output(path: Path, origin: Mapping[str, Any], resume: bool, console: Console) -> Iterator[KeptOutput]:
    """Open the file of answers; it takes the name `path` when the block ends without an error.

    Until then it is `path` with ".part" added. Beside it a small file says how far it has come, which lets an
    interrupted one go on, even after a kill.

    Args:
        path: The file of answers.
        origin: What they depend on, from `origin_of`.
        resume: Go on from what is there; if nothing is, begin.
        console: Told what has been kept.

    Raises:
        UserError: What is there is damaged, or of another origin.
        Interrupted: The user stopped it; the message says how to go on.
    """
    part = _part(path)
    record = part.with_name(part.name + ".json")
    records, size = _read(part, record, origin) if resume else (0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not records:
        record.unlink(missing_ok=True)
        part.write_bytes(b"")
    else:
        console.note(f"going on after {records:,} records")
    try:
        with open(part, "r+b") as file:
            file.truncate(size)
            file.seek(size)
            kept = KeptOutput(file, record, origin, records)
            try:
                yield kept
            except BaseException:
                with contextlib.suppress(OSError):  # the disk may be full: then the record before holds
                    kept.keep()
                raise
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        message = _left(part, record)
        if message and isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"Interrupted. {message}") from None
        if message:
            console.note(message)
        raise
    os.replace(part, path)
    record.unlink(missing_ok=True)
    sync_directory(path.parent)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _left(part: Path, record: Path) -> str:
    """What to tell of a file that is not whole; one with nothing to go on from is removed."""
    if record.exists():
        return f"What is written is kept in {part}: add --resume to go on."
    with contextlib.suppress(OSError):
        part.unlink()
    return ""


def _read(part: Path, record: Path, origin: Mapping[str, Any]) -> tuple[int, int]:
    """How many records, and bytes, an interrupted file has."""
    if not record.exists():
        return 0, 0
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        records, size = int(found["records"]), int(found["bytes"])
        same = found["origin"] == dict(origin)
        whole = part.stat().st_size >= size
    except (OSError, ValueError, KeyError, TypeError):
        whole = same = False
    if not whole:
        raise UserError(f"{part} cannot be gone on from, it is damaged: leave --resume out and add --overwrite.")
    if not same:
        raise UserError(
            f"{part} was written from another file, model or setting: leave --resume out and add --overwrite."
        )
    return records, size

"""metadata.json: what an exported model says about itself, and the digests that guard its files."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apps.errors import UserError

FILE_NAME = "metadata.json"
SELF_DIGEST = "sha256"
REQUIRED = ("name", "version", "task", "created", "signatures", "files", SELF_DIGEST)


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def self_digest(metadata: Mapping[str, Any]) -> str:
    """The sha256 of the metadata itself, without the field that holds it."""
    fields = {key: value for key, value in metadata.items() if key != SELF_DIGEST}
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def model_files(directory: Path) -> Iterator[str]:
    """The files of a version folder as sorted POSIX paths relative to it, metadata.json left out."""
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory).as_posix()
        if path.is_file() and relative != FILE_NAME:
            yield relative


def seal(directory: Path, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with the digests of all files in `directory` and, last, of itself."""
    sealed = {key: value for key, value in metadata.items() if key != SELF_DIGEST}
    sealed["files"] = {name: file_digest(directory / name) for name in model_files(directory)}
    sealed = json.loads(json.dumps(sealed, ensure_ascii=False))  # tuples become lists before they are digested
    sealed[SELF_DIGEST] = self_digest(sealed)
    return sealed


def write(directory: Path, metadata: Mapping[str, Any]) -> None:
    """Writes metadata.json into a version folder that nobody reads yet."""
    text = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    (directory / FILE_NAME).write_text(text, encoding="utf-8")


def read(directory: Path) -> dict[str, Any]:
    """The metadata of a version folder.

    Raises:
        UserError: when the file is missing, is no JSON or lacks a field that every model has.
    """
    path = directory / FILE_NAME
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{directory} is no exported model: it has no {FILE_NAME}. Export the model again.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Export the model again.") from None
    missing = [key for key in REQUIRED if not isinstance(metadata, dict) or key not in metadata]
    if missing:
        raise UserError(f"{path} lacks the field {missing[0]!r}. Export the model again.")
    return metadata


def problems(directory: Path, metadata: Mapping[str, Any]) -> list[str]:
    """What differs between a version folder and its metadata, one line a file; empty when nothing does."""
    found = []
    if metadata[SELF_DIGEST] != self_digest(metadata):
        found.append(f"changed: {FILE_NAME}")
    expected: Mapping[str, str] = metadata["files"]
    present = set(model_files(directory))
    for name in sorted(expected):
        if name not in present:
            found.append(f"missing: {name}")
        elif file_digest(directory / name) != expected[name]:
            found.append(f"changed: {name}")
    found.extend(f"extra: {name}" for name in sorted(present - set(expected)))
    return found

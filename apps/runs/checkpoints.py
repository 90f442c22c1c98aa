"""Checkpoints on disk: written atomically, named with their digest, and read back only when they are whole."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.errors import UserError
from apps.runs import atomic

FILE_NAME = re.compile(r"step-(\d{8,})-([0-9a-f]{16})\.npz")
PROGRESS = "progress"


@dataclass(frozen=True)
class Checkpoint:
    """What was in a checkpoint file.

    Attributes:
        step: Training steps taken.
        arrays: The state of the model, its optimizer and whatever else counts, by name.
        progress: Where the training was: JSON values.
    """

    step: int
    arrays: dict[str, np.ndarray]
    progress: dict[str, Any]


class CheckpointStore:
    """The checkpoints of one run.

    A file is called `step-<step>-<digest>.npz`, so that its name says whether its content is whole.

    Args:
        folder: Where they are.
        keep: How many of the newest are kept, besides the best.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def save(self, step: int, arrays: Mapping[str, np.ndarray], progress: dict[str, Any], best: int | None) -> Path:
        """Write a checkpoint, then delete those that are neither among the newest nor at step `best`."""
        buffer = io.BytesIO()
        description = np.frombuffer(json.dumps(progress).encode(), dtype=np.uint8)
        np.savez(buffer, **{PROGRESS: description}, **arrays)  # type: ignore[arg-type]
        content = buffer.getvalue()
        path = self.folder / f"step-{step:08d}-{_digest(content)}.npz"
        atomic.write_bytes(path, content)
        newest = sorted({number for number, _ in self._files()}, reverse=True)[: self.keep]
        for number, file in self._files():
            if number not in (*newest, best) or (number == step and file != path):
                file.unlink(missing_ok=True)
        return path

    def load_newest(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that is whole, or None when there is no file at all.

        Args:
            warn: Called with a line for each newer file that is not whole.

        Raises:
            UserError: when there are files and none is whole.
        """
        files = sorted(self._files(), reverse=True)
        for step, path in files:
            checkpoint = _read(step, path)
            if checkpoint is not None:
                return checkpoint
            warn(f"checkpoint {path.name} is corrupt; falling back to the one before it.")
        if files:
            raise UserError(
                f"All {len(files)} checkpoints in {self.folder} are corrupt. Restore one from a copy, or delete that "
                "folder and resume to train from the beginning."
            )
        return None

    def load(self, step: int) -> Checkpoint | None:
        """The checkpoint of one step, or None when it is missing or corrupt."""
        for number, path in self._files():
            if number == step:
                checkpoint = _read(step, path)
                if checkpoint is not None:
                    return checkpoint
        return None

    def newest_step(self) -> int | None:
        """The step of the newest file, whole or not; None when there is none."""
        return max((step for step, _ in self._files()), default=None)

    def _files(self) -> list[tuple[int, Path]]:
        found = []
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                match = FILE_NAME.fullmatch(path.name)
                if match:
                    found.append((int(match[1]), path))
        return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _read(step: int, path: Path) -> Checkpoint | None:
    match = FILE_NAME.fullmatch(path.name)
    try:
        content = path.read_bytes()
        if match is None or _digest(content) != match[2]:
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
    progress = json.loads(arrays.pop(PROGRESS).tobytes())
    return Checkpoint(step, arrays, progress)

"""Event files for TensorBoard: what a run can do without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf


class EventWriter:
    """Writes the figures of epochs for TensorBoard; after a failure it warns once and writes no more.

    Args:
        folder: Where the event files go.
        warn: Called with a line when they cannot be written.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._writer: Any = None
        self._failed = False

    def write(self, entry: dict[str, Any]) -> None:
        """Write the figures of an epoch, an entry of the history."""
        if self._failed:
            return
        try:
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self._folder))
            with self._writer.as_default(step=entry["epoch"]):
                for part in ("train", "validation"):
                    for name, value in entry.get(part, {}).items():
                        tf.summary.scalar(f"{part}/{name}", value)
                tf.summary.scalar("learning_rate", entry["learning_rate"])
            self._writer.flush()
        except (OSError, tf.errors.OpError) as error:
            self._failed = True
            self._warn(f"no more event files for TensorBoard: {' '.join(str(error).split())}")

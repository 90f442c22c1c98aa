"""Tiny models for many pages, each exported once however many processes run the tests."""

import shutil
import time
from pathlib import Path

from ..language_models import export_language_model
from ..translation_models import export_translator
from .cell_models import export_cells_model

MAKERS = {
    "writer": lambda directory: export_language_model(directory, name="writer"),
    "poet": lambda directory: export_language_model(directory, name="poet", units=8),
    "interpreter": lambda directory: export_translator(directory, "interpreter"),
    "attentive": lambda directory: export_translator(directory, "attentive", "rnn_attention", seed=1),
    "linguist": lambda directory: export_translator(directory, "linguist", "rnn", seed=1),
    "cells": export_cells_model,
}


class Gallery:
    """Models by name.

    Args:
        folder: Where they are made, the same for all processes.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def copy(self, directory: Path, *names: str) -> Path:
        """Put models into a folder of models; returns it."""
        for name in names:
            self._make(name)
            shutil.copytree(self._folder / name / name, directory / name)
        return directory

    def _make(self, name: str) -> None:
        made = self._folder / f"{name}.made"
        try:
            (self._folder / name).mkdir()
        except FileExistsError:  # another process makes it, or has made it
            for _ in range(3000):
                if made.exists():
                    return
                time.sleep(0.1)
            raise TimeoutError(f"{name} was not made: see the failures of other processes") from None
        MAKERS[name](self._folder / name)
        made.touch()

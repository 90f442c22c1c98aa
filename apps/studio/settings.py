"""What the studio is told when it starts, and the limits it keeps."""

import argparse
import sys
from collections.abc import Sequence

MAX_CHARACTERS = 50_000
"""The longest text that is read; a novel chapter has about 25,000 characters."""

MAX_LANGUAGE_CHARACTERS = 10_000
"""The longest text that a language model reads here: each character is a step."""

MAX_SENTENCE_CHARACTERS = 1_000
"""The longest text that is translated at a time."""

MAX_CELL_CHARACTERS = 400
"""How much of a text the cells are shown with; the rest is cut."""

MAX_TRANSLATED_ROWS = 500
"""How many rows of a CSV file are translated at most."""

MAX_READ_ROWS, MAX_READ_CHARACTERS = 500, 2_000
"""How many rows of a CSV file language models read at most, and how much of each."""

MAX_ROWS = 20_000
DEFAULT_ROWS = 1_000
"""How many rows of a CSV file are classified at most, and if nobody says otherwise."""

BATCH_SIZE = 32

MAX_MODELS = 4
"""How many models are in memory at a time; the one that was not used for longest goes."""

MAX_SECONDS = 60.0
"""How long a prediction may wait for its turn, and how long it may take; more for the first of a model."""

PREDICTIONS_AT_ONCE = 4
"""How many predictions are made at a time, for all visitors together."""

MAX_RUNS = 200
"""How many runs are listed, the newest ones."""


DEFAULT_RUNS, DEFAULT_SEARCHES = "runs", "searches"
"""Where runs and searches are looked for if nobody says otherwise."""


def models_folder(arguments: Sequence[str] | None = None) -> str | None:
    """The folder of models that `--models.dir` names among the script's arguments, if it does."""
    return _options(arguments).models


def runs_folder(arguments: Sequence[str] | None = None) -> str:
    """The folder of all runs: what `--runs.dir` names among the script's arguments, else `runs`."""
    return _options(arguments).runs


def searches_folder(arguments: Sequence[str] | None = None) -> str:
    """The folder of all searches: what `--searches.dir` names among the script's arguments, else `searches`."""
    return _options(arguments).searches


def read_only(arguments: Sequence[str] | None = None) -> bool:
    """Whether the studio was started with `--read_only`, and so starts no training."""
    return _options(arguments).read_only


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--models.dir", dest="models")
    parser.add_argument("--runs.dir", dest="runs", default=DEFAULT_RUNS)
    parser.add_argument("--searches.dir", dest="searches", default=DEFAULT_SEARCHES)
    parser.add_argument("--read_only", action="store_true")
    known, _ = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    return known

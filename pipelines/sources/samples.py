"""The small data sets of this project: no download, no network."""

import sys
from pathlib import Path

from pipelines.errors import DataError


def samples_folder() -> Path:
    """Where samples/ is: next to the packages in a checkout, under share/keras-seq in an installation.

    Raises:
        DataError: It is in neither place.
    """
    places = [Path(__file__).resolve().parents[2] / "samples", Path(sys.prefix) / "share" / "keras-seq" / "samples"]
    for place in places:
        if place.is_dir():
            return place
    raise DataError("the folder samples/ is missing: run from a checkout of keras-seq, or give your own --data.csv")

"""A search does not grow with its trials, so that it survives a night."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apps.runs.training_config import TrainingConfig
from apps.tuning.space import Range, Space

TRIALS, FIRST_LOOK = 200, 50
# What a trial keeps in the parent is its values, its curve, and its part of the oracle: some ten kilobytes.
ALLOWED_BYTES = 4 * 2**20
# The smallest process that leaves what a training does.
TRAINING = """
mkdir -p "$1" && cp "$1/trial.yaml" "$1/config.yaml"
echo '{"epoch": 1, "train": {"loss": 1.0}, "validation": {"accuracy": 0.'$2'}}' > "$1/metrics.jsonl"
"""


@dataclass(frozen=True)
class Config:
    """A task's configuration that is quickly made.

    Attributes:
        width: A number.
        training: The usual options.
    """

    width: float = 0.5
    training: TrainingConfig = field(default_factory=TrainingConfig)


def resident_bytes():
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, runs sh")
def test_memory_is_flat_over_200_trials(make_search):
    looks = {}

    def look(trial, records):
        looks[len(records.trials)] = resident_bytes()

    space = Space([Range("width", 0.0, 1.0)], Config())
    search = make_search(trials=TRIALS, tell=look, keep=1, space=space)
    search._command = lambda run, resume: ["sh", "-c", TRAINING, "sh", str(run), f"{int(run.name) * 7919 % 1000:03d}"]
    records = search.run()
    assert [trial.status for trial in records.searched] == ["completed"] * TRIALS
    assert len({trial.score for trial in records.searched}) == TRIALS
    assert looks[TRIALS] - looks[FIRST_LOOK] < ALLOWED_BYTES

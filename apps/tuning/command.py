"""The command of a trial: `keras-seq train` in a run folder of the search."""

import sys
from pathlib import Path


def train_command(run: Path, resume: bool) -> list[str]:
    """What trains the trial whose settings are in `trial.yaml` of its run folder, or goes on with it."""
    what = ["--resume"] if resume else ["--config", str(run / "trial.yaml")]
    root, task, name = str(run.parent.parent), run.parent.name, run.name
    return [sys.executable, "-m", "apps.tuning.child", "train", task, *what, "--runs.dir", root, "--name", name]

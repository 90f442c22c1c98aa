"""Searches around a configuration of sentiment, whose trainings are fake."""

import json
import sys
from pathlib import Path

from apps.sentiment import Config
from apps.settings import build_config
from apps.tuning.chief import Chief
from apps.tuning.config import TunerConfig
from apps.tuning.folder import SearchFolder
from apps.tuning.objective import Objective
from apps.tuning.search import Search
from apps.tuning.space import Choice, Range, Space
from apps.tuning.worker import TrialWorker

FAKE_TRIAL = Path(__file__).with_name("fake_trial.py")
PARAMETERS = (
    Choice("model.layers", (1, 0)),
    Choice("model.units", (32, 64, 128), when={"model.layers": (1,)}),
    Range("model.word_dropout", 0.0, 0.5),
)


def fake_space(**settings):
    names = {"model.word_dropout": 0.1, "training.epochs": 4, "training.min_steps": 0, **settings}
    return Space(PARAMETERS, build_config(Config, names))


def fake_command(behaviour_file):
    def command(run, resume):
        return [sys.executable, "-S", str(FAKE_TRIAL), str(run), str(behaviour_file), *(["--resume"] if resume else [])]

    return command


def fake_search(
    root, behaviour=None, objective="accuracy", tell=lambda trial, records: None, address=None, space=None, **options
):
    folder = SearchFolder(root, "sentiment", "search")
    folder.path.mkdir(parents=True, exist_ok=True)
    behaviour_file = folder.path / "behaviour.json"
    behaviour_file.write_text(json.dumps(behaviour or {}))
    config = TunerConfig(**{"trials": 6, "median_stop": False, **options})
    given = (folder, config, space or fake_space(), Objective(objective), fake_command(behaviour_file), tell)
    search = Chief(*given, pause=0.01, address=address) if address else Search(*given, pause=0.01)
    search.folder = folder
    return search


if __name__ == "__main__":  # in a process of its own, to be killed: a search, or with an address a chief's worker
    given: dict = globals()["given"]
    place = Path(given["root"])
    if given["address"]:
        place.mkdir()
        (place / "behaviour.json").write_text(json.dumps(given["options"]))
        TrialWorker(given["address"], place, "sentiment", fake_command(place / "behaviour.json")).run()
    else:
        fake_search(place, **given["options"]).run()

"""What takes the place of a training: writes the files of a run, with figures that follow from its settings.

    python fake_trial.py RUN_FOLDER BEHAVIOUR_FILE [--resume]

The behaviour file has, by the name of the run, how it goes wrong.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

# Nothing that takes long to import: there are hundreds of these.
sys.path.insert(0, str(Path(__file__).parents[3]))
from apps.tuning.child import end_with_parent

end_with_parent()
folder, behaviour = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
settings: dict[str, dict[str, str]] = {}
for line in (folder / "trial.yaml").read_text().splitlines():
    name, _, value = line.partition(":")
    if line.startswith(" "):
        section[name.strip()] = value.strip()  # noqa: F821
    else:
        section = settings.setdefault(name, {})
(folder / "config.yaml").write_text((folder / "trial.yaml").read_text())
how = behaviour.get(folder.name, behaviour.get("all", "well"))
first_time = not (folder / "tried").exists()
(folder / "tried").touch()
with open(folder.parent / "started.txt", "a") as file:
    file.write(folder.name + "\n")
if how == "crashes" or (how == "crashes once" and first_time):
    print("keras-seq: It broke.", file=sys.stderr)
    print("noise after the error", file=sys.stderr)
    sys.exit(1)
if how == "is killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "runs out of memory":
    sys.exit("keras-seq: Out of memory: use smaller batches.")
if how == "diverges":
    sys.exit("keras-seq: The loss is no longer a number in epoch 1 of 4.")
if how == "waits once" and first_time:
    time.sleep(100)
if how == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(100)
model, training = settings["model"], settings["training"]
units, word_dropout, seed = int(model["units"]), float(model["word_dropout"]), int(training["seed"])
goal = 1.0 - abs(units - 64) / 200 - abs(word_dropout - 0.25) - 100 * abs(seed - 1) / 1e6
history = []
for epoch in range(1, int(training["epochs"]) + 1):
    value = goal * (1 - 0.5**epoch) if how != "gives NaN" else float("nan")
    history.append({"epoch": epoch, "train": {"loss": 1 / epoch}, "validation": {"accuracy": value}, "seconds": epoch})
    (folder / "writing").write_text("".join(json.dumps(entry) + "\n" for entry in history))
    os.replace(folder / "writing", folder / "metrics.jsonl")
    time.sleep(0.5 if how == "is slow" else 0.0)
report = {"parameters": units**2, "metrics": {"validation": {"chrf": goal}}}
(folder / "report.json").write_text(json.dumps(report))

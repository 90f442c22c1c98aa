"""How good is this project's sentiment classifier on IMDB, and what does it cost, beside the usual small models?

    python benchmarks/imdb.py --data.dir FOLDER_OF_TFDS
    python benchmarks/imdb.py --only bigrams naive-bayes
    python benchmarks/imdb.py --run runs/sentiment/run-1

Rows: `ours`, what `keras-seq train sentiment` trains (with --config, from a file of settings); `keras`, the model of
the Keras example; `tensorflow`, the model of the TensorFlow tutorial; `bigrams` and `naive-bayes`, linear models. All
have the same training, validation and test reviews, and each is tested once, after every choice has been made.

Each row is measured in a process of its own and written to the folder of --out as it ends. The same command goes on
where an interrupted one stopped; --fresh starts over. At the end: a table in Markdown (table.md) and all figures
(results.json).
"""

import argparse
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from imdb_table import environment, table_of

from apps import sentiment
from apps.cli import explain
from apps.errors import UsageError, UserError
from apps.runs import atomic
from apps.runs.folder import RunFolder
from apps.settings import build_config, differences, flatten, read_settings, to_settings
from pipelines.errors import DataError
from pipelines.sources.tfds import data_folder, find_prepared

TITLES = {
    "ours": "keras-seq train sentiment",
    "keras": "Keras example: two bidirectional LSTMs",
    "tensorflow": "TensorFlow tutorial: bidirectional LSTM",
    "bigrams": "Words and bigrams, logistic regression",
    "naive-bayes": "The same with Naive Bayes log-count ratios",
}
RECURRENT = ("ours", "keras", "tensorflow")
# Settings of a run that do not change what it learns.
HARMLESS = {"data.dir", "training.checkpoint_seconds", "training.tensorboard", "explain_steps"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be measured, and where the results go."""

    config: sentiment.Config
    config_file: str | None
    epochs: int | None
    run: RunFolder
    run_is_given: bool
    out: Path

    def settings(self, row: str) -> dict[str, Any]:
        """What the figures of a row depend on."""
        data = self.config.data
        settings: dict[str, Any] = {"limit": data.limit, "validation_fraction": data.validation_fraction}
        settings["seed"] = self.config.training.seed
        if row in RECURRENT:
            settings["epochs"] = self.epochs
        if row == "ours":
            flat = flatten(json.loads(json.dumps(to_settings(self.config))))
            settings.update({name: value for name, value in flat.items() if name not in HARMLESS})
        return settings

    def result_file(self, row: str) -> Path:
        return self.out / "rows" / f"{row}.json"

    def read(self, row: str) -> dict[str, Any] | None:
        """The figures of a row measured before; None if there are none.

        Raises:
            UserError: when they were measured with other settings.
        """
        path = self.result_file(row)
        if not path.exists():
            return None
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            before = result["settings"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path} is not a result of this benchmark: delete it, or use --fresh.") from None
        now = self.settings(row)
        changed = [name for name in now | before if now.get(name) != before.get(name)]
        if changed:
            raise UserError(
                f"{path} was measured with {changed[0]} = {before.get(changed[0])!r}, not {now.get(changed[0])!r}: "
                "choose another folder with --out, or replace it with --fresh."
            )
        return result


def main() -> int:
    """Measure what is missing, then write the table."""
    options = parse_options()
    try:
        plan = make_plan(options)
        if options.fresh:
            remove(plan, options.only)
        done = {row: plan.read(row) for row in TITLES}
        for row in options.only:
            if done[row] is not None:
                print(f"{row}: measured before", flush=True)
                continue
            print(f"{row}: {TITLES[row]}", flush=True)
            figures = measure_ours(plan) if row == "ours" else measure_baseline(plan, row)
            done[row] = {"row": row, "title": TITLES[row], "settings": plan.settings(row), **figures, **environment()}
            atomic.write_json(plan.result_file(row), done[row])
            print(f"{row}: validation {figures['validation']:.4f}, test {figures['test']:.4f}", flush=True)
        print("\n" + write_results(plan, [result for result in done.values() if result is not None]))
    except (UserError, DataError, OSError, KeyboardInterrupt) as error:
        line, code = explain(error)
        print(f"error: {line}", file=sys.stderr)
        return code
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument(
        "--only", nargs="+", choices=list(TITLES), default=list(TITLES), metavar="ROW", help="some rows"
    )
    parser.add_argument("--data.dir", dest="data_dir", metavar="DIR", help="folder of prepared TensorFlow Datasets")
    parser.add_argument("--config", metavar="FILE", help="settings of our row; its seed and split hold for all rows")
    parser.add_argument("--run", metavar="DIR", help="a finished run folder to take for our row")
    parser.add_argument("--out", metavar="DIR", default="runs/benchmarks/imdb", help="where the results go")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before (of --only)")
    parser.add_argument("--limit", type=int, metavar="N", help="only so many training and test reviews, for a trial")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of the recurrent networks, for a trial")
    options = parser.parse_args()
    if options.epochs is not None and options.epochs < 1:
        parser.error("--epochs must be at least 1")
    options.only = list(dict.fromkeys(options.only))
    return options


def make_plan(options: argparse.Namespace) -> Plan:
    given: dict[str, Any] = read_settings(options.config, sentiment.Config) if options.config else {}
    given.update(trial_settings(options.limit, options.data_dir, options.epochs))
    config = build_config(sentiment.Config, given, options.config or "")
    if config.data.resolved_source != "tfds" or config.data.name.partition(":")[0] not in (
        "imdb_reviews",
        "imdb_reviews/plain_text",
    ):
        raise UsageError(f"This benchmark is about IMDB: take the data settings out of {options.config}.")
    if not config.data.validation_fraction:
        raise UsageError("data.validation_fraction must be above 0: every row is chosen by validation.")
    root = data_folder(config.data)
    if find_prepared(root, config.data.name) is None:
        raise UserError(
            f"There is no imdb_reviews in {root}: name the folder that holds it with --data.dir or TFDS_DATA_DIR, or "
            "have `keras-seq train sentiment` download it."
        )
    out = Path(options.out)
    folder = RunFolder(out / "runs", "sentiment", "ours")
    if options.run:
        path = Path(options.run).resolve()
        folder = RunFolder(path.parent.parent, path.parent.name, path.name).require()
        if folder.task != "sentiment" or not is_finished(folder):
            raise UserError(
                f"{options.run} is not a finished run of keras-seq train sentiment: finish it, or leave it out."
            )
    return Plan(config, options.config, options.epochs, folder, bool(options.run), out)


def trial_settings(limit: int | None, data_dir: str | None, epochs: int | None) -> dict[str, Any]:
    """Options of this benchmark as settings of a run."""
    settings = {"data.limit": limit, "data.dir": data_dir, "training.epochs": epochs}
    settings["training.min_steps"] = None if epochs is None else 0
    return {name: value for name, value in settings.items() if value is not None}


def remove(plan: Plan, rows: list[str]) -> None:
    for row in rows:
        plan.result_file(row).unlink(missing_ok=True)
    if "ours" in rows and not plan.run_is_given and plan.run.path.exists():
        plan.run.lock()  # nobody may be training in it
        plan.run.unlock()
        shutil.rmtree(plan.run.path)


def is_finished(folder: RunFolder) -> bool:
    return folder.state == "finished" and (folder.path / "report.json").is_file()


def measure_ours(plan: Plan) -> dict[str, Any]:
    """Train with the command, or take the run that is there, and measure it on the test reviews."""
    folder, data = plan.run, plan.config.data
    if folder.exists:
        for name, run, wanted in differences(folder.read_config(sentiment.Config), plan.config):
            if name not in HARMLESS:
                raise UserError(
                    f"The run {folder.path} has {name} = {run!r}, not {wanted!r}: give its settings with --config, or "
                    "start over with --fresh."
                )
    place = ["--runs.dir", str(folder.path.parent.parent)]
    if not is_finished(folder):
        changed = trial_settings(data.limit, data.dir, plan.epochs)
        if folder.exists:  # the run knows its settings
            words = ["--resume"]
        else:
            words = ["--config", plan.config_file] if plan.config_file else []
            words += [word for name, value in changed.items() for word in (f"--{name}", str(value))]
        run_process([sys.executable, "-m", "apps", "train", "sentiment", "--name", folder.name, *place, *words])
    report = folder.read_json("report.json")
    test = report["metrics"].get("test")
    if test is None:
        # Named one by one, since the folder of the data need not be the one of the training.
        default = flatten(to_settings(sentiment.Config().data))
        chosen = {name: value for name, value in flatten(to_settings(data)).items() if value != default[name]}
        words = [word for name, value in chosen.items() for word in (f"--data.{name}", str(value))]
        command = [sys.executable, "-m", "apps", "evaluate", "sentiment", "--run", folder.name, *place, *words]
        test = json.loads(run_process([*command, "--split", "test", "--json"], capture=True))
    return {
        "parameters": report["parameters"],
        "seconds": report["seconds"],
        "validation": report["metrics"]["validation"]["accuracy"],
        "test": test["accuracy"],
        "data": {"digests": report["data"]["report"]["digests"], "rows": report["data"]["rows"]},
        "details": {
            "epochs": report["epochs"],
            "chosen_epoch": report["best"]["epoch"],
            "validation_of_epochs": [entry["validation"]["accuracy"] for entry in report["history"]],
        },
    }


def measure_baseline(plan: Plan, row: str) -> dict[str, Any]:
    """Have a process of its own measure a row."""
    data = dataclasses.asdict(plan.config.data)
    job = {"row": row, "data": data, "seed": plan.config.training.seed, "epochs": plan.epochs}
    target = plan.out / "rows" / f".{row}.figures"
    target.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("imdb_baselines.py")
    try:
        run_process([sys.executable, str(script), json.dumps(job), str(target)])
        return json.loads(target.read_text(encoding="utf-8"))
    finally:
        target.unlink(missing_ok=True)


def run_process(command: list[str], capture: bool = False) -> str:
    """Run a command to its end, and give it the time to end well when this process is asked to stop.

    Returns:
        What it wrote to standard output, with `capture`.

    Raises:
        SystemExit: with its exit code, when it failed; it has said why.
        UserError: when something ended it.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE if capture else None, text=True)
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),  # a terminal tells both
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
    }
    try:
        output, _ = process.communicate()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise UserError(f"The process that measures was ended by {name}: the same command goes on with this row.")
    if process.returncode:
        raise SystemExit(process.returncode)
    return output or ""


def write_results(plan: Plan, results: list[dict[str, Any]]) -> str:
    """Write results.json and table.md, and return the latter."""
    trial = results[0]["settings"]["limit"] is not None or plan.epochs is not None
    text = table_of(results, trial, own_vectors=plan.config.model.embedding_start == "cooccurrence")
    atomic.write_json(plan.out / "results.json", {"rows": results})
    atomic.write_text(plan.out / "table.md", text)
    return text


if __name__ == "__main__":
    sys.exit(main())

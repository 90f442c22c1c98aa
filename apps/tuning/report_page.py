"""What is said of a search: its summary, the sections of its report, and the page of them.

Knows no files and no configurations, so that the studio draws the same while a search runs.
"""

import html
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.tuning.charts import Charts
from apps.tuning.importance import importance
from apps.tuning.objective import Objective
from apps.tuning.parameter import Parameter, shown
from apps.tuning.record import SearchRecords, TrialRecord

BEST_FILE = "best.yaml"
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1c1917; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .4rem; }}
p {{ margin: .3rem 0; color: #57534e; }}
svg {{ max-width: 100%; height: auto; overflow: visible; font: 11px system-ui, sans-serif; fill: #57534e; }}
.axis {{ stroke: #a8a29e; fill: none; }} .grid {{ stroke: #f0eeec; fill: none; }} .label {{ font-weight: 600; }}
svg text {{ paint-order: stroke; stroke: #fff; stroke-width: 3px; }}
.dot {{ stroke: #fff; stroke-width: .7; }}
svg polyline:hover {{ stroke: #b45309; stroke-width: 3; }} .dot:hover {{ fill: #b45309; }}
.row {{ display: flex; flex-wrap: wrap; gap: 12px; }} .wide {{ overflow-x: auto; }} .wide svg {{ max-width: none; }}
table {{ border-collapse: collapse; font-size: 13px; }} th {{ text-align: left; color: #57534e; }}
th, td {{ padding: 3px 12px 3px 0; border-bottom: 1px solid #e7e5e4; vertical-align: top; }}
pre {{ background: #f5f5f4; padding: .8rem; overflow-x: auto; }}
</style></head><body>
"""


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        heading: Its title.
        line: What to know to read it.
        body: HTML; empty if there is nothing to show.
        kind: `row`, `wide` or nothing: how its drawings are laid out.
    """

    heading: str
    line: str
    body: str
    kind: str = ""


def summarize(
    records: SearchRecords, parameters: Sequence[Parameter], objective: Objective, algorithm: str
) -> dict[str, Any]:
    """The figures of a search, as JSON values."""
    ranking = records.ranking(objective)
    return {
        "algorithm": algorithm,
        "objective": objective.name,
        "direction": objective.direction,
        "hours": round(records.seconds / 3600, 4),
        "counts": _counts(records),
        "importance": importance(ranking, parameters),
        "best": trial_row(ranking[0]) if ranking else None,
        "reruns": _reruns(records, ranking),
        "trials": [trial_row(trial) | {"curve": trial.curve} for trial in records.trials.values()],
    }


def _counts(records: SearchRecords) -> dict[str, int]:
    counts = dict.fromkeys(("completed", "stopped", "failed", "running"), 0)
    for trial in records.searched:
        counts[trial.status] += 1
    return counts


def trial_row(trial: TrialRecord) -> dict[str, Any]:
    """What a report says of a trial."""
    return {
        "trial": trial.name,
        "status": trial.status,
        "score": trial.score,
        "seconds": round(trial.seconds, 1),
        "epochs": len(trial.curve) or trial.epochs,
        "parameters": trial.parameters,
        "kind": trial.kind,
        "error": trial.error,
        "rerun_of": trial.of,
        "same_as": trial.same_as,
        "values": trial.values | ({"training.seed": trial.seed} if trial.seed is not None else {}),
    }


def _reruns(records: SearchRecords, ranking: Sequence[TrialRecord]) -> list[dict[str, Any]]:
    """Mean and spread of the settings that were trained with several seeds, the first one included."""
    rows = []
    for trial in ranking:
        scores = [other.score for other in (trial, *records.reruns_of(trial.name)) if other.score is not None]
        if len(scores) > 1:
            rows.append(
                {
                    "trial": trial.name,
                    "scores": scores,
                    "mean": statistics.fmean(scores),
                    "standard_deviation": statistics.stdev(scores),
                    "least": min(scores),
                    "greatest": max(scores),
                }
            )
    return rows


def page(
    task: str,
    name: str,
    records: SearchRecords,
    parameters: Sequence[Parameter],
    objective: Objective,
    summary: dict[str, Any],
) -> str:
    """The report as one HTML page that opens offline.

    Args:
        task: The task's name.
        name: The search's name.
        records: Its trials.
        parameters: What is searched.
        objective: The figure searched by.
        summary: What `summarize` has made of them.
    """
    title = f"{task}: search {name}"
    counts = ", ".join(f"{count} {status}" for status, count in summary["counts"].items() if count)
    parts = [HEAD.format(title=html.escape(title)), f"<h1>{html.escape(title)}</h1>"]
    parts.append(
        f"<p>{summary['algorithm']} search by validation {objective.name} ({_wish(objective)}); "
        f"{len(parameters)} settings; trials: {counts}; {summary['hours']:.2f} hours.</p>"
    )
    ranking = records.ranking(objective)
    if ranking:
        parts.append(_best(task, ranking[0], objective))
    parts.append(fragment(sections(records, parameters, objective, summary)))
    return "\n".join([*parts, "</body></html>\n"])


def fragment(chosen: Sequence[Section]) -> str:
    """Some sections as HTML, to be put after `HEAD`."""
    return "\n".join(
        f"<h2>{section.heading}</h2><p>{html.escape(section.line)}</p><div class='{section.kind}'>{section.body}</div>"
        for section in chosen
    )


def sections(
    records: SearchRecords, parameters: Sequence[Parameter], objective: Objective, summary: dict[str, Any]
) -> list[Section]:
    """The sections that have something to show."""
    charts = Charts(records, parameters, objective)
    ranking = records.ranking(objective)
    made = [
        Section(
            "Best so far", "Each dot is a trial when it ended; the line is the best until then.", charts.history(), ""
        ),
        Section("What matters", _about_importance(summary), charts.importance(summary["importance"]), ""),
        Section("Setting by setting", "Stronger colours are better trials.", "".join(charts.slices()), "row"),
        Section("All together", "A line is a trial; point at it for its values.", charts.parallel(), "wide"),
        Section("Learning curves", "The stronger the colour, the better the trial.", charts.curves(), ""),
        Section(
            "Quality and cost",
            "To the upper left is better." if objective.direction == "max" else "To the lower left is better.",
            charts.cost("seconds", "seconds") + charts.cost("parameters", "parameters of the model"),
            "row",
        ),
        Section("Luck", "The same settings with other seeds.", _rerun_table(summary), ""),
        Section("Workers", "Green: completed; grey: stopped early; brown: failed.", charts.timeline(), ""),
        Section("Failures", "", _failure_table(records), ""),
        Section("All trials", "The best first.", _trial_table(records, ranking), "wide"),
    ]
    return [section for section in made if section.body]


def _wish(objective: Objective) -> str:
    return "lower is better" if objective.direction == "min" else "higher is better"


def _best(task: str, best: TrialRecord, objective: Objective) -> str:
    values = "\n".join(f"{name}: {shown(value)}" for name, value in best.values.items())
    command = f"keras-seq train {task} --config {BEST_FILE}"
    return (
        f"<h2>The best: trial {best.name}, {objective.name} {best.score:.5g}</h2>"
        f"<pre>{html.escape(values)}</pre><p>All of its settings are in <code>{BEST_FILE}</code>: "
        f"<code>{html.escape(command)}</code></p>"
    )


def _about_importance(summary: dict[str, Any]) -> str:
    explained = sum(summary["importance"].values())
    return (
        f"A small forest explains {100 * explained:.0f} % of the variance of the trials' ranks; so much of that "
        "is due to each setting. With few trials this says little."
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape('' if cell is None else shown(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rerun_table(summary: dict[str, Any]) -> str:
    rows = [
        [row["trial"], len(row["scores"]), row["mean"], row["standard_deviation"], row["least"], row["greatest"]]
        for row in summary["reruns"]
    ]
    return _table(["trial", "seeds", "mean", "standard deviation", "least", "greatest"], rows)


def _failure_table(records: SearchRecords) -> str:
    rows = [[t.name, t.kind, t.error, t.seconds] for t in records.trials.values() if t.status == "failed"]
    return _table(["trial", "how", "last line", "seconds"], rows)


def _trial_table(records: SearchRecords, ranking: Sequence[TrialRecord]) -> str:
    others = [trial for trial in records.trials.values() if trial not in ranking]
    rows = []
    for trial in [*ranking, *others]:
        values = ", ".join(f"{name} {shown(value)}" for name, value in trial.values.items())
        cost = [len(trial.curve) or trial.epochs, round(trial.seconds), trial.parameters]
        rows.append([trial.name, trial.status, trial.score, *cost, values])
    return _table(["trial", "status", "score", "epochs", "seconds", "parameters", "values"], rows)

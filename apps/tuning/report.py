"""The report of a search: one HTML page that opens offline, and the same as CSV and JSON."""

import csv
import html
import io
import statistics
from collections.abc import Sequence
from typing import Any

from apps.runs import atomic
from apps.runs.folder import timestamp
from apps.tuning.charts import Charts
from apps.tuning.folder import SearchFolder
from apps.tuning.importance import importance
from apps.tuning.objective import Objective
from apps.tuning.record import SearchRecords, TrialRecord
from apps.tuning.space import Space, shown

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1c1917; max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin: 2rem 0 .4rem; }}
p {{ margin: .3rem 0; color: #57534e; }}
svg {{ max-width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: #57534e; }}
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


def write_report(
    folder: SearchFolder, records: SearchRecords, space: Space, objective: Objective, algorithm: str
) -> dict[str, Any]:
    """Write `report.html`, `report.csv` and `report.json` into the folder of a search.

    Returns:
        What `report.json` holds.
    """
    ranking = records.ranking(objective)
    shares = importance(ranking, space.parameters)
    summary = {
        "task": folder.task,
        "name": folder.name,
        "written": timestamp(),
        "algorithm": algorithm,
        "objective": objective.name,
        "direction": objective.direction,
        "hours": round(records.seconds / 3600, 4),
        "counts": _counts(records),
        "importance": shares,
        "best": _row(ranking[0]) if ranking else None,
        "reruns": _reruns(records, ranking),
        "trials": [_row(trial) | {"curve": trial.curve} for trial in records.trials.values()],
    }
    atomic.write_json(folder.path / "report.json", summary)
    atomic.write_text(folder.path / "report.csv", _csv(records, space))
    atomic.write_text(folder.path / "report.html", _page(folder, records, space, objective, summary))
    return summary


def _counts(records: SearchRecords) -> dict[str, int]:
    counts = dict.fromkeys(("completed", "stopped", "failed", "running"), 0)
    for trial in records.searched:
        counts[trial.status] += 1
    return counts


def _row(trial: TrialRecord) -> dict[str, Any]:
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


def _csv(records: SearchRecords, space: Space) -> str:
    names = [parameter.name for parameter in space.parameters]
    output = io.StringIO()
    rows = [_row(trial) for trial in records.trials.values()]
    columns = ["trial", "status", "score", "seconds", "epochs", "parameters", "kind", "error", "rerun_of", "same_as"]
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([*columns, *names, "training.seed"])
    for row in rows:
        values = row["values"]
        writer.writerow(
            ["" if row[column] is None else row[column] for column in columns]
            + [shown(values[name]) if name in values else "" for name in (*names, "training.seed")]
        )
    return output.getvalue()


def _page(
    folder: SearchFolder, records: SearchRecords, space: Space, objective: Objective, summary: dict[str, Any]
) -> str:
    charts = Charts(records, space.parameters, objective)
    title = f"{folder.task}: search {folder.name}"
    counts = ", ".join(f"{count} {status}" for status, count in summary["counts"].items() if count)
    parts = [HEAD.format(title=html.escape(title)), f"<h1>{html.escape(title)}</h1>"]
    parts.append(
        f"<p>{summary['algorithm']} search by validation {objective.name} ({_wish(objective)}); "
        f"{len(space.parameters)} settings; trials: {counts}; {summary['hours']:.2f} hours.</p>"
    )
    ranking = records.ranking(objective)
    if ranking:
        parts.append(_best(folder, ranking[0], objective))
    sections = [
        ("Best so far", "Each dot is a trial when it ended; the line is the best until then.", charts.history(), ""),
        ("What matters", _about_importance(summary), charts.importance(summary["importance"]), ""),
        ("Setting by setting", "Stronger colours are better trials.", "".join(charts.slices()), "row"),
        ("All together", "A line is a trial; point at it for its values.", charts.parallel(), "wide"),
        ("Learning curves", "The stronger the colour, the better the trial.", charts.curves(), ""),
        (
            "Quality and cost",
            "To the upper left is better." if objective.direction == "max" else "To the lower left is better.",
            charts.cost("seconds", "seconds") + charts.cost("parameters", "parameters of the model"),
            "row",
        ),
        ("Luck", "The same settings with other seeds.", _rerun_table(summary), ""),
        ("Workers", "Green: completed; grey: stopped early; brown: failed.", charts.timeline(), ""),
        ("Failures", "", _failure_table(records), ""),
        ("All trials", "The best first.", _trial_table(records, ranking), "wide"),
    ]
    for heading, line, body, kind in sections:
        if body:
            parts.append(f"<h2>{heading}</h2><p>{html.escape(line)}</p><div class='{kind}'>{body}</div>")
    return "\n".join([*parts, "</body></html>\n"])


def _wish(objective: Objective) -> str:
    return "lower is better" if objective.direction == "min" else "higher is better"


def _best(folder: SearchFolder, best: TrialRecord, objective: Objective) -> str:
    values = "\n".join(f"{name}: {shown(value)}" for name, value in best.values.items())
    command = f"keras-seq train {folder.task} --config {folder.best_file.name}"
    return (
        f"<h2>The best: trial {best.name}, {objective.name} {best.score:.5g}</h2>"
        f"<pre>{html.escape(values)}</pre><p>All of its settings are in <code>best.yaml</code>: "
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

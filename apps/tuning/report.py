"""The report of a search: one HTML page that opens offline, and the same as CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from apps.runs import atomic
from apps.runs.folder import timestamp
from apps.tuning.folder import SearchFolder
from apps.tuning.objective import Objective
from apps.tuning.parameter import Parameter, shown
from apps.tuning.record import SearchRecords
from apps.tuning.report_page import page, summarize, trial_row


def write_report(
    folder: SearchFolder, records: SearchRecords, parameters: Sequence[Parameter], objective: Objective, algorithm: str
) -> dict[str, Any]:
    """Write `report.html`, `report.csv` and `report.json` into the folder of a search.

    Returns:
        What `report.json` holds.
    """
    about = {"task": folder.task, "name": folder.name, "written": timestamp()}
    summary = about | summarize(records, parameters, objective, algorithm)
    atomic.write_json(folder.path / "report.json", summary)
    atomic.write_text(folder.path / "report.csv", _csv(records, parameters))
    content = page(folder.task, folder.name, records, parameters, objective, summary)
    atomic.write_text(folder.path / "report.html", content)
    return summary


def _csv(records: SearchRecords, parameters: Sequence[Parameter]) -> str:
    names = [parameter.name for parameter in parameters]
    output = io.StringIO()
    rows = [trial_row(trial) for trial in records.trials.values()]
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

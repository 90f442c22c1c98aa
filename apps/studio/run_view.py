"""What is drawn of runs: their list, their facts and their curves. All text is escaped."""

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd

from apps.studio import runs
from apps.studio.metric_view import facts as fact_grid
from apps.studio.metric_view import metric_name, shown
from apps.studio.runs import Run

MEANING = {
    runs.STARTING: "getting ready",
    runs.RUNNING: "training now",
    runs.FINISHED: "trained to its end",
    runs.INTERRUPTED: "was stopped, can go on",
    runs.FAILED: "ended with an error",
    runs.LOST: "its process ended without a word",
}
FIRST = ("loss", "accuracy", "perplexity", "bleu")
SPLITS = {"train": "training", "validation": "validation"}


def age(seconds: float) -> str:
    """How long ago something was, for people."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def duration(seconds: float) -> str:
    """A span of time, for people."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def table(listed: Sequence[Run], chosen: str | None) -> str:
    """The list of runs; the chosen one is marked."""
    now = time.time()
    rows = "".join(_row(run, now, run.key == chosen) for run in listed)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("run", "state", "best figure", "epochs", "written to"))
    return (
        '<div class="studio runs-frame"><table class="runs"><caption class="unseen">The runs</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(run: Run, now: float, chosen: bool) -> str:
    mark = ' aria-current="true"' if chosen else ""
    best = "none yet"
    if run.best is not None:
        best = f"{shown(run.best, run.monitor)} <span>{escape(metric_name(run.monitor))}</span>"
    return (
        f'<tr{mark}><th scope="row">{escape(run.name)} <span>{escape(run.task)}</span></th>'
        f"<td>{state(run)}</td><td>{best}</td><td>{_epochs(run)}</td>"
        f"<td>{age(now - run.updated)}</td></tr>"
    )


def state(run: Run) -> str:
    """The state as a word with a dot."""
    title = MEANING.get(run.state, "")
    return (
        f'<span class="state {escape(run.state)}" title="{title}"><i aria-hidden="true"></i>{escape(run.state)}</span>'
    )


def _epochs(run: Run) -> str:
    done, total = run.epochs
    return f"{done} of {total}" if total else f"{done}"


def facts(run: Run, last: Mapping[str, Any] | None, report: Mapping[str, Any]) -> str:
    """State, figures and size of one run."""
    pairs = [(run.state, MEANING.get(run.state, "")), (_epochs(run), "epochs")]
    if run.best is not None:
        at = f", epoch {run.best_epoch}" if run.best_epoch else ""
        pairs.append((shown(run.best, run.monitor), f"best {metric_name(run.monitor)}, validation{at}"))
    seconds = report.get("seconds", (last or {}).get("seconds"))
    if isinstance(seconds, (int, float)):
        pairs.append((duration(seconds), "of training"))
    if isinstance(report.get("parameters"), int):
        pairs.append((shown(report["parameters"]), "parameters"))
    return f'<div class="studio" role="status">{fact_grid(pairs)}</div>'


def curve_names(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures that there are curves of, the loss first."""
    names = dict.fromkeys(name for entry in history for split in SPLITS for name in runs.figures(entry, split))
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def curve(history: Sequence[Mapping[str, Any]], name: str, best_epoch: int | None) -> Any:
    """One figure over the epochs, for training and validation; a dashed line stands at the best epoch."""
    rows = [
        {"epoch": entry["epoch"], "value": found[name], "split": SPLITS[split]}
        for entry in history
        for split in SPLITS
        if name in (found := runs.figures(entry, split))
    ]
    colour = alt.Color(
        "split:N",
        scale=alt.Scale(domain=list(SPLITS.values()), range=["#8a8d99", "#6f6cf0"]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3),
    )
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=metric_name(name), scale=alt.Scale(zero=False)),
            color=colour,
            strokeDash=alt.StrokeDash(
                "split:N", scale=alt.Scale(domain=list(SPLITS.values()), range=[[4, 3], [1, 0]]), legend=None
            ),
            tooltip=["split:N", "epoch:Q", alt.Tooltip("value:Q", title=metric_name(name), format=".4f")],
        )
    )
    layers = [lines]
    if best_epoch is not None:
        rule = alt.Chart(pd.DataFrame([{"epoch": best_epoch}])).mark_rule(strokeDash=[2, 4], color="#8a8d99")
        layers.append(rule.encode(x="epoch:Q", tooltip=[alt.Tooltip("epoch:Q", title="best epoch")]))
    last = ", ".join(f"{split} {value:.4f}" for split, value in _last_values(rows).items())
    description = f"{metric_name(name)} over {len(history)} epochs; last: {last}"
    return alt.layer(*layers).properties(height=230, description=description)


def _last_values(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The last value of each split."""
    return {row["split"]: row["value"] for row in rows}


def leaderboard(finished: Sequence[Run], figure: str) -> pd.DataFrame:
    """Finished runs of a task, the best first by a validation figure of their best epochs."""
    rows = []
    for run in finished:
        value = runs.best_figures(run).get(figure)
        if value is None:
            continue
        report = runs.report(run)
        found = report.get("data")
        data = found if isinstance(found, Mapping) else {}
        rows.append(
            {
                "run": run.name,
                metric_name(figure): value,
                "epoch": run.best_epoch,
                "seconds": report.get("seconds"),
                "parameters": report.get("parameters"),
                "data": f"{data.get('source', '')} {str(data.get('digest', ''))[:8]}".strip(),
            }
        )
    columns = ["run", metric_name(figure), "epoch", "seconds", "parameters", "data"]
    ascending = figure in runs.LOWER_IS_BETTER
    ranked = pd.DataFrame(rows, columns=columns).sort_values(metric_name(figure), ascending=ascending, kind="stable")
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked


def settings_table(first: Run, second: Run) -> pd.DataFrame:
    """The settings in which two runs differ, a row each."""
    rows = runs.config_differences(first, second)
    cells = [(name, _value(one), _value(other)) for name, one, other in rows]
    return pd.DataFrame(cells, columns=["setting", "first", "second"])


def _value(value: Any) -> str:
    """A setting as it stands in the configuration."""
    return "(none)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

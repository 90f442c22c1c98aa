"""The tuning page: what a search for good settings has found so far, while it goes on."""

import shlex
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from apps.errors import UserError
from apps.studio import deep_link, searches
from apps.studio.metric_view import facts as fact_grid
from apps.studio.metric_view import metric_name, shown
from apps.studio.run_view import duration
from apps.studio.searches import Findings, Search
from apps.studio.settings import DEFAULT_SEARCHES, searches_folder
from apps.tuning.report_page import HEAD, fragment

LEAD = """
<div class="studio"><p class="lead">A search tries many settings, each in a training of its own, and keeps a journal:
what was tried, how well it went, and what mattered.</p></div>
"""
VIEWS = {
    "Progress": ("Best so far", "Learning curves", "Workers"),
    "Settings": ("What matters", "Setting by setting", "All together"),
    "Cost and failures": ("Quality and cost", "Luck", "Failures"),
    "All trials": ("All trials",),
}
"""The views, and the sections of the report on each."""

STYLE = "<style>body { margin: 0; padding: .2rem 1rem 1rem; background: #fff; max-width: none; }</style>"
WHILE_RUNNING, OTHERWISE = 2.0, 15.0
"""Seconds between two looks at the journal, while a search runs and while none does."""


def show() -> None:
    """Draws the page."""
    st.title("Tuning", anchor=False)
    st.html(LEAD)
    root = Path(searches_folder())
    listed = searches.list_searches(root)
    if not listed:
        _show_missing(root)
        st.fragment(_wait_for_one, run_every=OTHERWISE)(root)
        return
    deep_link.read({"search": "search"})
    keys = [search.key for search in listed]
    if st.session_state.get("search") not in keys:
        st.session_state["search"] = keys[0]
    deep_link.write({"search": st.selectbox("Search", keys, key="search")})
    chosen = next(search for search in listed if search.key == st.session_state["search"])
    st.session_state.setdefault("search_view", next(iter(VIEWS)))
    st.segmented_control("What to see", list(VIEWS), key="search_view")
    running = searches.state(chosen, None) == searches.RUNNING
    st.fragment(_show_now, run_every=WHILE_RUNNING if running else OTHERWISE)(chosen, running)


def _show_missing(root: Path) -> None:
    """Says that there is no search, where it was looked for, and what to do."""
    st.warning(f"There is no search in `{root}`.", icon=":material/inbox:")
    st.markdown("Begin one on the bundled samples; it appears here by itself:")
    rest = "--data.source samples --training.minutes 0.2 --tuner.trials 10"
    st.code(f"keras-seq tune sentiment {rest}{_root_option(root)}", language="sh", wrap_lines=True)


def _wait_for_one(root: Path) -> None:
    if searches.list_searches(root):
        st.rerun()


def _root_option(root: Path) -> str:
    return "" if str(root) == DEFAULT_SEARCHES else f" --searches.dir {shlex.quote(str(root))}"


def _show_now(search: Search, ran: bool) -> None:
    """The search as it is now."""
    running = searches.state(search, None) == searches.RUNNING
    if running != ran:  # the pace of looking follows from it
        st.rerun()
    try:
        found = searches.findings(search)
    except UserError as error:
        st.error(str(error), icon=":material/broken_image:")
        st.caption("Its trials are whole: each is a run in the folder `trials` beside the journal.")
        return
    state = searches.state(search, found)
    st.html(_facts(found, state))
    if state == searches.RUNNING:
        _show_running(search, found)
    _show_next(search, found, state)
    if found.records.trials:
        _show_view(found, st.session_state.get("search_view") or next(iter(VIEWS)))
        _show_downloads(search, found)
    else:
        st.info("The views begin when the first trial has ended.", icon=":material/hourglass_top:")


def _facts(found: Findings, state: str) -> str:
    """State, best score, counts and time."""
    counts = found.summary["counts"]
    ended = sum(counts.values()) - counts["running"]
    pairs = [(state, "state"), (f"{ended} of {found.options['trials']}", "trials")]
    best = found.best
    if best is not None and best.score is not None:
        name = found.objective.name
        pairs.append((shown(best.score, name), f"best {metric_name(name)}, validation, trial {best.name}"))
    if counts["stopped"]:
        pairs.append((str(counts["stopped"]), "stopped early"))
    pairs.append((str(counts["failed"]), "failed"))
    pairs.append((duration(found.records.seconds), f"{found.options['algorithm']} search"))
    return f'<div class="studio" role="status">{fact_grid(pairs)}</div>'


def _show_running(search: Search, found: Findings) -> None:
    """How far the search is, and the trials of now."""
    counts, trials = found.summary["counts"], found.options["trials"]
    ended = sum(counts.values()) - counts["running"]
    st.progress(min(1.0, ended / trials), text=f"{ended} of {trials} trials")
    rows = searches.now_running(search, found)
    if rows:
        st.dataframe(pd.DataFrame(rows).astype(object), hide_index=True)


def _show_next(search: Search, found: Findings, state: str) -> None:
    """The command that makes the next step."""
    rest = f"{shlex.quote(search.task)} --name {shlex.quote(search.name)}{_root_option(search.path.parent.parent)}"
    if state == searches.RUNNING:
        st.caption("Ctrl-C where it runs stops it; nothing is lost.")
    elif state == searches.INTERRUPTED:
        st.caption("It was interrupted, and can go on where it was:")
        st.code(f"keras-seq tune {rest} --resume", language="sh", wrap_lines=True)
    elif found.best is not None:
        st.caption("Train with the best settings:")
        best = shlex.quote(str(search.path / "best.yaml"))
        st.code(f"keras-seq train {shlex.quote(search.task)} --config {best}", language="sh", wrap_lines=True)


def _show_view(found: Findings, view: str) -> None:
    """The sections of a view, as the report draws them."""
    chosen = [section for section in found.sections if section.heading in VIEWS[view]]
    if not chosen:
        st.info("There is nothing of this kind so far.", icon=":material/flag:")
        return
    # All that comes from outside is escaped where the sections are made.
    st.iframe(HEAD.format(title=escape(view)) + STYLE + fragment(chosen) + "</body></html>")


def _show_downloads(search: Search, found: Findings) -> None:
    """The best settings and the report, as files."""
    name = f"{search.task}-{search.name}"
    with st.container(horizontal=True):
        best = searches.best_settings(search)
        if best is not None:
            st.download_button("Best settings", best, f"{name}.yaml", "text/yaml", icon=":material/download:")
        report = found.report(search.task, search.name)
        st.download_button("Report", report, f"{name}.html", "text/html", icon=":material/download:")

"""The runs page: what is training now, how it went, which run is the best, and how two runs differ."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from apps.errors import UserError
from apps.studio import deep_link, run_view, runs, training
from apps.studio.metric_view import metric_name
from apps.studio.runs import Run
from apps.studio.settings import DEFAULT_RUNS, read_only, runs_folder

LEAD = """
<div class="studio"><p class="lead">Every training keeps a folder: what it is doing now, how its figures went from epoch
to epoch, and the settings that it was started with.</p></div>
"""
ONE, BEST, SETTINGS = "One run", "Leaderboard", "Two configurations"
WHILE_ACTIVE, OTHERWISE = 2.0, 15.0
"""Seconds between two looks at the folder, while a run is active and while none is."""


def show() -> None:
    """Draws the page."""
    st.title("Runs", anchor=False)
    st.html(LEAD)
    root = Path(runs_folder())
    _show_start(root)
    listed = runs.list_runs(root, training.alive())
    if not listed:
        _show_missing(root)
        _watch(root, listed)
        return
    st.session_state.setdefault("runs_view", ONE)
    deep_link.read({"run": "run"})
    view = st.segmented_control("What to see", [ONE, BEST, SETTINGS], key="runs_view") or ONE
    if view == ONE:
        keys = [run.key for run in listed]
        if st.session_state.get("run") not in keys:
            st.session_state["run"] = keys[0]
        deep_link.write({"run": st.selectbox("Run", keys, key="run")})
        _watch(root, listed)
    elif view == BEST:
        _show_leaderboard(listed)
    else:
        _show_settings(listed)


def _show_missing(root: Path) -> None:
    """Says that there is no run, where it was looked for, and what to do."""
    st.warning(f"There is no run in `{root}`.", icon=":material/inbox:")
    st.markdown("Begin one on the bundled samples; it appears here by itself:")
    st.code(f"keras-seq train sentiment --data.source samples{_root_option(root)}", language="sh", wrap_lines=True)


def _root_option(root: Path) -> str:
    return "" if str(root) == DEFAULT_RUNS else f" --runs.dir {shlex.quote(str(root))}"


def _show_start(root: Path) -> None:
    """The panel that starts a small training, where that is allowed."""
    refused = training.refusal(st.get_option("server.address"), read_only())
    if refused:
        st.caption(refused)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        task = st.selectbox("Train a small model of", list(training.PRESETS), key="preset", width=260)
        pressed = st.button("Start training", type="primary", icon=":material/play_arrow:", key="start_training")
    st.caption("On the bundled samples, in a process of its own: a minute or two. It ends when the studio does.")
    if not pressed:
        return
    try:
        folder = training.start(task, root)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state["run"] = f"{task}/{folder.name}"
    st.session_state["runs_view"] = ONE


def _watch(root: Path, listed: Sequence[Run]) -> None:
    """Draws what changes by itself, again and again."""
    active = any(run.state in runs.ACTIVE for run in listed)
    st.fragment(_show_now, run_every=WHILE_ACTIVE if active else OTHERWISE)(root, _states(listed))


def _states(listed: Sequence[Run]) -> frozenset[tuple[str, str]]:
    return frozenset((run.key, run.state) for run in listed)


def _show_now(root: Path, before: frozenset[tuple[str, str]]) -> None:
    """The list and the chosen run as they are now."""
    listed = runs.list_runs(root, training.alive())
    if _states(listed) != before:  # the choice and the pace of looking follow from these
        st.rerun()
    if not listed:
        return
    chosen = next((run for run in listed if run.key == st.session_state.get("run")), listed[0])
    _show_run(chosen, root)
    st.subheader("All runs", anchor=False)
    st.html(run_view.table(listed, chosen.key))
    if len(listed) >= runs.MAX_RUNS:
        st.caption(f"These are the {runs.MAX_RUNS} runs that were written to last.")


def _show_run(run: Run, root: Path) -> None:
    """One run: facts, curves, log, and what to do next."""
    history = runs.history(run)
    st.html(run_view.facts(run, history[-1] if history else None, runs.report(run)))
    done, total = run.epochs
    if run.state in runs.ACTIVE:
        if total:
            st.progress(min(1.0, done / total), text=f"{done} of {total} epochs")
        _show_stop(run)
    error = run.status.get("error")
    if run.state == runs.FAILED and error:
        st.code(str(error), language=None, wrap_lines=True)
    names = run_view.curve_names(history)
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[start : start + 2], strict=False):
            with column:
                st.altair_chart(run_view.curve(history, name, run.best_epoch), width="stretch")
    if not names and run.state in runs.ACTIVE:
        st.info("The curves begin when the first epoch is done.", icon=":material/hourglass_top:")
    _show_next(run, root)
    log = runs.log_tail(run)
    if log:
        with st.expander("The end of its log", expanded=run.state in (*runs.ACTIVE, runs.FAILED, runs.LOST)):
            st.code(log, language=None, wrap_lines=True)


def _show_stop(run: Run) -> None:
    """The button that stops a run, if the studio has started it."""
    if run.path.resolve() not in training.alive():
        st.caption("It was not started here: Ctrl-C where it runs stops it, with a checkpoint.")
    elif training.is_stopping(run.path):
        st.caption("It was asked to stop, and writes a checkpoint first.")
    elif training.refusal(st.get_option("server.address"), read_only()) is None:
        st.button("Stop", icon=":material/stop:", key="stop_training", on_click=training.stop, args=(run.path,))


def _show_next(run: Run, root: Path) -> None:
    """The command that makes the next step."""
    rest = f"{shlex.quote(run.name)}{_root_option(root)}"
    if run.state == runs.FINISHED:
        st.caption("Export it, and it can be tried here:")
        st.code(f"keras-seq export {shlex.quote(run.task)} --run {rest}", language="sh", wrap_lines=True)
    elif run.state in (runs.INTERRUPTED, runs.LOST) or (run.state == runs.FAILED and run.config):
        st.caption("Go on from its last checkpoint:")
        st.code(f"keras-seq train {shlex.quote(run.task)} --name {rest} --resume", language="sh", wrap_lines=True)


def _show_leaderboard(listed: Sequence[Run]) -> None:
    """The finished runs of a task, the best first."""
    finished = [run for run in listed if run.state == runs.FINISHED]
    tasks = sorted({run.task for run in finished})
    if not tasks:
        st.info("No run has finished yet. A run that was stopped goes on with `--resume`.", icon=":material/flag:")
        return
    with st.container(horizontal=True):
        task = _choose("Task", tasks, "leaderboard_task")
        chosen = [run for run in finished if run.task == task]
        figures = list(dict.fromkeys(name for run in chosen for name in (run.monitor, *runs.best_figures(run))))
        known = [name for name in figures if any(name in runs.best_figures(run) for run in chosen)]
        if not known:
            st.info("No finished run of this task was measured on validation data.", icon=":material/flag:")
            return
        figure = _choose("Figure", known, "leaderboard_figure")
    ranked = run_view.leaderboard(chosen, figure)
    st.dataframe(
        ranked,
        hide_index=True,
        column_config={
            metric_name(figure): st.column_config.NumberColumn(format="%.4f"),
            "seconds": st.column_config.NumberColumn(format="%.0f"),
        },
    )
    left_out = len(chosen) - len(ranked)
    better = "lower" if figure in runs.LOWER_IS_BETTER else "higher"
    st.caption(
        f"On the validation data, in the best epoch of each run; {better} is better."
        + (f" {left_out} without this figure." if left_out else "")
    )
    if ranked["data"].nunique() > 1:
        st.warning("These runs have different data: their figures do not compare.", icon=":material/balance:")


def _show_settings(listed: Sequence[Run]) -> None:
    """The settings in which two runs differ."""
    by_key = {run.key: run for run in listed if run.config}
    if len(by_key) < 2:
        st.info("This needs two runs; there is one so far, or none.", icon=":material/difference:")
        return
    columns = st.columns(2, gap="medium")
    with columns[0]:
        first = by_key[_choose("First run", list(by_key), "settings_first")]
    with columns[1]:
        others = sorted(by_key, key=lambda key: (key == first.key, by_key[key].task != first.task))
        second = by_key[_choose("Second run", others, "settings_second")]
    rows = run_view.settings_table(first, second)
    if rows.empty:
        st.info("They have the same settings.", icon=":material/equal:")
        return
    same = len(set(first.config) | set(second.config)) - len(rows)
    st.dataframe(rows, hide_index=True)
    st.caption(f"{len(rows)} settings differ; {same} are the same.")


def _choose(label: str, options: list[str], key: str) -> str:
    """A select box that forgets a choice that is no more."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return st.selectbox(label, options, key=key)

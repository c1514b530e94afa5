"""Candidate: everything that is known of one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import controls, drawing, picks, readings, session
from leaderboard.app.panels import measured
from leaderboard.compare.comparison import Side
from leaderboard.pages.candidate import identity, tables
from leaderboard.pages.candidate.deadline_figure import deadline_figure
from leaderboard.pages.candidate.part_figures import tensors_figure
from leaderboard.pages.candidate.tasks_figure import tasks_figure
from leaderboard.rows.conditions import build_name, machine_in_full, machine_name
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection, elsewhere
from leaderboard.runs.deadline import deadline_curves
from leaderboard.runs.timings import tensor_shares
from runners.records.record import Record


def show() -> None:
    """Draw the panel."""
    selection = controls.conditions()
    if selection is None:
        return
    row = picks.candidate(selection)
    runs = picks.runs(row)
    _head(row, selection)
    drawing.tiles(tables.tiles(row))
    flags = tables.flag_grid(runs)
    if flags.rows:
        drawing.grid(flags)
    _accuracy(row, runs)
    measured.times(runs)
    measured.memory(runs)
    _identity(row)
    _record(runs)


def _head(row: Row, selection: Selection) -> None:
    record = row.record
    st.header(text.markdown(record.candidate.name), anchor=False)
    st.html(
        f'<div class="conditions">{text.html(machine_in_full(record))} · '
        f"{text.html(build_name(record))} · "
        f"{text.html(selection.suites[selection.shared.place.suite])} · "
        f"{text.html(selection.budgets[selection.shared.place.budget])}</div>"
    )
    if len(selection.rows) > 1 and st.button("Compare with another", icon=":material/compare:"):
        session.go("compare", candidates=session.view().candidates[:1])


def _accuracy(row: Row, runs: Sequence[Record]) -> None:
    st.subheader("Accuracy", anchor=False)
    if not row.scores:
        st.info("No task was scored in these runs.", icon=":material/info:")
        return
    caption = f"{machine_name(row.record)}; 95 % intervals over items"
    drawing.figure(tasks_figure(row.scores, dark=session.dark()), "tasks", alt="Accuracy by task")
    with st.expander("As a table"):
        drawing.grid(tables.task_grid(row.scores, caption))
    scored = Side(runs=tuple(runs)).scored
    answers, reason = readings.answers(scored.run_id)
    if answers is None:
        st.info(text.markdown(f"No answers by item: {reason}"), icon=":material/info:")
        return
    curves, _ = deadline_curves(answers)
    if curves:
        st.subheader("Accuracy within a deadline", anchor=False)
        drawing.figure(
            deadline_figure(curves, dark=session.dark()),
            "deadline",
            alt="Share answered correctly against the deadline",
        )
        st.caption(
            "Answers that are complete after the deadline count as wrong. The band is the 95 % "
            "interval over items, at each deadline by itself; the times are those of one run."
        )


def _identity(row: Row) -> None:
    record = row.record
    st.subheader("What it is", anchor=False)
    shares = tensor_shares(record)
    if shares:
        drawing.figure(tensors_figure(shares, dark=session.dark()), "tensors", alt="Tensor types")
    left, right = st.columns(2)
    with left:
        drawing.grid(identity.identity_grid(record))
    with right:
        drawing.grid(identity.machine_grid(record))
    others = elsewhere(readings.rows(), row)
    if others:
        drawing.grid(identity.elsewhere_grid(others))


def _record(runs: Sequence[Record]) -> None:
    st.subheader("The record", anchor=False)
    names = {
        run.run_id: f"{run.run_id} · repeat {run.job.repeat + 1} · {run.status}" for run in runs
    }
    wanted = session.view().run
    chosen = wanted if wanted in names else Side(runs=tuple(runs)).scored.run_id
    if wanted and wanted not in names:
        st.warning(
            text.markdown(f'run "{wanted}" is none of this candidate; showing another'),
            icon=":material/link_off:",
        )
    found = picks.one("run", names, chosen)
    if found != chosen:
        session.update(run=found)
    record, reason = readings.full(found)
    if record is None:
        st.error(text.markdown(reason), icon=":material/warning:")
        return
    st.caption("The command that made it:")
    st.code(text.plain(record.command), language=None, wrap_lines=True)
    content = record.model_dump_json(indent=1)
    st.download_button(
        "record.json",
        content,
        file_name=f"{record.run_id}.json",
        mime="application/json",
        icon=":material/download:",
    )
    with st.expander("The raw record"):
        st.json(content, expanded=1)

"""History: a candidate over time, over versions of itself, its runtime and Weighin."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import controls, drawing, picks, readings, session
from leaderboard.gate.past import gates_of
from leaderboard.pages.history.figure import history_figure
from leaderboard.pages.history.tables import gate_grid, line_grid
from leaderboard.pages.measures import MEASURES
from leaderboard.rows.conditions import budget_name, machine_in_full
from leaderboard.runs.history import Line, history, names

FIRST = "accuracy"


def show() -> None:
    """Draw the panel."""
    records = readings.stores().records
    known = names(records)
    if not known:
        controls.empty()
        return
    left, right = st.columns([2, 1])
    with left:
        name = _picked("name", {one: one for one in known}, "candidate")
    with right:
        metric = _picked("history", {key: one.title for key, one in MEASURES.items()}, "metric")
    lines = history(records, name)
    titles = [_title(line) for line in lines]
    drawing.figure(
        history_figure(lines, titles, metric, dark=session.dark()),
        "history",
        alt="A candidate over time",
    )
    st.caption(
        "A line is one machine, one set of items and one budget: points of unlike ones are not "
        "joined. A point is one batch; a diamond: something changed since the point before, "
        "the runtime's build for one: times on its two sides are not of the same code. "
        "Bars are 95 %: over items for the accuracy, run to run for the others."
    )
    _tables(lines, titles)
    _gates(name)


def _gates(name: str) -> None:
    """What `weighin check` said of the candidate, as far as the stores have kept it."""
    found = readings.stores()
    stores = dict.fromkeys([*found.roots, *found.homes.values()])
    gates, damaged = gates_of(list(stores), name)
    if gates:
        drawing.grid(gate_grid(gates))
    for error in damaged:
        st.warning(text.markdown(str(error)), icon=":material/broken_image:")


def _picked(field: str, options: dict[str, str], label: str) -> str:
    wanted = getattr(session.view(), field)
    if wanted and wanted not in options:
        st.warning(
            text.markdown(f'{label} "{wanted}" is not known here; showing another'),
            icon=":material/link_off:",
        )
    first = FIRST if FIRST in options and field == "history" else next(iter(options))
    found = picks.one(field, options, wanted if wanted in options else first, label)
    if found != wanted:
        session.update(**{field: found})
    return found


def _tables(lines: Sequence[Line], titles: Sequence[str]) -> None:
    for line, title in zip(lines, titles, strict=True):
        drawing.grid(line_grid(line, title))
        if len(line.points) == 1:
            st.caption("One point so far: run it again after a change, and the line begins.")


def _title(line: Line) -> str:
    record = line.points[-1].row.record
    suite = f"{record.suite.name} v{record.suite.version} · {record.suite.digest[:6]}"
    return f"{machine_in_full(record)} · {suite} · {budget_name(record)}"

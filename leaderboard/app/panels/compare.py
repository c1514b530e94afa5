"""Compare: two to four candidates, each against the first, item by item."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from evals.errors import RecordError
from leaderboard import text
from leaderboard.app import controls, drawing, picks, session, sides
from leaderboard.compare.comparison import MOST_SIDES, Comparison, compare
from leaderboard.compare.items import item_rows, matching
from leaderboard.pages.compare import tables
from leaderboard.pages.compare.forest_figure import forest_figure
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.names import labels
from leaderboard.rows.row import Row
from leaderboard.rows.view import task_weights


def show() -> None:
    """Draw the panel."""
    selection = controls.conditions()
    if selection is None:
        return
    rows = picks.several(selection, MOST_SIDES)
    if len(rows) < 2:
        st.info("Pick two to four candidates: the first is the reference.", icon=":material/info:")
        return
    found = _compared(rows)
    if found is None:
        return
    named = labels([row.record for row in rows])
    names = [named[row.record.candidate.digest] for row in rows]
    _accuracy(found, names)
    picked = _other(rows[1:], names[1:])
    machine = machine_name(rows[0].record)
    pair = f"{names[picked + 1]} against {names[0]}"
    drawing.grid(tables.tasks_grid(found[picked], f"By task: {pair}"))
    if not all(task.counts for task in found[picked].tasks):
        drawing.grid(tables.outside_grid(found[picked], f"Scores that enter no mean: {pair}"))
    st.subheader("Times, memory and size", anchor=False)
    drawing.grid(tables.axes_grid(found[picked], f"{pair}, {machine}"))
    _items(found[picked], pair)


def _compared(rows: Sequence[Row]) -> tuple[Comparison, ...] | None:
    read = [sides.side(row) for row in rows]
    for _, reason in read:
        if reason:
            st.warning(text.markdown(reason), icon=":material/warning:")
    try:
        return compare([one for one, _ in read], weights=task_weights(session.view()))
    except RecordError as error:
        st.error(text.markdown(str(error)), icon=":material/warning:")
        return None


def _accuracy(found: Sequence[Comparison], names: Sequence[str]) -> None:
    st.subheader("Accuracy", anchor=False)
    caption = f"Mean over tasks, against {names[0]}"
    drawing.grid(tables.overall_grid(found, names[1:], caption))
    drawing.figure(
        forest_figure(found, names[1:], dark=session.dark()), "forest", alt="Differences by task"
    )
    st.caption(
        "Right of 0 the candidate is better than the reference. The bars are 95 % intervals."
    )


def _other(rows: Sequence[Row], names: Sequence[str]) -> int:
    """Which of several others the tables below are about."""
    digests = [row.record.candidate.digest for row in rows]
    wanted = session.view().other
    chosen = wanted if wanted in digests else digests[0]
    if len(digests) > 1:
        options = dict(zip(digests, names, strict=True))
        chosen = picks.one("other", options, chosen, "in detail, against the reference")
        if chosen != wanted:
            session.update(other=chosen)
    return digests.index(chosen)


def _items(found: Comparison, pair: str) -> None:
    st.subheader("Items where they differ", anchor=False)
    if not found.items:
        st.info("No item was scored differently.", icon=":material/info:")
        return
    parts = {"": "all tasks", **{name: name for name in dict.fromkeys(i.part for i in found.items)}}
    wanted = session.view().task
    left, right = st.columns([1, 2])
    with left:
        task = picks.one("task", parts, wanted if wanted in parts else "")
    words = right.text_input(
        "search: gained or lost, task, document, answer, prompt",
        value=session.view().items,
        key=session.key("items"),
        max_chars=200,
    )
    session.update(task=task, items=words)
    shown = matching(found.items, task=task, words=words)
    st.caption(
        text.markdown(f"{len(shown):,} of {len(found.items):,} items, {pair}")
        + ". Of each choice the log-probability; the right one in brackets."
    )
    st.dataframe(item_rows(shown), hide_index=True, key="differing")
    if not any(item.prompt for item in found.items):
        st.caption("Prompts are not here: they are kept by `weighin run --keep-prompts`.")

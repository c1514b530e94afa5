"""Boxes in which candidates and runs are picked; what is picked stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import readings, session
from leaderboard.rows.names import labels
from leaderboard.rows.repeats import runs_of
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection, missing
from runners.records.record import Record


def candidate(selection: Selection) -> Row:
    """The one candidate that a panel is about."""
    rows = {row.record.candidate.digest: row for row in selection.rows}
    wanted = session.view().candidates
    _say_missing(wanted[:1], rows)
    chosen = wanted[0] if wanted and wanted[0] in rows else next(iter(rows))
    found = one("candidate", labels([row.record for row in selection.rows]), chosen)
    if found != chosen or wanted[:1] != (found,):
        session.update(candidates=(found, *(d for d in wanted[1:] if d != found)), run="")
    return rows[found]


def several(selection: Selection, most: int) -> list[Row]:
    """Two or more candidates, the first of which is the reference."""
    rows = {row.record.candidate.digest: row for row in selection.rows}
    names = labels([row.record for row in selection.rows])
    wanted = session.view().candidates
    _say_missing(wanted, rows)
    chosen = [digest for digest in wanted if digest in rows][:most]
    chosen += [digest for digest in rows if digest not in chosen][: max(0, 2 - len(chosen))]
    found = st.multiselect(
        "candidates, the first is the reference",
        list(rows),
        default=chosen,
        max_selections=most,
        format_func=lambda digest: text.plain(names[digest]),
        key=session.key("candidates"),
    )
    if tuple(found) != wanted:
        session.update(candidates=tuple(found))
    return [rows[digest] for digest in found]


def runs(row: Row) -> tuple[Record, ...]:
    """All runs that a row stands for, oldest first."""
    return runs_of(row.record, readings.stores().records)


def one(field: str, options: Mapping[str, str], chosen: str, label: str = "") -> str:
    """A box of one choice.

    Args:
        field: names the widget, and is its label unless another is given.
        options: value -> what to call it.
        chosen: what stands in the address, one of the options.
        label: above the box.
    """
    values = list(options)
    return st.selectbox(
        label or field,
        values,
        index=values.index(chosen),
        format_func=lambda value: text.plain(options[value]),
        key=session.key(f"pick {field}"),
    )


def _say_missing(wanted: Sequence[str], rows: Mapping[str, Row]) -> None:
    for digest in wanted:
        if digest not in rows:
            st.warning(
                text.markdown(missing(readings.rows(), digest)),
                icon=":material/link_off:",
            )

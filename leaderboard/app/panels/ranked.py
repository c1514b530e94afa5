"""The ranked table of the overview, its controls and its downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from leaderboard import text
from leaderboard.app import session
from leaderboard.choose.overview import Line, Overview
from leaderboard.pages.overview.columns import Column, arrange, known_columns, shown_columns
from leaderboard.pages.overview.ranked_table import ranked_table
from leaderboard.publish.files import as_bytes, table_of
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.view import write_query

MIME = {"csv": "text/csv", "json": "application/json", "parquet": "application/octet-stream"}


def table(found: Overview) -> None:
    """Draw the table."""
    rows = [line.row for line in found.lines]
    known = known_columns(rows)
    _arrangement(known)
    view = session.view()
    lines = arrange(found.lines, known, view.sort, view.search)
    st.html(
        ranked_table(
            lines,
            shown_columns(known, view.columns),
            grouped=not view.sort,
            link=_address,
            caption=f"{len(lines)} of {len(rows)} candidates \N{MIDDLE DOT} "
            f"{machine_name(rows[0].record)}",
            chosen=found.choice.row.record.run_id if found.choice.row else "",
        )
    )
    with st.container(horizontal=True):
        _downloads(lines)
        _compare(rows_by_digest={one.row.record.candidate.digest: one for one in found.lines})


def _arrangement(known: dict[str, Column]) -> None:
    """Search, order and columns."""
    view = session.view()
    first, second, third = st.columns([2, 1.4, 1], vertical_alignment="bottom")
    search = first.text_input(
        "Search",
        view.search,
        placeholder="name, family, quantisation, flag",
        key=session.key("search"),
    )
    orders = ["", *(f"{sign}{key}" for key in known for sign in ("", "-"))]
    sort = second.selectbox(
        "Sort by",
        orders,
        index=orders.index(view.sort) if view.sort in orders else 0,
        format_func=lambda order: _order(order, known),
        key=session.key("sort"),
    )
    usual = [one.key for one in shown_columns(known, ())][1:]
    with third.popover("Columns", icon=":material/view_column:", width="stretch"):
        picked = st.multiselect(
            "Columns",
            [key for key in known if key != "accuracy"],
            default=[one.key for one in shown_columns(known, view.columns)][1:],
            format_func=lambda key: text.plain(known[key].header),
            key=session.key("columns"),
        )
    columns = () if picked in (usual, []) else tuple(picked)
    session.update(search=search, sort=sort, columns=columns)


def _order(order: str, known: dict[str, Column]) -> str:
    if not order:
        return "rank"
    way = "descending" if order.startswith("-") else "ascending"
    return text.plain(f"{known[order.removeprefix('-')].header}, {way}")


def _address(line: Line) -> str:
    """A candidate's own page, with this view."""
    view = replace(session.view(), candidates=(line.row.record.candidate.digest,), run="")
    return f"candidate?{urlencode(write_query(view), doseq=True)}"


def _downloads(lines: Sequence[Line]) -> None:
    def content(kind: str) -> bytes:
        return as_bytes(table_of(flat_lines(lines)), kind)

    for kind, mime in MIME.items():
        st.download_button(
            kind.upper() if kind != "parquet" else "Parquet",
            partial(content, kind),  # made when it is asked for
            file_name=f"weighin.{kind}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            key=session.key(f"download:{kind}"),
            disabled=not lines,
        )


def _compare(rows_by_digest: dict[str, Line]) -> None:
    with st.popover("Compare", icon=":material/compare_arrows:"):
        picked = st.multiselect(
            "Two to four candidates; the first is the reference",
            list(rows_by_digest),
            default=[one for one in session.view().candidates if one in rows_by_digest],
            format_func=lambda key: text.plain(rows_by_digest[key].row.record.candidate.name),
            max_selections=4,
            key=session.key("compared"),
        )
        session.update(candidates=tuple(picked))
        if st.button("Compare them", disabled=len(picked) < 2, key=session.key("compare")):
            session.go("compare")

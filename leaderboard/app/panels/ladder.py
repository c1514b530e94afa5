"""Quantisation ladder: each rung of one family against its largest."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import controls, drawing, picks, session, sides
from leaderboard.compare.ladder import MARGIN, Ladder, bits, families, ladder
from leaderboard.pages.compare.tables import ladder_grid
from leaderboard.pages.ladder.figures import losses_figure, savings_figure
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.names import labels, short_names
from leaderboard.rows.row import Row
from leaderboard.units import from_percent, points


def show() -> None:
    """Draw the panel."""
    selection = controls.conditions()
    if selection is None:
        return
    known = families([row.record for row in selection.rows])
    if not known:
        st.info(
            "No family has two quantisations under these conditions: `weighin run` several of one.",
            icon=":material/info:",
        )
        return
    left, right = st.columns([2, 1])
    with left:
        family = _family(known)
    with right:
        margin = _margin()
    rows = [
        row
        for row in selection.rows
        if row.record.candidate.family == family and bits(row.record) is not None
    ]
    _draw(_judged(rows, margin), labels([row.record for row in rows]))


def _family(known: Sequence[str]) -> str:
    wanted = session.view().family
    if wanted and wanted not in known:
        st.warning(
            text.markdown(f'family "{wanted}" has no two quantisations here; showing another'),
            icon=":material/link_off:",
        )
    chosen = wanted if wanted in known else known[0]
    found = picks.one("family", {name: name for name in known}, chosen)
    if found != wanted:
        session.update(family=found)
    return found


def _margin() -> float:
    """The loss that is borne, as a share."""
    wanted = session.view().margin_points
    found = st.number_input(
        "margin, points: a loss that is borne",
        min_value=0.1,
        max_value=100.0,
        value=min(100.0, max(0.1, wanted if wanted is not None else points(MARGIN))),
        step=0.5,
        format="%.1f",
        key=session.key("margin"),
    )
    if found != (wanted if wanted is not None else points(MARGIN)):
        session.update(margin_points=found)
    return from_percent(found)


def _judged(rows: Sequence[Row], margin: float) -> Ladder:
    read = [sides.side(row) for row in rows]
    for _, reason in read:
        if reason:
            st.warning(text.markdown(reason), icon=":material/warning:")
    return ladder([one for one, _ in read], margin=margin)


def _draw(found: Ladder, named: dict[str, str]) -> None:
    digests = [one.candidate.digest for one in (found.reference, *(r.record for r in found.rungs))]
    reference, *names = short_names([named[digest] for digest in digests])
    machine = machine_name(found.reference)
    left, right = st.columns(2)
    with left:
        st.subheader("Accuracy lost", anchor=False)
        drawing.figure(
            losses_figure(found, reference, names, dark=session.dark()),
            "losses",
            alt="Accuracy lost, rung by rung",
        )
        st.caption(_legend(found))
    with right:
        st.subheader("Saved", anchor=False)
        drawing.figure(
            savings_figure(found, names, dark=session.dark()), "savings", alt="Saved, rung by rung"
        )
        st.caption(text.markdown(f"{machine}; first token of {found.workload}"))
    caption = f"Against {reference} ({found.reference_runs} runs), {machine}"
    drawing.grid(ladder_grid(found, names, caption))
    for name, rung in zip(names, found.rungs, strict=True):
        if rung.record.candidate.notes:
            st.caption(text.markdown(f"{name}: {rung.record.candidate.notes}"))


def _legend(found: Ladder) -> str:
    floors = any(rung.noise_floor is not None for rung in found.rungs)
    floor = (
        "Grey: within the noise floor, what another layout of the cache alone may change."
        if floors
        else "No noise floor was measured in these runs, so none is shaded."
    )
    return (
        f"Items answered by both; 95 % intervals. Dashed: the margin of {points(found.margin):g} "
        f"points. A rung passes where its whole interval lies right of it. {floor}"
    )

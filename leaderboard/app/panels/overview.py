"""Overview: which one do I ship?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import controls, readings, session
from leaderboard.app.panels import budget, ranked
from leaderboard.choose.answer import Answer
from leaderboard.choose.overview import Line, Overview
from leaderboard.pages.overview.slider_stops import offer
from leaderboard.pages.overview.tradeoff import bubble_axis, tradeoff
from leaderboard.rows.conditions import build_name, machine_in_full
from leaderboard.rows.guessing import shared_level
from leaderboard.rows.metrics import METRICS, axes
from leaderboard.rows.selection import Selection
from leaderboard.rows.view import PREFERENCES, task_weights


def show() -> None:
    """Draw the panel."""
    selection = controls.conditions()
    if selection is None:
        return
    budget.controls(offer(selection.rows, session.view()))
    _prefer()
    found = readings.overview(selection, session.view())
    _answer(found, selection)
    _plot(found)
    ranked.table(found)


def _answer(found: Overview, selection: Selection) -> None:
    record = selection.rows[0].record
    builds = dict.fromkeys(build_name(row.record) for row in selection.rows)
    st.html(
        f'<div class="answer" role="status"><p class="claim">{text.html(found.claim)}</p>'
        f'<p class="certainty">{text.html(found.certainty)}</p>{_nexts(found.answer)}'
        f'<p class="basis">{text.html(found.basis)} Suite {text.html(record.suite.name)} '
        f"(version {record.suite.version}) on {text.html(machine_in_full(record))}, measured with "
        f"{text.html('; '.join(builds))}.</p></div>"
    )


def _prefer() -> None:
    """Input for the preference among candidates that tie."""
    prefer = st.segmented_control(
        "Of those that tie, ship the",
        list(PREFERENCES),
        default=session.view().prefer,
        required=True,
        format_func=lambda name: "most accurate" if name == "accurate" else name,
        key=session.key("prefer"),
    )
    session.update(prefer=prefer)


def _nexts(answer: Answer) -> str:
    lines = "".join(f"<li>{text.html(line)}</li>" for line in answer.nexts)
    return f'<ul class="nexts">{lines}</ul>' if lines else ""


def _plot(found: Overview) -> None:
    x = st.segmented_control(
        "Accuracy against",
        list(axes()),
        default=session.view().x,
        required=True,
        format_func=lambda name: METRICS[name].words,
        key=session.key("x"),
    )
    session.update(x=x)
    chosen = found.choice.row.record.run_id if found.choice.row else ""
    rows = [line.row for line in found.lines]
    guessing = shared_level(rows, task_weights(session.view()))
    figure, absent = tradeoff(found.lines, x, chosen=chosen, guessing=guessing, dark=session.dark())
    picked = st.plotly_chart(
        figure,
        theme=None,
        on_select="rerun",
        selection_mode="points",
        key=session.key("tradeoff"),
        config={"displayModeBar": False},
        alt=f"Accuracy against {METRICS[x].axis_title}, a bubble a candidate. The table below has "
        "the same numbers.",
    )
    st.caption(text.markdown(_legend(x, absent)))
    points = picked.selection.points
    if points:
        session.go("candidate", candidates=(str(points[0]["customdata"]),), run="")


def _legend(x: str, absent: Sequence[Line]) -> str:
    words = (
        f"Bubble: {METRICS[bubble_axis(x)].axis_title}. Percentages: probability of being "
        "Pareto-optimal: nothing else that fits is as good in accuracy, speed and memory. "
        "Bars: 95% intervals, of accuracy over items, of times and memory over process runs. "
        "A click opens the candidate."
    )
    if not absent:
        return words
    names = ", ".join(text.cut(one.row.record.candidate.name, 40) for one in absent)
    return f"{words} Not plotted (no accuracy, speed or memory): {names}."

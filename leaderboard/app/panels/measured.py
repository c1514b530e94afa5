"""The Candidate panel's times and memory: raw values of its runs, read when they are shown."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import drawing, picks, readings, session
from leaderboard.compare.comparison import Side
from leaderboard.pages.candidate import tables
from leaderboard.pages.candidate.latency_figure import times_figure
from leaderboard.pages.candidate.memory_figures import limits_figure, phases_figure, series_figure
from leaderboard.pages.candidate.part_figures import cold_start_figure
from leaderboard.rows.conditions import machine_name
from leaderboard.runs.memory_limits import limit_curve
from leaderboard.runs.timings import (
    NO_SERIES,
    SERIES_WHILE,
    cold_starts,
    phase_bytes,
    run_times,
    timings,
    workloads,
)
from runners.records.record import Record


def times(runs: Sequence[Record]) -> None:
    """Distributions of TTFT and of the gaps between tokens, and the cold start."""
    st.subheader("Latency", anchor=False)
    names = workloads(runs)
    if not names:
        st.info("No workload was timed in these runs.", icon=":material/info:")
        return
    wanted = session.view().workload
    chosen = wanted if wanted in names else names[-1]
    options = {name: f"{name} (prompt + new tokens)" for name in names}
    workload = picks.one("workload", options, chosen) if len(names) > 1 else chosen
    if workload != chosen:
        session.update(workload=workload)
    caption = f"{workload}, {machine_name(runs[-1])}; ± is half the 95 % interval, run to run"
    drawing.grid(tables.timing_grid(timings(runs, workload), caption))
    raw = run_times([run for run in map(_full, runs) if run], workload)
    left, right = st.columns(2)
    for place, title, unit, values in (
        (left, "Time to first token", "requests", [one.ttft_s for one in raw]),
        (right, "Gaps between tokens", "gaps", [one.gaps_s for one in raw]),
    ):
        with place:
            st.markdown(f"**{title}**")
            shown = [(f"run {one.repeat + 1}", v) for one, v in zip(raw, values, strict=True)]
            drawing.figure(times_figure(shown, unit=unit, dark=session.dark()), title, alt=title)
    starts = cold_starts(runs)
    if starts:
        st.markdown("**Cold start**")
        drawing.figure(
            cold_start_figure(starts, dark=session.dark()), "cold start", alt="Cold start"
        )
        caches = ", ".join(dict.fromkeys(start.page_cache for start in starts))
        st.caption(text.markdown(f"Page cache: {caches}. Each bar is one process run."))


def memory(runs: Sequence[Record]) -> None:
    """Phases, the curve over time, and the speed under memory limits."""
    st.subheader("Memory", anchor=False)
    scored = Side(runs=tuple(runs)).scored
    phases = phase_bytes(scored)
    if not phases:
        st.info("No memory was measured in these runs.", icon=":material/info:")
        return
    left, right = st.columns(2)
    with left:
        st.markdown("**By phase**")
        drawing.figure(phases_figure(phases, dark=session.dark()), "phases", alt="Memory by phase")
        source = scored.memory.source if scored.memory else ""
        with st.expander("As a table"):
            drawing.grid(tables.phase_grid(phases, f"One run, {machine_name(scored)}; {source}"))
    with right:
        st.markdown("**Over time**")
        _series(scored)
    curve = limit_curve(readings.stores().records, scored)
    if curve:
        st.markdown("**Under a memory limit**")
        drawing.figure(
            limits_figure(curve, dark=session.dark()), "limits", alt="Speed under limits"
        )
        drawing.grid(tables.limit_grid(curve, machine_name(scored)))
        for note in dict.fromkeys(point.note for point in curve if point.note):
            st.caption(text.markdown(f"A budget {note}"))


def _series(scored: Record) -> None:
    record = _full(scored)
    series = record.memory.series if record and record.memory else []
    if not series:
        st.info(NO_SERIES, icon=":material/info:")
        return
    drawing.figure(series_figure(series, dark=session.dark()), "series", alt="Memory over time")
    st.caption(f"One run, {SERIES_WHILE}: no figure is taken from it.")


def _full(run: Record) -> Record | None:
    record, reason = readings.full(run.run_id)
    if record is None:
        st.warning(text.markdown(reason), icon=":material/warning:")
    return record

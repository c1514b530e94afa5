"""Times and memory of one candidate: raw values of its runs, read when they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.compare.comparison import Side
from leaderboard.pages.blocks import Beside, Block, Figure, Fold, Heading, Note, Table, Text
from leaderboard.pages.candidate import tables
from leaderboard.pages.candidate.gpu import gpu_grid, gpu_words
from leaderboard.pages.candidate.latency_figure import times_figure
from leaderboard.pages.candidate.memory_figures import limits_figure, phases_figure, series_figure
from leaderboard.pages.candidate.part_figures import cold_start_figure
from leaderboard.pages.controls import pick_field
from leaderboard.pages.library import Library
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.metric import longest_workload
from leaderboard.rows.view import View
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


def times(library: Library, view: View, runs: Sequence[Record]) -> Iterator[Block]:
    """Distributions of TTFT and of the gaps between tokens, and the cold start."""
    yield Heading("Latency")
    names = workloads(runs)
    if not names:
        yield Note("No workload was timed in these runs.")
        return
    usual = next((n for run in reversed(runs) if (n := longest_workload(run))), names[-1])
    workload = view.workload if view.workload in names else usual
    if len(names) > 1:
        options = {name: f"{name} (prompt + new tokens)" for name in names}
        yield pick_field("workload", "workload", options, workload)
    caption = f"{workload}, {machine_name(runs[-1])}; ± is half the 95 % interval, run to run"
    yield Table(tables.timing_grid(timings(runs, workload), caption))
    found, problems = _full(library, runs)
    yield from problems
    raw = run_times(found, workload)
    named = [f"run {one.repeat + 1}" for one in raw]
    first = list(zip(named, [one.ttft_s for one in raw], strict=True))
    gaps = list(zip(named, [one.gaps_s for one in raw], strict=True))
    yield Beside(
        (
            _distribution("Time to first token", "requests", first),
            _distribution("Inter-token latency", "gaps", gaps),
        )
    )
    starts = cold_starts(runs)
    if starts:
        caches = ", ".join(dict.fromkeys(start.page_cache for start in starts))
        drawn = Figure(
            "cold start", lambda dark: cold_start_figure(starts, dark=dark), "Cold start"
        )
        words = f"Page cache: {caches}. Each bar is one process run."
        yield Fold("Cold start", (drawn, Text(words, small=True)))


def _distribution(
    title: str, unit: str, values: Sequence[tuple[str, Sequence[float]]]
) -> tuple[Block, ...]:
    drawn = Figure(title, lambda dark: times_figure(values, unit=unit, dark=dark), title)
    return Heading(title, 3), drawn


def memory(library: Library, runs: Sequence[Record]) -> Iterator[Block]:
    """Phases, the curve over time, and the speed under memory limits."""
    yield Heading("Memory")
    scored = Side(runs=tuple(runs)).scored
    phases = phase_bytes(scored)
    if not phases:
        yield Note("No memory was measured in these runs.")
        return
    source = scored.memory.source if scored.memory else ""
    table = Table(tables.phase_grid(phases, f"One run, {machine_name(scored)}; {source}"))
    by_phase = (
        Heading("By phase", 3),
        Figure("phases", lambda dark: phases_figure(phases, dark=dark), "Memory by phase"),
        Fold("As a table", (table,)),
    )
    yield Beside((by_phase, (Heading("Over time", 3), *_series(library, scored))))
    if scored.gpu is not None:
        yield Heading("GPU", 3)
        yield Text(gpu_words(scored.gpu))
        yield Table(gpu_grid(scored.gpu))
    curve = limit_curve(library.stores().records, scored)
    if curve:
        yield Heading("Under a memory limit", 3)
        yield Figure("limits", lambda dark: limits_figure(curve, dark=dark), "Speed under limits")
        yield Table(tables.limit_grid(curve, machine_name(scored)))
        for note in dict.fromkeys(point.note for point in curve if point.note):
            yield Text(f"A budget {note}", small=True)


def _series(library: Library, scored: Record) -> Iterator[Block]:
    found, problems = _full(library, [scored])
    yield from problems
    series = found[0].memory.series if found and found[0].memory else []
    if not series:
        yield Note(NO_SERIES)
        return
    yield Figure("series", lambda dark: series_figure(series, dark=dark), "Memory over time")
    yield Text(f"One run, {SERIES_WHILE}: no figure is taken from it.", small=True)


def _full(library: Library, runs: Sequence[Record]) -> tuple[list[Record], list[Note]]:
    """Records with their raw values, and a note for each that cannot be read."""
    read = [library.full(run.run_id) for run in runs]
    return (
        [record for record, _ in read if record is not None],
        [Note(reason, "warning") for record, reason in read if record is None],
    )

"""Tables and tiles of the Candidate page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evals.abilities import OTHER, ability_title
from leaderboard.pages.grid import Cell, Grid, Head, half, missing, text_grid
from leaderboard.pages.tiles import Tile
from leaderboard.rows.flags import said
from leaderboard.rows.metric import Metric, longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.rows.shown import applies
from leaderboard.runs.memory_limits import LimitPoint
from leaderboard.runs.timings import PhaseBytes, Timing
from leaderboard.stats.intervals import Interval
from leaderboard.units import (
    MIB,
    MISSING,
    format_half,
    format_number,
    format_percent,
    mib,
    ms,
    points,
)
from runners.records.record import Record

SINGLE_RUN = "Without ±: a single run, which says nothing of the next."


def tiles(row: Row) -> tuple[Tile, ...]:
    """The headline numbers of a candidate, each with what it rests on; of one that failed those
    that were measured before.
    """
    failed = row.record.status == "failed"
    told = [m for m in METRICS.values() if not (failed and row.value(m.key) is None)]
    shown = (one for one in told if one.headline or (one.at_times and applies(one, [row])))
    return tuple(_tile(row, one) for one in shown)


def _tile(row: Row, metric: Metric) -> Tile:
    number = row.number(metric.key)
    if metric.over == "items":
        score = row.score
        return Tile(
            metric.short,
            format_percent(number.value),
            _spread(number.interval, points),
            f"n = {score.n:,} items" if score else _why_no_score(row),
        )
    value, spread = _measured(number.value, number.interval, metric.unit.scale, metric.unit.number)
    return Tile(f"{metric.short} {metric.unit.symbol}", value, spread, _basis(row, metric))


def _basis(row: Row, metric: Metric) -> str:
    record, runs = row.record, row.basis(metric)
    if metric.by_workload:
        workload = longest_workload(record) or "no workload"
        return f"{workload}, {runs}" if row.runs > 1 else f"{workload}, one run: no interval"
    if metric.unit is MIB and metric.over == "runs":
        source = record.memory.source if record.memory else "not measured"
        return f"{source}, {row.number(metric.key).basis or runs}"
    return runs if metric.varies else bits_text(record)


def _measured(
    value: float | None, interval: Interval | None, scale: Callable[[float], float] = float,
    text: Callable[[float], str] = format_number,
) -> tuple[str, str]:  # fmt: skip
    if value is None:
        return MISSING, ""
    width = half(interval)
    spread = "" if width is None else format_half(scale(width), scale(value))
    return text(scale(value)), spread


def _spread(interval: Interval | None, scale: Callable[[float], float]) -> str:
    width = half(interval)
    if width is None:
        return ""
    return f"{scale(width):.1f}" if scale is points else format_number(scale(width))


def _why_no_score(row: Row) -> str:
    record = row.record
    if row.unscored:
        return f"no score: {row.unscored}"
    if not record.accuracy:
        return "no task was scored"
    left = sum(task.asked - task.n for task in record.accuracy.values())
    return (
        f"not scored: {left:,} items unanswered" if left else "no task of the suite enters a mean"
    )


def bits_text(record: Record) -> str:
    """Bits per weight as they are in the file."""
    kind = record.candidate.quantisation
    return f"{kind.bits_per_weight:.2f} bits a weight" if kind else "no weights file"


def task_grid(scores: Sequence[Score], caption: str) -> Grid:
    """Tasks and groups with their intervals, n and the level of guessing."""
    heads = (
        Head("task", number=False),
        Head("ability", number=False),
        Head("metric", number=False),
        Head("score", "%", "95 % interval over items"),
        Head("n"),
        Head("guessing", "%", "what guessing scores"),
        Head("note", number=False),
    )
    rows = tuple(
        (
            Cell(score.name),
            Cell("" if score.ability == OTHER else ability_title(score.ability)),
            Cell(score.metric),
            Cell(
                _score(score),
                _spread(score.interval, points),
                muted=score.told_from_chance is False,
            )
            if score.value is not None
            else missing(score.unusable or score.note or "its metric has no value"),
            Cell(f"{score.n:,}"),
            Cell(_percent(score.chance))
            if score.chance is not None
            else missing("no choices to guess among"),
            Cell(_note(score)),
        )
        for score in scores
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{points(share):.1f}"


def _score(score: Score) -> str:
    """Score in per cent where it is a share of items, else as it is."""
    if score.interval is None and score.left_out and score.value is not None:
        return format_number(score.value)
    return _percent(score.value)


def _note(score: Score) -> str:
    told = "not significantly above guessing" if score.told_from_chance is False else ""
    outside = f"not in the mean: {score.left_out}" if score.left_out else ""
    return ". ".join(part for part in (told, outside, score.unusable, score.note) if part)


_TIMING: dict[str, tuple[str, str, Callable[[float], float], str]] = {
    "ttft_s": ("time to first token", "ms", ms, "requests"),
    "itl_s": ("inter-token latency", "ms", ms, "gaps"),
    "decode_tokens_per_s": ("decode", "tokens/s", float, "requests"),
    "prefill_tokens_per_s": ("prefill", "tokens/s", float, "requests"),
}


def timing_grid(timings: Sequence[Timing], caption: str) -> Grid:
    """Medians with their run-to-run intervals, and the slow end, of one workload."""
    heads = (
        Head("time or rate", number=False),
        Head("unit", number=False),
        Head("median", hint="mean over runs of each run's median, ± half its 95 % t interval"),
        Head(
            "slow end",
            hint="over all runs' values: the slowest below 20, p90 from 20, p95 from 60; of "
            "rates the low end",
        ),
        Head("values", number=False),
        Head("runs"),
    )
    return Grid(caption=caption, heads=heads, rows=tuple(_timing(one) for one in timings))


def _timing(timing: Timing) -> tuple[Cell, ...]:
    name, unit, scale, values = _TIMING[timing.metric]
    return (
        Cell(name),
        Cell(unit),
        Cell(
            format_number(scale(timing.p50)),
            _spread(timing.interval, scale),
            "" if timing.interval else SINGLE_RUN,
        ),
        Cell(f"{format_number(scale(timing.slow))} ({timing.slow_is.partition(' ')[0]})"),
        Cell(f"{timing.values:,} {values}"),
        Cell(str(timing.runs)),
    )


def phase_grid(phases: Sequence[PhaseBytes], caption: str) -> Grid:
    """The memory of each phase in MiB."""
    heads = (
        Head("phase", number=False),
        Head("peak", "MiB", "the most resident bytes at any moment of the phase"),
        Head("anonymous", "MiB", "when the phase ends: cannot be dropped without swap"),
        Head("file-backed", "MiB", "when the phase ends: can be dropped and read again"),
    )
    rows = tuple(
        (
            Cell(one.phase),
            Cell(format_number(mib(one.peak_bytes))),
            *(
                Cell(format_number(mib(size))) if size is not None else missing(one.reason)
                for size in (one.anon_bytes, one.file_bytes)
            ),
        )
        for one in phases
    )
    return Grid(caption=caption, heads=heads, rows=rows)


def flag_grid(runs: Sequence[Record]) -> Grid:
    """Every flag, failure and verdict of the runs, once; without rows where there is none."""
    said: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        for words in _said(run):
            said.setdefault(words, []).append(run.run_id)
    rows = [(_which(ids, len(runs)), *words) for words, ids in said.items()]
    return text_grid("Warnings", ("run", "flag", "detail"), rows)


def _said(run: Record) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if run.error:
        found.append((run.status, f"{run.error.phase}: {run.error.message}"))
    elif run.status != "completed":
        found.append((run.status, ""))
    found.extend((flag.name, flag.detail) for flag in said(run))
    if run.verdict:
        words = (run.verdict.verdict, run.verdict.reason)
        found.append(("verdict", ": ".join(word for word in words if word)))
    return list(dict.fromkeys(found))


def _which(ids: Sequence[str], runs: int) -> str:
    return f"all {runs} runs" if len(ids) == runs > 1 else ", ".join(ids)


def limit_grid(curve: Sequence[LimitPoint], machine: str) -> Grid:
    """A candidate under its memory limits: the verdict, by what it was held, and its speed."""
    heads = (
        Head("limit", "MiB"),
        Head("verdict", number=False),
        Head("decode", "tokens/s", "mean over runs, ± half its 95 % t interval"),
        Head("peak", "MiB", "of the largest run"),
        Head("enforced by", number=False),
        Head("runs"),
        Head("reason", number=False),
    )
    rows = tuple(
        (
            Cell("none" if point.limit_bytes is None else format_number(mib(point.limit_bytes))),
            Cell(point.verdict),
            Cell(*_measured(point.decode_tokens_per_s, point.decode_interval))
            if point.decode_tokens_per_s is not None
            else missing("no run came so far as to be timed"),
            Cell(format_number(mib(point.peak_bytes)))
            if point.peak_bytes is not None
            else missing("no run came to the end of its latency phase"),
            Cell(point.enforced),
            Cell(str(point.runs)),
            Cell(point.reason),
        )
        for point in curve
    )
    return Grid(caption=f"Memory limits on {machine}", heads=heads, rows=rows)

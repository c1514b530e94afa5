"""Tables on stdout, made of the rows that `leaderboard` computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.rows.conditions import machine_name
from leaderboard.rows.metric import Metric, longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import short_names
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.rows.shown import applies
from leaderboard.stats.intervals import CutInterval
from leaderboard.units import MISSING, format_half, format_number, format_percent
from runners.cli.layout import Column, Grid, plain, state
from runners.records.circumstances import BudgetInfo

if TYPE_CHECKING:
    from rich.text import Text

    from runners.records.record import Record


def with_interval(score: Score | None) -> str:
    """Score with half the width of its 95 % interval, `54.3% ± 3.9`. An interval cut at 0 or 100 %,
    or on one side alone, is shown by its bounds: `100.0% (72.2 to 100.0)`.
    """
    if score is None or score.value is None:
        return MISSING
    if score.interval is None:
        return format_number(score.value)
    low, high = score.interval.low, score.interval.high
    if isinstance(score.interval, CutInterval) or not low < score.value < high:
        return f"{format_percent(score.value)} ({100 * low:.1f} to {100 * high:.1f})"
    return f"{format_percent(score.value)} ± {100 * score.interval.half:.1f}"


def results(rows: Sequence[Row]) -> Grid:
    """The main table: one row a record, names without what they have in common.

    The name of a single one stands in the title, where it has room.
    """
    several = len(rows) != 1
    names = short_names([row.record.candidate.name for row in rows])
    usual = (metric for metric in METRICS.values() if metric.over != "items")
    shown = [one for one in usual if one.usual or (one.at_times and applies(one, rows))]
    judged = any(row.verdict for row in rows)
    flagged = any(row.flags for row in rows)
    table = Grid(
        _title(rows, names),
        *(["candidate"] if several else []),
        *([Column(heading="verdict", left=True)] if judged else []),
        "accuracy %",
        *(_column(metric, place) for place, metric in enumerate(shown)),
        *([Column(heading="flags", wrap=True)] if flagged else []),
    )
    for name, row in zip(names, rows, strict=True):
        table.add_row(
            *([plain(name)] if several else []),
            *([state(row.verdict or MISSING)] if judged else []),
            score_cell(row.score),
            *(measured(row, metric) for metric in shown),
            *([_flags(row.flags)] if flagged else []),
        )
    return table


def _column(metric: Metric, place: int) -> Column:
    """A metric's column; where room is scarce those go first that are no axis or do not vary."""
    heading = " ".join(part for part in (metric.short, metric.unit.symbol) if part)
    return Column(heading=heading, drop=0 if metric.varies and metric.axis else place)


def _flags(flags: Sequence[str]) -> Text:
    """Flags in the colour of the worst of them."""
    failed = any(flag.startswith(("failed", "interrupted")) for flag in flags)
    colour = "failed" if failed else "limited"
    return state(colour if flags else "", ", ".join(flags))


def by_task(rows: Sequence[Row], width: int) -> list[Grid]:
    """Tasks down, candidates across; † marks what cannot be told from guessing.

    Where intervals have no room beside each score the widest of a task stands in one column, and
    candidates go on in a further table.
    """
    names = list(dict.fromkeys(score.name for row in rows for score in row.scores))
    headings = short_names([row.record.candidate.name for row in rows])
    title = "accuracy by task, % ± half the 95% interval (its bounds at 0 and 100%)"
    whole = _task_table(title, names, rows, headings, wide=True)
    if whole.fits(width):
        return [whole]
    size = len(rows)
    while size > 1 and not _task_table("", names, rows[:size], headings[:size]).fits(width):
        size -= 1
    title = "accuracy by task, %; ±: half the 95% interval, the widest of the row"
    return [
        _task_table(title, names, rows[at : at + size], headings[at : at + size])
        for at in range(0, len(rows), size)
    ]


def _task_table(
    title: str,
    names: Sequence[str],
    rows: Sequence[Row],
    headings: Sequence[str],
    *,
    wide: bool = False,
) -> Grid:
    items = Column(heading="n", drop=1)
    table = Grid(title, "task", items, *headings, *([] if wide else ["±"]))
    for name in names:
        found = [next((s for s in row.scores if s.name == name), None) for row in rows]
        known = [score for score in found if score]
        if not known:
            continue
        halves = [score.interval.half for score in known if score.interval]
        cells = [(score_cell(s) if wide else _value(s)) + _chance_mark(s) for s in found]
        table.add_row(
            plain(f"{name} ({known[0].metric})"),
            _span([score.n for score in known]),
            *cells,
            *([] if wide else [f"{100 * max(halves):.1f}" if halves else ""]),
        )
    return table


def _span(counts: Sequence[int]) -> str:
    """A number, or the least and the largest where candidates were not asked the same."""
    least, most = min(counts), max(counts)
    return f"{most:,}" if least == most else f"{least:,}\N{EN DASH}{most:,}"


def _value(score: Score | None) -> str:
    return score_cell(score).partition(" ")[0]


def score_cell(score: Score | None) -> str:
    """A score under a heading that says per cent: `54.3 ± 3.9`."""
    return with_interval(score).replace("%", "")


def notes(rows: Sequence[Row]) -> list[str]:
    """Notes for a reader of the tables."""
    lines = [f"{row.record.candidate.name}: no suite score: {row.unscored}" for row in rows
             if row.unscored]  # fmt: skip
    outside: dict[str, dict[str, None]] = {}
    for score in (one for row in rows for one in row.scores if one.left_out):
        outside.setdefault(score.left_out, {})[score.name] = None
    lines += [f"{', '.join(names)}: not in the mean: {why}" for why, names in outside.items()]
    if any(s.told_from_chance is False for row in rows for s in row.scores):
        lines.append("† not significantly above guessing (one-sided exact binomial test, 5%)")
    seen: dict[str, str] = {}
    for row in rows:
        seen.update({score.name: score.note for score in row.scores if score.note})
    lines.extend(f"{name}: {note}" for name, note in seen.items())
    lines.extend(dict.fromkeys(budget_line(r.record.budget) for r in rows if r.record.budget))
    return [*lines, *_stopped(rows), *_repeats(rows), *_contended(rows)]


def _stopped(rows: Sequence[Row]) -> list[str]:
    """Explanation of the flag `stopped`: who was asked fewer items than the others, and why."""
    found: dict[str, list[str]] = {}
    for row in rows:
        looks = row.record.job.looks
        if looks is not None and looks.stopped:
            said = f"stopped at look {looks.look}: {looks.stopped}; asked fewer items"
            found.setdefault(said, []).append(row.record.candidate.name)
    return [f"{said}: {', '.join(names)}" for said, names in found.items()]


def _contended(rows: Sequence[Row]) -> list[str]:
    """Explanation of the flag `contended` below the table, with what to do."""
    names = [
        row.record.candidate.name
        for row in rows
        if any(flag.startswith("contended") for flag in row.flags)
    ]
    if not names:
        return []
    return [
        "contended: other processes used this machine's cores while times were taken, so they are "
        "too slow by an unknown amount (accuracy is not touched); measure again on an idle machine "
        f"with --fresh: {', '.join(names)}"
    ]


def _repeats(rows: Sequence[Row]) -> list[str]:
    """Note on how far the times can be trusted from run to run; a single run says nothing of the
    next.
    """
    most = max((row.runs for row in rows), default=0)
    if most > 1:
        alone = [row.record.candidate.name for row in rows if row.runs == 1]
        but = f"; one run, so no interval: {', '.join(alone)}" if alone else ""
        mean = f"mean of up to {most} process runs ± half its 95% t interval"
        largest = "peak and anonymous: the largest run ± how far another may lie from it (95%)"
        return [f"TTFT and decode: {mean}; {largest}{but}"]
    if rows:
        return ["one process run a candidate, so times carry no run-to-run interval (--repeats N)"]
    return []


def budget_line(budget: BudgetInfo) -> str:
    """Limits of a record's budget, how they were enforced, and what the budget does not limit."""
    from runners.compute.budget import Budget
    from runners.compute.budget_use import CHECKED, NOT_SPEED, limits

    known = {key: getattr(budget, key) for key in Budget.model_fields}
    by = budget.enforced.said() if budget.enforced else {}
    enforced = ", ".join(f"{what} by {how}" for what, how in by.items() if how and how != CHECKED)
    asked = limits(Budget.model_construct(**known))
    return f"budget {budget.name}: {asked}{f' ({enforced})' if enforced else ''}; it {NOT_SPEED}"


def _title(rows: Sequence[Row], names: Sequence[str]) -> str:
    if not rows:
        return "no results"
    record = rows[0].record
    full = record.candidate.name
    common = full.removesuffix(names[0])
    family = f"{common}… · " if common and full != names[0] else ""
    if len(rows) == 1:
        family = f"{full} \N{MIDDLE DOT} "
    workload = next((longest_workload(r.record) for r in rows if r.record.latency), None)
    times = f" · times at {workload} tokens" if workload else ""
    return (
        f"{family}{record.suite.name} (version {record.suite.version}) · {_machine(record)}{times}"
    )


def _machine(record: Record) -> str:
    about = record.machine
    if about.cpu_model is None:
        return machine_name(record)
    return f"{about.cpu_model}, {about.usable_cpus} cores"


def _chance_mark(score: Score | None) -> str:
    return " †" if score and score.told_from_chance is False else ""


def measured(row: Row, metric: Metric) -> str:
    """A number, with half its run-to-run interval where there are several runs."""
    number, scale = row.number(metric.key), metric.unit.scale
    if number.value is None or number.interval is None:
        return short_number(row, metric)
    half = format_half(scale(number.interval.half), scale(number.value))
    return f"{short_number(row, metric)} ± {half}"


def short_number(row: Row, metric: Metric) -> str:
    """A number without its interval, in the metric's shown unit."""
    value = row.value(metric.key)
    return MISSING if value is None else metric.unit.number(metric.unit.scale(value))

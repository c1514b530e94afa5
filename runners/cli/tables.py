"""Tables on stdout, made of the rows that `leaderboard` computes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from evals.terminal import LAYOUT, printable, unguarded
from leaderboard.rows.metric import Metric, longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row, Score
from leaderboard.stats.intervals import CutInterval
from leaderboard.units import MISSING, format_number, format_percent
from runners.records.circumstances import BudgetInfo

WIDE = 160


class _Stdout(Console):
    """Rich's styles, with what stands between them as plain text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Leave nothing that steers a terminal to what was printed; rich's own is in `control`."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text, LAYOUT), style)


def console() -> Console:
    """Stdout; wide enough not to cut a table short where it is not a terminal."""
    width = None if sys.stdout.isatty() else WIDE
    return _Stdout(file=unguarded(sys.stdout), width=width, highlight=False)


def new_table(title: str, *columns: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    heading = Text(title, style="bold") if title else None
    table = Table(title=heading, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(plain(column), justify="right" if number else "left", overflow="fold")
    return table


def plain(text: object) -> Text:
    """Text as data: what stands in a record is never read as markup."""
    return Text(printable(str(text)))


def with_interval(score: Score | None) -> str:
    """`54.3% ± 3.9`, half the width of the 95 % interval; where it is cut at 0 or 100 %, or lies
    on one side alone, its bounds: `100.0% (72.2 to 100.0)`.
    """
    if score is None or score.value is None:
        return MISSING
    if score.interval is None:
        return format_number(score.value)
    low, high = score.interval.low, score.interval.high
    if isinstance(score.interval, CutInterval) or not low < score.value < high:
        return f"{format_percent(score.value)} ({100 * low:.1f} to {100 * high:.1f})"
    return f"{format_percent(score.value)} ± {100 * score.interval.half:.1f}"


def results(rows: Sequence[Row]) -> Table:
    """The main table: one row a record."""
    first = next((longest_workload(r.record) for r in rows if r.record.latency), None)
    shown = [metric for metric in METRICS.values() if metric.usual and metric.over != "items"]
    judged = any(row.verdict for row in rows)
    table = new_table(
        _title(rows),
        "candidate",
        *(["verdict"] if judged else []),
        "accuracy",
        *(_heading(metric, first) for metric in shown),
        "flags",
    )
    for row in rows:
        table.add_row(
            plain(row.record.candidate.name),
            *([plain(row.verdict or MISSING)] if judged else []),
            with_interval(row.score),
            *(measured(row, metric) for metric in shown),
            plain(", ".join(row.flags)),
        )
    return table


def _heading(metric: Metric, workload: str | None) -> str:
    of = f"({workload})" if metric.by_workload and workload else ""
    return " ".join(part for part in (metric.short, metric.unit.symbol, of) if part)


def by_task(rows: Sequence[Row]) -> Table:
    """Tasks down, candidates across; † marks what cannot be told from guessing."""
    names = list(dict.fromkeys(score.name for row in rows for score in row.scores))
    headings = [row.record.candidate.name for row in rows]
    table = new_table(
        "accuracy by task, % ± half the 95% interval (its bounds at 0 and 100%)",
        "task",
        "n",
        *headings,
    )
    for name in names:
        found = [next((s for s in row.scores if s.name == name), None) for row in rows]
        n = max((s.n for s in found if s), default=0)
        cells = [with_interval(s) + _chance_mark(s) for s in found]
        known = next(s for s in found if s)
        table.add_row(plain(f"{name} ({known.metric})"), f"{n:,}", *cells)
    return table


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader of the tables has to know."""
    lines = [f"{row.record.candidate.name}: no suite score: {row.unscored}" for row in rows
             if row.unscored]  # fmt: skip
    outside = {s.name: s.left_out for row in rows for s in row.scores if s.left_out}
    lines += [f"{name}: not in the mean: {why}" for name, why in outside.items()]
    if any(s.told_from_chance is False for row in rows for s in row.scores):
        lines.append("† not told from guessing (one-sided exact binomial test, 5%)")
    seen: dict[str, str] = {}
    for row in rows:
        seen.update({score.name: score.note for score in row.scores if score.note})
    lines.extend(f"{name}: {note}" for name, note in seen.items())
    lines.extend(dict.fromkeys(budget_line(r.record.budget) for r in rows if r.record.budget))
    return [*lines, *_repeats(rows)]


def _repeats(rows: Sequence[Row]) -> list[str]:
    """How far the times can be trusted from run to run; a single run says nothing of the next."""
    most = max((row.runs for row in rows), default=0)
    if most > 1:
        alone = [row.record.candidate.name for row in rows if row.runs == 1]
        but = f"; one run, so no interval: {', '.join(alone)}" if alone else ""
        mean = f"mean of up to {most} process runs ± half its 95% t interval"
        return [f"TTFT, decode and peak: {mean}{but}"]
    if rows:
        return ["one process run a candidate, so times carry no run-to-run interval (--repeats N)"]
    return []


def budget_line(budget: BudgetInfo) -> str:
    """What a record's budget limited, by what, and what it does not limit."""
    from runners.compute.budget import Budget
    from runners.compute.budget_use import NOT_SPEED, limits

    known = {key: getattr(budget, key) for key in Budget.model_fields}
    by = budget.enforced.said() if budget.enforced else {}
    enforced = [f"{what} by {how}" for what, how in by.items() if how]
    asked = limits(Budget.model_construct(**known))
    return f"budget {budget.name}: {asked} ({', '.join(enforced)}); it {NOT_SPEED}"


def _title(rows: Sequence[Row]) -> str:
    if not rows:
        return "no results"
    record = rows[0].record
    machine = record.machine
    return (
        f"{record.suite.name} (version {record.suite.version}) on {machine.cpu_model}, "
        f"{machine.usable_cpus} cores"
    )


def _chance_mark(score: Score | None) -> str:
    return " †" if score and score.told_from_chance is False else ""


def measured(row: Row, metric: Metric) -> str:
    """A number, with half its run-to-run interval where there are several runs."""
    number, scale = row.number(metric.key), metric.unit.scale
    if number.value is None:
        return MISSING
    if number.interval is None:
        return format_number(scale(number.value))
    return f"{format_number(scale(number.value))} ± {format_number(scale(number.interval.half))}"

"""Tables of the History and Machines pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from leaderboard.gate.past import PastGate
from leaderboard.pages.controls import Go
from leaderboard.pages.grid import Cell, Grid, Head, half, missing, text_grid, without_empty
from leaderboard.pages.measures import shown, shown_interval
from leaderboard.pages.method.glossary import Chapter
from leaderboard.pages.method.lookup import term_name
from leaderboard.pages.selecting import compare_runs
from leaderboard.rows.conditions import budget_name, machine_in_full, suite_in_full
from leaderboard.rows.machines import Data, Machine, Measured
from leaderboard.rows.metric import Metric
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.runs.history import Line
from leaderboard.units import MISSING, format_gib, format_minute, format_number, points

_ONE_RUN = "Without ±: a single run, which says nothing of the next."


def line_grid(line: Line, caption: str, checks: Mapping[str, PastGate]) -> Grid:
    """The points of one line, the newest first, with what changed at each.

    Args:
        line: of one candidate.
        caption: what it is of.
        checks: the newest check of each batch.
    """
    heads = (
        Head("when", "UTC", number=False),
        Head("check", number=False, hint="what weighin check said of it last"),
        Head("compare", number=False, ways=True),
        Head("accuracy", "%", "95 % interval over items"),
        Head("n"),
        *measured_heads(),
        Head("runs"),
        Head("runtime", number=False),
        Head("Weighin", number=False),
        Head("changed", number=False),
        Head("flags", number=False),
    )
    rows = tuple(
        (
            Cell(format_minute(point.row.record.created_at)),
            _check(checks.get(point.row.record.job.batch)),
            _before(line, place),
            *accuracy_cells(point.row),
            *measured_cells(point.row),
            Cell(str(point.row.runs)),
            Cell(point.versions.runtime),
            Cell(point.versions.weighin),
            Cell("; ".join(point.changes)),
            Cell("; ".join(point.row.flags)),
        )
        for place, point in reversed(list(enumerate(line.points)))
    )
    return without_empty(Grid(caption=caption, heads=heads, rows=rows))


def line_name(line: Line) -> str:
    """The conditions that its points share."""
    record = line.points[-1].row.record
    return f"{machine_in_full(record)} · {suite_in_full(record)} · {budget_name(record)}"


def _check(gate: PastGate | None) -> Cell:
    if gate is None:
        return Cell("")
    return _verdict(gate, opens=Go(label="", page="checks", changes={}))


def _before(line: Line, place: int) -> Cell:
    if not place:
        return Cell("")
    first, second = (line.points[one].row.record.run_id for one in (place - 1, place))
    return Cell("to previous", opens=compare_runs(first, second, ""))


def gate_grid(gates: Sequence[PastGate]) -> Grid:
    """Table of the regression gate's verdicts, in the order given."""
    heads = (
        Head("when", "UTC", number=False),
        Head("candidate", number=False),
        Head("verdict", number=False),
        Head("against", number=False),
        Head("suite", number=False),
        Head("machine", number=False),
        Head("in a sentence", number=False, wide=True),
    )
    rows = tuple(
        (
            Cell(format_minute(gate.created_at)),
            Cell(gate.candidate),
            _verdict(gate),
            Cell(gate.baseline),
            Cell(gate.suite),
            Cell(gate.machine or MISSING),
            Cell(gate.line),
        )
        for gate in gates
    )
    return Grid(caption="Checked for regressions (weighin check)", heads=heads, rows=rows)


def _verdict(gate: PastGate, *, opens: Go | None = None) -> Cell:
    return Cell(gate.verdict, bad=gate.verdict == "regressed", opens=opens)


def accuracy_cells(row: Row) -> tuple[Cell, Cell]:
    """The score in percent with its interval, and over how many items."""
    score = row.score
    if score is None or score.value is None:
        reason = row.unscored or "no task was scored, or items are unanswered"
        return missing(reason), missing(reason)
    width = half(score.interval)
    spread = "" if width is None else f"{points(width):.1f}"
    return Cell(f"{points(score.value):.1f}", spread), Cell(f"{score.n:,}")


def measured_heads() -> tuple[Head, ...]:
    """Heads of the usual metrics that vary from run to run."""
    return tuple(Head(one.short, one.unit.symbol, "± run to run") for one in _measured())


def measured_cells(row: Row) -> tuple[Cell, ...]:
    """Cells with those metrics of a candidate, each with its spread between runs."""
    found = []
    for metric in _measured():
        value, width = shown(metric, row), half(shown_interval(metric, row))
        if value is None:
            found.append(missing("was not measured"))
        elif width is None:
            found.append(Cell(format_number(value), hint=_ONE_RUN))
        else:
            found.append(Cell(format_number(value), format_number(width)))
    return tuple(found)


def _measured() -> list[Metric]:
    return [one for one in METRICS.values() if one.usual and one.over == "runs"]


def machine_grid(machines: Sequence[Machine]) -> Grid:
    """Every machine, and how much was measured on it."""
    heads = (
        Head("machine", number=False),
        Head("fingerprint", number=False),
        Head(
            "generation",
            number=False,
            hint="generation of the processor: names are shared by several",
        ),
        Head("cores", hint="that a process may use"),
        Head("memory", number=False),
        Head("GPU", number=False),
        Head("runs"),
        Head("flagged", hint="runs with at least one flag"),
        Head("not completed"),
        Head("first", "UTC", number=False),
        Head("last", "UTC", number=False),
    )
    rows = tuple(
        (
            Cell(f"{one.cpu_model}, {one.os_family}"),
            Cell(one.fingerprint),
            Cell(one.generation, hint=", ".join(one.features)),
            missing("the record does not say")
            if one.usable_cpus is None
            else Cell(str(one.usable_cpus)),
            Cell(format_gib(one.ram_bytes)),
            Cell(one.gpu or "none"),
            Cell(f"{one.runs:,}"),
            Cell(f"{one.flagged:,}"),
            Cell(f"{one.unfinished:,}"),
            Cell(format_minute(one.first)),
            Cell(format_minute(one.last)),
        )
        for one in machines
    )
    return Grid(
        caption="Results of different machines are not ranked together. A machine known by its "
        "name only is never taken for one that is known by more, whatever its name.",
        heads=heads,
        rows=rows,
    )


def measured_grid(found: Sequence[Measured]) -> Grid:
    """Table of candidates by suite, machine and build of the runtime."""
    heads = (
        Head("candidate", number=False),
        Head("digest", number=False, hint="identifies weights, runtime and chosen settings"),
        Head("suite", number=False),
        Head("machine", number=False, hint="fingerprint"),
        Head("build", number=False, hint="build of the runtime"),
        Head("items"),
        Head("runs"),
        Head("ended", number=False),
        Head("last", "UTC", number=False),
    )
    rows = tuple(
        (
            Cell(one.candidate),
            Cell(one.digest[:6]),
            Cell(one.suite),
            Cell(one.machine),
            Cell(one.build),
            Cell(f"{one.items:,}"),
            Cell(f"{one.runs:,}"),
            Cell(", ".join(f"{count} {status}" for status, count in one.statuses)),
            Cell(format_minute(one.last)),
        )
        for one in found
    )
    return Grid(caption="What was measured where", heads=heads, rows=rows)


def data_grid(found: Sequence[Data]) -> Grid:
    """Table of the sources of each task's items, with their licences."""
    rows = [
        (
            one.task,
            f"{one.uri} ({one.source}), {one.split}",
            one.sha256[:12] or MISSING,
            one.licence,
            one.note,
        )
        for one in found
    ]
    return text_grid("Data", ("task", "from", "sha256", "licence", "note"), rows)


def chapter_grid(chapter: Chapter) -> Grid:
    """The terms of one chapter of the glossary."""
    rows = [(t.word, t.meaning, t.formula, t.source) for t in chapter.terms]
    found = text_grid(chapter.title, ("word", "is", "formula", "source"), rows)
    word, *others = found.heads
    return replace(
        found,
        heads=(word, *(replace(one, wide=True) for one in others)),
        names=tuple(term_name(term.word) for term in chapter.terms),
    )

"""Candidate: everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboard.compare.comparison import Side
from leaderboard.gate.history import checked
from leaderboard.gate.past import gate_folders, gates_of
from leaderboard.pages.blocks import (
    Bar,
    Beside,
    Block,
    Code,
    Contents,
    Figure,
    Fold,
    Heading,
    Json,
    Note,
    Shown,
    Table,
    Text,
    Texts,
    Tiles,
)
from leaderboard.pages.candidate import identity, measured, tables
from leaderboard.pages.candidate.deadline_figure import deadline_figure
from leaderboard.pages.candidate.own_questions import own_blocks
from leaderboard.pages.candidate.part_figures import tensors_figure
from leaderboard.pages.candidate.tasks_figure import tasks_figure
from leaderboard.pages.candidate.users import SEVERAL, users_blocks
from leaderboard.pages.checks.alarms import alarms
from leaderboard.pages.contexts.cost import TITLE, cost_blocks
from leaderboard.pages.controls import Download, Go, pick_field
from leaderboard.pages.folded import LongText
from leaderboard.pages.history.tables import line_grid, line_name
from leaderboard.pages.library import Library
from leaderboard.pages.measure.command import Asked, command
from leaderboard.pages.overview.use import use
from leaderboard.pages.selecting import candidate, compare_runs, selected
from leaderboard.rows.answers import Answers
from leaderboard.rows.conditions import build_name, machine_in_full, machine_name
from leaderboard.rows.repeats import runs_of
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection, elsewhere
from leaderboard.rows.view import View
from leaderboard.runs.deadline import deadline_curves
from leaderboard.runs.generations import generations, title
from leaderboard.runs.history import history
from leaderboard.runs.own_questions import own_answers
from leaderboard.runs.timings import tensor_shares
from leaderboard.runs.users import SeveralUsers, several_users
from leaderboard.text import cut
from runners.records.record import JobError, Record

PARTS = ("Accuracy", "Latency", "Memory", "What it is", "Raw data")
"""Headings that every candidate has."""


def page(library: Library, view: View) -> Iterator[Block]:
    """Headline numbers, accuracy by task, times, memory, identity and the raw record."""
    selection = yield from selected(library, view)
    if selection is None:
        return
    row = yield from candidate(library, selection, view)
    runs = runs_of(row.record, library.stores().records)
    yield from _head(row, selection)
    yield from alarms(library, [row.record.candidate.name])
    if row.record.error is not None:
        yield from _failure(row.record, row.record.error)
    if tiles := tables.tiles(row):
        yield Tiles(tiles)
    if how := tuple(use(row.record.candidate)):
        yield Fold("Use it", how)
    users = _several(library, row)
    cost = tuple(cost_blocks([(row.record.candidate.name, Side(runs=tuple(runs)).scored)]))
    accuracy, latency, *others = PARTS
    parts = (accuracy, TITLE if cost else "", latency, SEVERAL if users else "", *others)
    yield Contents(tuple(filter(None, parts)))
    flags = tables.flag_grid(runs)
    if flags.rows:
        yield Table(flags)
    yield from _accuracy(library, row, runs)
    yield from cost
    yield from measured.times(library, view, runs)
    if users is not None:
        yield from users_blocks(users, machine_name(row.record))
    yield from measured.memory(library, runs)
    yield from _identity(library, row)
    yield from _over_time(library, row)
    yield from _record(library, view, runs)


def _head(row: Row, selection: Selection) -> Iterator[Block]:
    record, place = row.record, selection.shared.place
    yield Heading(record.candidate.name, 1)
    measured_under = (
        machine_in_full(record),
        build_name(record),
        selection.suites[place.suite],
        selection.budgets[place.budget],
    )
    yield Text(" · ".join(measured_under), small=True)
    if len(selection.rows) > 1:
        changes = {"candidates": (record.candidate.digest,)}
        yield Go(label="Compare with another", page="compare", changes=changes)


def _failure(record: Record, error: JobError) -> Iterator[Block]:
    """Why there is little to show, and what finds the cause."""
    yield Note(f"It {record.status} in {error.phase}: {error.message}", "error")
    if record.status == "failed":
        yield Code(f"weighin doctor\n{record.command}")


def _accuracy(library: Library, row: Row, runs: Sequence[Record]) -> Iterator[Block]:
    yield Heading("Accuracy")
    if all(score.value is None for score in row.scores):
        yield Note("No task was scored in these runs.")
        return
    caption = f"{machine_name(row.record)}; 95 % intervals over items"
    yield Figure("tasks", lambda dark: tasks_figure(row.scores, dark=dark), "Accuracy by task")
    yield Fold("As a table", (Table(tables.task_grid(row.scores, caption)),))
    answers, reason = library.answers(Side(runs=tuple(runs)).scored.run_id)
    if answers is None:
        yield Note(f"No answers by item: {reason}")
        return
    for own in own_answers(answers.record, answers.samples):
        yield from own_blocks(own)
    yield from _generations(answers)
    curves, _ = deadline_curves(answers)
    if curves:
        yield Heading("Accuracy within a deadline")
        yield Figure(
            "deadline",
            lambda dark: deadline_figure(curves, dark=dark),
            "Share answered correctly against the deadline",
        )
        yield Text(
            "Answers that are complete after the deadline count as wrong. The band is the 95 % "
            "interval over items, at each deadline by itself; the times are those of one run.",
            small=True,
        )


MOST_THOUGHTS = 40
"""Whole texts on the page."""


def _generations(answers: Answers) -> Iterator[Block]:
    """What it wrote before it answered, the wrong ones first."""
    found = generations(answers)
    if found:
        texts = tuple(LongText(title(one), one.raw) for one in found[:MOST_THOUGHTS])
        held = Texts(texts, len(found) - len(texts))
        yield Fold(f"Whole texts, with thought ({len(found):,})", (held,))


def _several(library: Library, row: Row) -> SeveralUsers | None:
    """What several users met, of the newest runs that were asked by several."""
    asked = [one for one in library.stores().records if one.users is not None]
    return several_users(run for run in runs_of(row.record, asked) if run.users is not None)


def _identity(library: Library, row: Row) -> Iterator[Block]:
    record = row.record
    yield Heading("What it is")
    shares = tensor_shares(record)
    if shares:
        yield Figure("tensors", lambda dark: tensors_figure(shares, dark=dark), "Tensor types")
    who, where = Table(identity.identity_grid(record)), Table(identity.machine_grid(record))
    yield Fold("Model file, settings, machine and software", (Beside(((who,), (where,))),))
    others = elsewhere(library.rows(), row)
    if others:
        yield Table(identity.elsewhere_grid(others))


def _over_time(library: Library, row: Row) -> Iterator[Block]:
    """Every measurement of it, each with a way to the comparison with the one before."""
    records, name = library.stores().records, row.record.candidate.name
    lines = history(records, name)
    points = [point.row.record for line in lines for point in line.points]
    if len(points) < 2:
        return
    yield Heading("Measured more than once")
    gates, _ = gates_of(gate_folders(library.stores()), name)
    checks = checked(gates, [one for one in records if one.candidate.name == name])
    for line in lines:
        yield Table(line_grid(line, line_name(line), checks))
    ways = [Go(label=f"History of {cut(name, 40)}", page="history", changes={"name": name})]
    if pair := newest_two(points):
        ways.insert(0, compare_runs(*pair, "Compare the newest two"))
    yield Bar(tuple(ways))


def newest_two(runs: Sequence[Record]) -> tuple[str, str] | None:
    """The newest run that another of the same suite comes before, after that other."""
    ordered = sorted(runs, key=lambda one: (one.created_at, one.run_id))
    for place in reversed(range(len(ordered))):
        suite = ordered[place].suite.digest
        earlier = [one for one in ordered[:place] if one.suite.digest == suite]
        if earlier:
            return earlier[-1].run_id, ordered[place].run_id
    return None


def _record(library: Library, view: View, runs: Sequence[Record]) -> Iterator[Block]:
    yield Heading("Raw data")
    names = {
        run.run_id: f"{run.run_id} · repeat {run.job.repeat + 1} · {run.status}" for run in runs
    }
    chosen = view.run if view.run in names else Side(runs=tuple(runs)).scored.run_id
    if view.run and view.run not in names:
        yield Note(f'run "{view.run}" is none of this candidate; showing another', "link")
        yield Shown({"run": chosen})
    yield pick_field("run", "run", names, chosen)
    record, reason = library.full(chosen)
    if record is None:
        yield Note(reason, "error")
        return
    yield Text("The command that made it:", small=True)
    yield Code(record.command)
    yield Text("This candidate alone, on the same suite:", small=True)
    yield Code(command(Asked(model=record.candidate.name, suite=record.suite.name)))
    content = record.model_dump_json(indent=1)
    yield Download(
        label="record.json",
        file=f"{record.run_id}.json",
        mime="application/json",
        content=lambda: content,
    )
    yield Fold("The raw record", (Json(content),))

"""The last lines of `run` and `show`: which one to ship, where it fits, and what to type next."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from evals.errors import RecordError
from leaderboard.choose.limits import weighted_accuracy
from leaderboard.rows.abilities import task_weights
from leaderboard.rows.gpu import OWN, VRAM, gpu_unknown
from leaderboard.rows.guessing import guessing_level
from leaderboard.rows.names import short_names
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.units import format_size, mib, points
from runners.candidates.catalogue import candidate_names
from runners.cli.layout import COLOURS, plain, say
from runners.cli.plot import Point, legend, plot
from runners.compute.budget import Budget, budget_names, find_budget

if TYPE_CHECKING:
    from rich.console import Console

    from leaderboard.choose.choice import Choice
    from leaderboard.choose.overview import Overview
    from leaderboard.rows.answers import Answers
    from runners.records.store import Store

FEWEST_PLOTTED = 3
LIMIT = "vps-1gb"
"""The preset that is proposed to who has measured without a limit."""


def print_ending(
    out: Console, rows: Sequence[Row], store: Store, *, shown: int | None = None,
    view: View | None = None, said: Sequence[str] = (),
) -> None:  # fmt: skip
    """Print the recommendation, a plot from three candidates on, presets and next commands.

    Args:
        out: stdout.
        rows: all that were measured under the same conditions, of which one is chosen.
        store: where the records are, which the commands name.
        shown: which of the rows is looked at; None: all of them.
        view: what counts in the accuracy; None: every task alike.
        said: sentences that follow the answer.
    """
    measured = [row for row in rows if peak_bytes(row) is not None]
    several = len(measured) > 1
    found = judged(measured, store, view) if several else None
    choice = found.choice if found else None
    out.print()
    if several:
        _plot(out, measured, choice.row if choice else None, view)
        say_answer(out, found)
    for line in said:
        say(out, line)
    looked_at = rows if shown is None else [rows[shown]]
    if any(peak_bytes(row) is not None for row in looked_at):
        _presets(out, looked_at)
    for line in next_commands(looked_at, store, choice):
        say(out, line, indent=6)


def peak_bytes(row: Row) -> float | None:
    """Peak memory of the candidate; None where it was not measured."""
    return row.value("memory")


def say_answer(out: Console, found: Overview | None) -> None:
    """Print which one to ship, what speaks for it, and what the next choices cost."""
    if found is None:
        say(out, "No answer: no candidate has a score of the whole suite.", style="bold")
        return
    say(out, found.claim, style="bold")
    for line in filter(None, (found.answer.evidence, *found.answer.warnings)):
        say(out, line)
    for line in found.answer.nexts:
        say(out, f"  {line}", indent=4)


def judged(rows: Sequence[Row], store: Store, view: View | None = None) -> Overview | None:
    """The board's judgement of the rows without a limit; None where none has a score.

    Args:
        rows: measured under the same conditions.
        store: where their answers are.
        view: what counts in the accuracy; None: every task alike.

    Of rows that may not be ranked together, those of most candidates are judged.
    """
    from leaderboard.choose.overview import look
    from leaderboard.choose.reading import gather_for, judge_by
    from leaderboard.rows.selection import select

    view = view or View()
    selection = select(rows, view)
    if selection is None or not any(row.score for row in rows):
        return None
    read = lru_cache(partial(_answers, store))
    peers = gather_for(selection.rows, read, view)
    return look(peers, view, judge_by(read, peers))


def _answers(store: Store, run_id: str) -> Answers | None:
    """A run's item scores; None where its samples cannot be read."""
    from leaderboard.rows.answers import read_answers

    try:
        record = store.read(run_id)
        return read_answers(record, store.answers(record))
    except RecordError:
        return None


def _plot(out: Console, rows: Sequence[Row], chosen: Row | None, view: View | None) -> None:
    weights = task_weights(view or View(), rows)
    accuracy = {row.record.run_id: weighted_accuracy(row, weights) for row in rows}
    scored = [row for row in rows if accuracy[row.record.run_id] is not None]
    if len(scored) < FEWEST_PLOTTED:
        return
    names = short_names([row.record.candidate.name for row in scored])
    marks = [
        Point(x=mib(peak_bytes(row) or 0), y=points(accuracy[row.record.run_id] or 0.0), name=name,
              chosen=chosen is not None and row.record.run_id == chosen.record.run_id)
        for name, row in zip(names, scored, strict=True)
    ]  # fmt: skip
    ascii_only = not (out.encoding or "").lower().startswith("utf")
    level = guessing_level(scored[0], weights)
    guess = None if level is None else points(level)
    weighted = "weighted " if view and view.ability_weights else ""
    say(out, f"{weighted}accuracy %   {legend(ascii_only=ascii_only, guess=guess)}")
    for line in plot(
        marks, width=out.width, x_label="peak MiB", guess=guess, ascii_only=ascii_only
    ):
        out.print(plain(line), soft_wrap=True)
    out.print()


def presets(rows: Sequence[Row], budgets: Sequence[Budget]) -> list[tuple[bool, str]]:
    """Presets that candidates fit by their peaks, the smallest memory first.

    Returns:
        Lines, each with whether anything fits; presets that the same candidates fit share one.
    """
    gpu = any(row.record.gpu is not None for row in rows)
    limits = [b for b in budgets if b.memory_bytes is not None and (gpu or b.vram_bytes is None)]
    groups: list[tuple[list[int], list[Budget]]] = []
    for budget in sorted(limits, key=lambda b: (b.memory_bytes or 0, b.name)):
        fit = [i for i, row in enumerate(rows) if _fits(row, budget)]
        if groups and groups[-1][0] == fit:
            groups[-1][1].append(budget)
        else:
            groups.append((fit, [budget]))
    names = short_names([row.record.candidate.name for row in rows])
    return [(bool(fit), f"{_named(budgets)}: {_fitting(fit, names)}") for fit, budgets in groups]


def _fits(row: Row, budget: Budget) -> bool:
    """True where a candidate's peaks keep to a computer's memory, and to its GPU's."""
    gpu = row.record.gpu
    if (peak_bytes(row) or math.inf) > (budget.memory_bytes or 0):
        return False
    if gpu_unknown(row.record) and row.record.machine.gpu:
        return False  # a card is here, and nobody says what the runtime put there
    if gpu is None or gpu.unified:
        return True
    used = row.value(VRAM) or row.value(OWN) or math.inf
    return used <= (budget.vram_bytes or 0)


def _named(budgets: Sequence[Budget]) -> str:
    """Names of budgets, with the size where the name has none."""
    sizes = [format_size(b.memory_bytes or 0).replace(" ", "\N{NO-BREAK SPACE}") for b in budgets]
    return ", ".join(
        b.name if any(c.isdigit() for c in b.name) else f"{b.name} ({size})"
        for b, size in zip(budgets, sizes, strict=True)
    )


def _fitting(fit: Sequence[int], names: Sequence[str]) -> str:
    if not fit:
        return "no" if len(names) == 1 else "none fits"
    if len(fit) == len(names):
        return {1: "yes", 2: "both fit"}.get(len(names), f"all {len(names)} fit")
    return f"fits: {', '.join(names[i] for i in fit)}"


def _presets(out: Console, rows: Sequence[Row]) -> None:
    unlimited = any(row.record.budget is None for row in rows)
    say(out, f"Fits by peak memory{' (measured without a limit)' if unlimited else ''}:")
    for fit, line in presets(rows, [find_budget(name) for name in budget_names()]):
        say(out, f"  {line}", indent=4, style=COLOURS["yes" if fit else "no"])


def next_commands(rows: Sequence[Row], store: Store, choice: Choice | None) -> list[str]:
    """Commands that one would type next.

    Args:
        rows: what is shown.
        store: of the records.
        choice: among several; None of one.
    """
    where = f" --store {shlex.quote(str(store.root))}"
    lines = []
    disturbed = [row.record for row in rows if any(f.startswith("contended") for f in row.flags)]
    if disturbed and disturbed[0].command.startswith("weighin run"):
        again = disturbed[0].command.replace(" --fresh", "")
        lines.append(f"{again} --fresh")
    if choice and choice.row and choice.other:
        other = next((r for r in rows if r is not choice.row), choice.other)
        pair = [choice.row, other if len(rows) == 1 else choice.other]
        both = " ".join(shlex.quote(row.record.candidate.name) for row in pair)
        lines.append(f"weighin compare {both}{where}")
    if len(rows) == 1 and rows[0].record.candidate.name in candidate_names():
        lines.append(f"weighin run {rows[0].record.candidate.name} --budget {LIMIT}{where}")
    return [f"Next: {line}" for line in (*lines, f"weighin board{where}")]

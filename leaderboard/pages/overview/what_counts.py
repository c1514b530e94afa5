"""What counts in the accuracy: weights and minimum scores of abilities, weights of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.abilities import ability_order, ability_title
from leaderboard.pages.blocks import Beside, Block, Fold, Popover, Text
from leaderboard.pages.controls import Changes, PickNumber, PickSeveral
from leaderboard.rows.abilities import Abilities, abilities, ability_score, told_apart
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row
from leaderboard.rows.selection import measuring
from leaderboard.rows.view import MOST_WEIGHT, View
from leaderboard.units import format_range, points

EXPLAINED = (
    "Weights say how much each ability counts in the accuracy; one without a weight then counts "
    "nothing, and the tasks of one ability count alike. Without any weight every task counts the "
    "same."
)
Pairs = tuple[tuple[str, float], ...]


def what_counts(rows: Sequence[Row], view: View, machine: Sequence[Row]) -> Popover:
    """A button behind which abilities and tasks are weighed.

    Args:
        rows: that are judged together.
        view: what is set.
        machine: rows of all suites of their machine and budget.
    """
    found = abilities(rows)
    count = len(view.ability_weights) + len(view.ability_limits) + len(view.weights)
    count += len(view.measured)
    title = "What counts"
    blocks: list[Block] = []
    if told_apart(found):
        blocks += [Text(EXPLAINED, small=True), *_by_ability(rows, found, view)]
    blocks += _suite(machine, view)
    blocks.append(_weights(list(dict.fromkeys(s.name for row in rows for s in usable(row))), view))
    return Popover(f"{title} ({count})" if count else title, tuple(blocks))


def _by_ability(rows: Sequence[Row], found: Abilities, view: View) -> Iterator[Beside]:
    """A line an ability: its weight, and the least score that will do."""
    weights, least = dict(view.ability_weights), dict(view.ability_limits)
    for ability, tasks in found.items():
        title = ability_title(ability)
        weight = PickNumber(
            name=f"ability:{ability}",
            label=f"weight of {title}",
            chosen=weights.get(ability),
            least=0.0,
            most=MOST_WEIGHT,
            step=1.0,
            changes=_changes("ability_weights", ability, weights),
            empty="none" if weights else "as its tasks",
            decimals=None,
            hint=f"Tasks: {', '.join(tasks)}.",
        )
        scores = [ability_score(row, tasks, dict(view.weights)).value for row in rows]
        limit = PickNumber(
            name=f"min_ability:{ability}",
            label=f"min {title}, %",
            chosen=least.get(ability),
            least=0.0,
            most=100.0,
            step=1.0,
            changes=_changes("ability_limits", ability, least),
            empty=_range([points(one) for one in scores if one is not None]),
            decimals=None,
        )
        yield Beside(((weight,), (limit,)))


def _range(found: Sequence[float]) -> str:
    """Text of an empty box: that any score will do, and which there are."""
    return f"any ({format_range(min(found), max(found))})" if found else "any"


def _changes(field: str, ability: str, given: Mapping[str, float]) -> Callable[..., Changes]:
    def changes(value: float | None) -> Changes:
        rest = {name: one for name, one in given.items() if name != ability}
        kept = rest if value is None else {**rest, ability: value}
        return {field: tuple(sorted(kept.items(), key=lambda pair: ability_order(pair[0])))}

    return changes


def _suite(machine: Sequence[Row], view: View) -> Iterator[PickSeveral]:
    """A box that opens the suite which measures what is picked."""
    suites = measuring(machine)
    known = sorted({*view.measured, *(one for found in suites.values() for one in found)},
                   key=ability_order)  # fmt: skip
    if len(suites) < 2 and not view.measured:
        return

    def changes(picked: tuple[str, ...]) -> Changes:
        able = [key for key, found in suites.items() if found.issuperset(picked)]
        suite = able[0] if able else ""
        return {"measured": picked, "suite": suite, "builds": ()} if picked else {"measured": ()}

    yield PickSeveral(
        name="measured",
        label="open the suite that measures",
        options={one: ability_title(one) for one in known},
        chosen=view.measured,
        changes=changes,
        empty="any",
    )


def _weights(tasks: Sequence[str], view: View) -> Fold:
    """Inputs for the weight of each task; those that weigh 1 are left out of the view."""
    given = dict(view.weights)
    changed = sum(weight != 1 for weight in given.values())
    title = f"Tasks and their weights ({changed} changed)" if changed else "Tasks and their weights"
    boxes = (_weight(task, tasks, given) for task in tasks)
    words = "0 leaves a task out; 2 has it count twice, within its ability where these are weighed."
    return Fold(title, (Text(words, small=True), *boxes))


def _weight(task: str, tasks: Sequence[str], given: Mapping[str, float]) -> PickNumber:
    def changes(value: float | None) -> Changes:
        found = {**given, task: 1.0 if value is None else value}
        return {"weights": tuple((one, found[one]) for one in tasks if found.get(one, 1.0) != 1)}

    return PickNumber(
        name=f"weight:{task}",
        label=task,
        chosen=given.get(task, 1.0),
        least=0.0,
        most=MOST_WEIGHT,
        step=0.5,
        changes=changes,
        decimals=None,
    )

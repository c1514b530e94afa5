"""Abilities of rows of one suite: which tasks measure them, their scores, and what they weigh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.abilities import OTHER, ability_order, ability_title
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.stats.intervals import Interval
from leaderboard.stats.weighted_mean import weighted_mean

UNANSWERED = "not every item was answered"
Abilities = Mapping[str, tuple[str, ...]]
"""Ability -> the tasks and groups that measure it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbilityScore:
    """A candidate's mean over the tasks of one ability."""

    value: float | None
    """0 to 1; None where a task has no usable score."""
    interval: Interval | None = None
    """95 %, over items."""
    n: int = 0
    chance: float | None = None
    """Mean of what guessing would score; None where a task has no choices."""
    reason: str = ""
    """Why there is no value."""


def abilities(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Tasks and groups that count in the mean, by ability.

    Args:
        rows: of one suite: what one of them states of a task holds for all.

    Returns:
        In the order in which abilities are shown; what no task measures is not there.
    """
    known: dict[str, str] = {}
    for score in (one for row in rows for one in row.scores if not one.left_out):
        if known.get(score.name, OTHER) == OTHER:
            known[score.name] = score.ability
    found: dict[str, list[str]] = {}
    for name, ability in known.items():
        found.setdefault(ability, []).append(name)
    return {one: tuple(found[one]) for one in sorted(found, key=ability_order)}


def told_apart(found: Abilities) -> bool:
    """True where a suite measures two abilities or more: of one the accuracy says it all."""
    return len(found) > 1


def inside(names: Sequence[str], tasks: Mapping[str, float]) -> dict[str, float]:
    """Shares of an ability's tasks in its mean, which add up to 1.

    Args:
        names: of its tasks and groups.
        tasks: weights, 1 where not named.

    Returns:
        Nothing where every weight is 0.
    """
    given = {name: tasks.get(name, 1.0) for name in names}
    total = math.fsum(given.values())
    return {name: weight / total for name, weight in given.items()} if total > 0 else {}


def counted(view: View, found: Abilities) -> dict[str, float]:
    """Weights by ability of a view, of those that are measured; empty: tasks count alike.

    Where a view names any, an ability that it does not name counts nothing.
    """
    tasks = dict(view.weights)
    given = dict(view.ability_weights)
    kept = {one: given.get(one, 0.0) for one in found if inside(found[one], tasks)}
    return {one: weight for one, weight in kept.items() if weight > 0}


def task_weights(view: View, rows: Sequence[Row]) -> dict[str, float] | None:
    """Weights of tasks and groups in the accuracy that a view asks for.

    Args:
        view: its weights by ability and by task.
        rows: of one suite.

    Returns:
        None where all count the same, as in the suite's own score. With weights by ability, an
        ability's weight times the share of the task in its ability's mean: the accuracy is the
        weighted mean of abilities, however many tasks each has.
    """
    tasks = dict(view.weights)
    by_ability = abilities(rows) if view.ability_weights else {}
    weighed = counted(view, by_ability)
    if not weighed:
        return tasks or None
    found = {
        name: weighed.get(ability, 0.0) * share
        for ability, names in by_ability.items()
        for name, share in {**dict.fromkeys(names, 0.0), **inside(names, tasks)}.items()
    }
    return None if len(set(found.values())) == 1 else found


def ability_score(row: Row, names: Sequence[str], tasks: Mapping[str, float]) -> AbilityScore:
    """A candidate's weighted mean over an ability's tasks.

    Args:
        row: the candidate.
        names: of the ability's tasks and groups.
        tasks: weights, 1 where not named.
    """
    scores = [score for score in row.scores if score.name in names]
    lacking = [name for name in names if name not in {score.name for score in scores}]
    broken = [f"{s.name}: {s.unusable}" for s in scores if s.unusable]
    if lacking or broken or not all(score.answered for score in scores):
        named = [f"{name}: not measured" for name in lacking]
        return AbilityScore(value=None, reason="; ".join([*broken, *named]) or UNANSWERED)
    parts = [(s.value, s.interval) for s in scores if s.value is not None and s.interval]
    shares = inside(names, tasks)
    found = None
    if len(parts) == len(scores):
        found = weighted_mean(parts, [shares.get(score.name, 0.0) for score in scores])
    if found is None:
        return AbilityScore(value=None, reason="its tasks have no score, or weigh nothing")
    chances = [score.chance for score in scores]
    chance = None
    if None not in chances:
        chance = math.fsum(shares[s.name] * (s.chance or 0.0) for s in scores)
    return AbilityScore(
        value=found[0],
        interval=found[1].within(0.0, 1.0),
        n=sum(score.n for score in scores),
        chance=chance,
    )


def weighing(weights: Mapping[str, float]) -> str:
    """Weights by ability as shares, the largest first: `tools (75%) and code (25%)`."""
    total = math.fsum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: (-item[1], ability_order(item[0])))
    if len(ordered) == 1:
        return ability_title(ordered[0][0])
    named = [f"{ability_title(name)} ({weight / total:.0%})" for name, weight in ordered]
    return f"{', '.join(named[:-1])} and {named[-1]}"

"""Rows that may be ranked together, and their answers side by side.

A time means something beside a time of the same machine and build only, an accuracy beside one on
the same items only. So nothing here takes rows of several machines, builds or suites at once.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from leaderboard.rows.answers import ItemKey
from leaderboard.rows.conditions import Place, conditions
from leaderboard.rows.row import Row
from leaderboard.rows.score import Score
from leaderboard.stats.item_resampling import Items

Scores = Mapping[str, Mapping[ItemKey, float]]
"""Item scores of one run, by task or group: `leaderboard.rows.answers.Answers.scores`."""


class Shared(NamedTuple):
    """Conditions that rows must share to be ranked together."""

    place: Place
    builds: tuple[str, ...]
    """One of each runtime, sorted."""


def places(rows: Sequence[Row]) -> dict[Place, tuple[Row, ...]]:
    """Rows by machine, suite and budget, in the order in which they come."""
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault(conditions(row.record).place, []).append(row)
    return {key: tuple(group) for key, group in found.items()}


def builds(rows: Sequence[Row]) -> dict[str, dict[str, tuple[Row, ...]]]:
    """Rows by runtime and its build, in the order in which they come."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        of_runtime = found.setdefault(row.record.candidate.runtime, {})
        of_runtime.setdefault(conditions(row.record).build, []).append(row)
    return {
        runtime: {key: tuple(group) for key, group in of_runtime.items()}
        for runtime, of_runtime in found.items()
    }


def sharing(rows: Sequence[Row], shared: Shared) -> tuple[Row, ...]:
    """The rows that may be ranked together under what they share."""
    keys = [conditions(row.record) for row in rows]
    return tuple(
        row
        for row, key in zip(rows, keys, strict=True)
        if key.place == shared.place and key.build in shared.builds
    )


def check_peers(rows: Sequence[Row]) -> None:
    """Refuse rows that may not be ranked together.

    Raises:
        ValueError: they are of several machines, suites or budgets, or of two builds of a runtime.
    """
    apart = places(rows)
    if len(apart) > 1:
        first, second = list(apart)[:2]
        what = next(f for f in Place._fields if getattr(first, f) != getattr(second, f))
        _refuse(what, [getattr(first, what), getattr(second, what)])
    for runtime, found in builds(rows).items():
        if len(found) > 1:
            _refuse(f"build of {runtime}", list(found))


def _refuse(what: str, values: Sequence[str]) -> None:
    raise ValueError(
        f"rows of more than one {what} cannot be ranked together: {values[0]!r}, {values[1]!r}"
    )


def side_by_side(
    rows: Sequence[Row],
    answers: Mapping[str, Scores] | None,
    clusters: Mapping[ItemKey, Hashable] | None = None,
) -> dict[str, tuple[Items, ...]] | None:
    """The items' scores of several rows as columns.

    Args:
        rows: shape (m,).
        answers: by run id.
        clusters: what an item shares with others, e.g. its passage; an item without one belongs
            with the repetitions of itself.

    Returns:
        By task or group, its items: all together, or task by task in a group whose tasks count the
        same whatever their size. None where a row has no answers, other items than the first, or
        a score for which there are none: what is called paired always is. In a comparison with a
        given time a row that was stopped lacks the later items, which are NaN.
    """
    found = [(answers or {}).get(row.record.run_id) for row in rows]
    if not found or not all(found):
        return None
    looked = all(row.record.job.looks for row in rows)
    first = max(found, key=_size) if looked else found[0]
    tables: dict[str, tuple[Items, ...]] = {}
    counting = {score.name for score in usable(rows[0])}
    for name, items in (first or {}).items():
        if name not in counting:
            continue
        others = [(one or {}).get(name) for one in found]
        if any(not _covers(items, scores, some=looked) for scores in others):
            return None
        parts = _counting_alike(rows[0], items)
        tables[name] = tuple(_items(part, others, clusters or {}) for part in parts)
    names = set(tables)
    return tables if all({s.name for s in usable(row)} == names for row in rows) else None


def _size(scores: Scores | None) -> int:
    return sum(map(len, (scores or {}).values()))


def _covers(
    items: Mapping[ItemKey, float], scores: Mapping[ItemKey, float] | None, *, some: bool
) -> bool:
    """True where a row has a score of each of the items; of `some`, and of no other, will do."""
    return bool(scores) and (
        (scores or {}).keys() <= items.keys() if some else (scores or {}).keys() == items.keys()
    )


def _counting_alike(row: Row, items: Iterable[ItemKey]) -> list[list[ItemKey]]:
    """Items of one part in sets that count the same: one set, unless its tasks do."""
    by_task: dict[str, list[ItemKey]] = {}
    for key in items:
        by_task.setdefault(key.task, []).append(key)
    known = row.record.accuracy
    if all(task not in known or known[task].by_size for task in by_task):
        return [[key for keys in by_task.values() for key in keys]]
    return list(by_task.values())


def _items(
    keys: Sequence[ItemKey],
    sides: Sequence[Mapping[ItemKey, float] | None],
    clusters: Mapping[ItemKey, Hashable],
) -> Items:
    columns = [[(side or {}).get(key, math.nan) for key in keys] for side in sides]
    named = [clusters.get(key, (key.task, key.item)) for key in keys]
    number = {name: i for i, name in enumerate(dict.fromkeys(named))}
    return Items(
        scores=np.array(columns, dtype=np.float64).T,
        groups=np.array([number[name] for name in named], dtype=np.intp),
    )


def items_counted(row: Row, weights: Mapping[str, float] | None) -> int:
    """Number of items that a row's accuracy rests on.

    Args:
        row: a candidate.
        weights: of tasks and groups in the accuracy, 1 where not named.
    """
    if weights is None:
        return row.score.n if row.score else 0
    return sum(score.n for score in usable(row) if weights.get(score.name, 1.0) > 0)


def usable(row: Row) -> list[Score]:
    """The tasks and groups whose mean is the row's score; none where it has no usable number."""
    if row.unscored:
        return []
    return [s for s in row.scores if s.counts]

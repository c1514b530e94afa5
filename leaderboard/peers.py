"""Rows that may be ranked together, and their answers side by side.

A time means something beside a time of the same machine only, an accuracy beside one on the same
items only. So nothing here takes rows of several machines or suites at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from leaderboard.answers import ItemKey
from leaderboard.board import Row, Score

Scores = Mapping[str, Mapping[ItemKey, float]]
"""Of one run, by task or group: `leaderboard.answers.Answers.scores`."""
Floats = npt.NDArray[np.float64]


class Conditions(NamedTuple):
    """What rows must share to be ranked together."""

    machine: str
    """Fingerprint."""
    suite: str
    """Digest."""
    budget: str
    """As text; empty without one."""


def conditions(row: Row) -> Conditions:
    """Under which conditions a row was measured."""
    record = row.record
    budget = "" if record.budget is None else repr(sorted(record.budget.items()))
    fingerprint = str(record.machine.get("fingerprint"))
    return Conditions(machine=fingerprint, suite=record.suite.digest, budget=budget)


def peers(rows: Sequence[Row]) -> dict[Conditions, tuple[Row, ...]]:
    """Rows grouped by what may be ranked together, in the order in which they come."""
    found: dict[Conditions, list[Row]] = {}
    for row in rows:
        found.setdefault(conditions(row), []).append(row)
    return {key: tuple(group) for key, group in found.items()}


def check_peers(rows: Sequence[Row]) -> None:
    """Refuse rows that may not be ranked together.

    Raises:
        ValueError: they are of several machines, suites or budgets.
    """
    several = peers(rows)
    if len(several) > 1:
        first, second = list(several)[:2]
        what = next(f for f in Conditions._fields if getattr(first, f) != getattr(second, f))
        raise ValueError(
            f"rows of more than one {what} cannot be ranked together: {getattr(first, what)!r}, "
            f"{getattr(second, what)!r}; rank each group of peers()"
        )


def side_by_side(
    rows: Sequence[Row], answers: Mapping[str, Scores] | None
) -> dict[str, Floats] | None:
    """The items' scores of several rows as columns.

    Args:
        rows: shape (m,).
        answers: by run id.

    Returns:
        By task or group, shape (items, m); None where a row has no answers, other items than the
        first, or a score for which there are none: what is called paired always is.
    """
    found = [(answers or {}).get(row.record.run_id) for row in rows]
    first = found[0] if found else None
    if not first:
        return None
    tables: dict[str, Floats] = {}
    for name, items in first.items():
        columns = []
        for one in found:
            scores = (one or {}).get(name)
            if not scores or scores.keys() != items.keys():
                return None
            columns.append([scores[key] for key in items])
        tables[name] = np.array(columns, dtype=np.float64).T
    names = set(tables)
    return tables if all({s.name for s in usable(row)} == names for row in rows) else None


def usable(row: Row) -> list[Score]:
    """The tasks and groups whose mean is the row's score."""
    return [s for s in row.scores if s.interval is not None and s.value is not None and s.n]

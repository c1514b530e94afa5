"""The ranked table as flat rows: seconds, bytes and shares, as `weighin export` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaderboard.choose.overview import Line
from leaderboard.rows.abilities import Abilities, abilities, ability_score
from leaderboard.rows.conditions import build_name
from leaderboard.rows.metrics import ACCURACY, METRICS
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Interval


def flat_lines(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """A row a candidate, in the order of the lines; a missing number is None.

    Tasks of one ability count alike in its score, whatever the lines' own accuracy weighs.
    """
    found = abilities([line.row for line in lines])
    return [_flat(line, found) for line in lines]


def _flat(line: Line, found: Abilities) -> dict[str, Any]:
    row, candidate = line.row, line.row.record.candidate
    kind = candidate.quantisation
    scores = {
        f"accuracy.{score.name}{end}": value
        for score in row.scores
        for end, value in (("", score.value), (".n", score.n), (".chance", score.chance))
    }
    return {
        "rank": line.rank,
        "tied": line.tied if line.rank is not None else None,
        "candidate": candidate.name,
        "digest": candidate.digest,
        "run": row.record.run_id,
        "fits": not line.reasons,
        "ship": line.ship,
        "outside": "; ".join(reason.text for reason in line.reasons),
        **_with_interval("accuracy", line.accuracy, line.interval),
        "items": line.items or None,
        "runs": row.runs,
        **_metrics(row),
        "quantisation": kind.name if kind else None,
        "probability_front": line.front,
        "probability_most_accurate": line.best,
        "expected_shortfall": line.shortfall,
        "family": candidate.family,
        "runtime": candidate.runtime,
        "licence": candidate.licence,
        "machine": row.record.machine.fingerprint,
        "build": build_name(row.record),
        "suite": row.record.suite.name,
        "suite_version": row.record.suite.version,
        "flags": "; ".join(row.flags),
        **_abilities(row, found),
        **scores,
    }


def _abilities(row: Row, found: Abilities) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for ability, tasks in found.items():
        score = ability_score(row, tasks, {})
        flat |= _with_interval(f"ability.{ability}", score.value, score.interval)
        flat[f"ability.{ability}.n"] = score.n
    return flat


def _metrics(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in METRICS.values():
        name, number = metric.download or metric.name, row.number(metric.key)
        if metric.varies and metric.key != ACCURACY:
            found |= _with_interval(name, number.value, number.interval)
            if metric.pool is not None:
                found[f"{name}.is"] = number.basis or None
        elif metric.over == "file":
            found[name] = number.value
    return found


def _with_interval(name: str, value: float | None, interval: Interval | None) -> dict[str, Any]:
    return {
        name: value,
        f"{name}.low": interval.low if interval else None,
        f"{name}.high": interval.high if interval else None,
    }

"""What past checks say of a candidate's runs and of one metric, for its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.gate.past import PastGate
from leaderboard.rows.metric import Metric
from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The baseline's value of a metric and the worst that is allowed, in the stored unit."""

    baseline: str
    """Its candidate's name."""
    value: float
    worst: float


def checked(gates: Sequence[PastGate], records: Sequence[Record]) -> dict[str, PastGate]:
    """The newest check of each batch of a candidate: batch -> check.

    Args:
        gates: of the candidate, newest first.
        records: of it, at least.
    """
    batches = {record.run_id: record.job.batch for record in records}
    found: dict[str, PastGate] = {}
    for gate in gates:
        for run_id in _runs(gate.report, "candidate"):
            if run_id in batches:
                found.setdefault(batches[run_id], gate)
    return found


def allowed(
    gates: Sequence[PastGate], metric: Metric, workload: str | None, place: tuple[str, str]
) -> Allowed | None:
    """What the newest check that judged a metric held it against.

    Args:
        gates: of one candidate, newest first.
        metric: one of METRICS.
        workload: the workload that a history shows.
        place: machine and name of the suite: a check of another is none of this line.

    Returns:
        None where no check judged it, or its report lacks a number.
    """
    names = {metric.name, f"{metric.name}:{workload}"}
    for gate in gates:
        if (gate.machine or "", gate.suite) != place:
            continue
        for one in gate.report.get("metrics") or []:
            if isinstance(one, Mapping) and one.get("metric") in names:
                found = _allowed(gate, one, metric)
                if found is not None:
                    return found
    return None


def _allowed(gate: PastGate, one: Mapping[str, Any], metric: Metric) -> Allowed | None:
    value, margin = _number(one.get("baseline")), _number(one.get("margin"))
    if value is None or margin is None:
        return None
    if one.get("unit") == "points":
        worst = value - margin
    elif metric.better == "higher":
        worst = value / (1 + margin)
    else:
        worst = value * (1 + margin)
    return Allowed(baseline=gate.baseline, value=value, worst=worst)


def _number(value: object) -> float | None:
    """A number of sensible size, else None: a report may have been edited."""
    sensible = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15
    return float(value) if sensible else None  # type: ignore[arg-type]


def _runs(report: Mapping[str, Any], side: str) -> list[str]:
    about = report.get(side)
    runs = about.get("runs") if isinstance(about, Mapping) else None
    return [run for run in runs if isinstance(run, str)] if isinstance(runs, list) else []

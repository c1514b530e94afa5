"""One candidate over time: over versions of itself, of its runtime and of Weighin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from leaderboard.rows.conditions import UNKNOWN, Place, conditions
from leaderboard.rows.repeats import runs_key
from leaderboard.rows.row import Row, merged
from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Versions that a measurement was made with, which may change between two points."""

    candidate: str
    """Digest: weights, runtime, chosen settings."""
    runtime: str
    """Name and version."""
    build: str
    """The runtime's, in its own words."""
    libraries: str
    """Digest over the runtime's compiled libraries."""
    left_out: str
    """Kernels that crash in this build and were not used."""
    weighin: str
    lm_eval: str
    kernel: str
    """Kernel of the operating system, which the machine's fingerprint leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One batch's measurement of the candidate."""

    row: Row
    versions: Versions
    changes: tuple[str, ...]
    """Differences from the point before, as `runtime: llamacpp 0.3.35 -> llamacpp 0.3.36`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points that may be joined: one machine, one set of items, one budget. The runtime's build may
    change along it: that is a change to be seen, as another version is.
    """

    place: Place
    points: tuple[Point, ...]
    """Oldest first."""


def names(records: Sequence[Record]) -> tuple[str, ...]:
    """Names of all candidates, in alphabetical order."""
    return tuple(sorted({record.candidate.name for record in records}))


def history(records: Sequence[Record], name: str) -> tuple[Line, ...]:
    """Every measurement of the candidate of that name, under whatever digest.

    Args:
        records: a store's, oldest first.
        name: of the candidate.

    Returns:
        A line for each machine, suite and budget, since points of unlike ones must not be joined;
        the one with the newest point first. Repeats of one batch are one point.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        if record.candidate.name == name:
            key = (*runs_key(record), record.job.batch, versions(record))
            groups.setdefault(key, []).append(record)
    lines: dict[Place, list[Row]] = {}
    for group in groups.values():
        for row in merged(group):
            lines.setdefault(conditions(row.record).place, []).append(row)
    found = [Line(place=key, points=_points(rows)) for key, rows in lines.items()]
    return tuple(sorted(found, key=lambda line: _when(line.points[-1].row), reverse=True))


def versions(record: Record) -> Versions:
    """Versions that a run was made with; one that it does not name is `unknown`."""
    software = record.software
    return Versions(
        candidate=record.candidate.digest,
        runtime=f"{record.candidate.runtime} {software.runtime_version or UNKNOWN}",
        build=software.runtime_build or UNKNOWN,
        libraries=(software.runtime_digest or UNKNOWN)[:7],
        left_out=software.left_out or "nothing",
        weighin=software.weighin or UNKNOWN,
        lm_eval=software.lm_eval or UNKNOWN,
        kernel=record.machine.os_release or UNKNOWN,
    )


def changes(before: Versions, after: Versions) -> tuple[str, ...]:
    """Differences between two points, named with both values."""
    return tuple(
        f"{name.replace('_', ' ')}: {getattr(before, name)} -> {getattr(after, name)}"
        for name in (field.name for field in fields(Versions))
        if getattr(before, name) != getattr(after, name)
    )


def _points(rows: Sequence[Row]) -> tuple[Point, ...]:
    ordered = sorted(rows, key=_when)
    made = [versions(row.record) for row in ordered]
    return tuple(
        Point(
            row=row,
            versions=made[i],
            changes=changes(made[i - 1], made[i]) if i else (),
        )
        for i, row in enumerate(ordered)
    )


def _when(row: Row) -> tuple[str, str]:
    return row.record.created_at, row.record.run_id

"""List the machines, builds and data sources of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.conditions import (
    UNKNOWN,
    build_name,
    build_of,
    is_elsewhere,
    machine_of,
    name_only,
)
from leaderboard.rows.flags import said
from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine, known by its fingerprint."""

    fingerprint: str
    cpu_model: str
    generation: str
    """Family, model and stepping; else how else it is known: by its name only, or not at all."""
    features: tuple[str, ...]
    """Instruction sets with kernels of their own."""
    usable_cpus: int | None
    ram_bytes: int | None
    gpu: str
    """Names, or empty."""
    os_family: str
    runs: int
    flagged: int
    """Runs with at least one flag."""
    unfinished: int
    """Runs that did not complete."""
    first: str
    """Moment when its oldest run was made, UTC."""
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One candidate on one suite, on one machine, in one build of its runtime."""

    candidate: str
    digest: str
    suite: str
    """Name and version."""
    machine: str
    """Fingerprint."""
    build: str
    """The runtime's, in words."""
    runs: int
    statuses: tuple[tuple[str, int], ...]
    """Number of runs by how they ended, the most frequent first."""
    items: int
    """Items answered by its most complete run."""
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Source of one task's items."""

    task: str
    source: str
    uri: str
    split: str
    sha256: str
    licence: str
    note: str


def machines(records: Sequence[Record]) -> tuple[Machine, ...]:
    """Every machine in the records, the one with the most runs first."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(machine_of(record), []).append(record)
    found = [_machine(name, group) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda machine: (-machine.runs, machine.fingerprint)))


def measured(records: Sequence[Record]) -> tuple[Measured, ...]:
    """Every candidate, suite, machine and build that go together, in the order they appear in."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        candidate = record.candidate
        where = (machine_of(record), build_of(record))
        key = (candidate.name, candidate.digest, record.suite.digest, *where)
        groups.setdefault(key, []).append(record)
    return tuple(_measured(group) for group in groups.values())


def data_sources(records: Sequence[Record]) -> tuple[Data, ...]:
    """Sources of each task's items, each source once."""
    found: dict[Data, None] = {}
    for record in records:
        for one in record.data:
            data = Data(
                task=one.task,
                source=one.source,
                uri=one.uri,
                split=one.split,
                sha256=one.sha256 or "",
                licence=one.licence,
                note=one.note,
            )
            found[data] = None
    return tuple(found)


def _machine(name: str, group: Sequence[Record]) -> Machine:
    last, about = group[-1], group[-1].machine
    known = about.cpu_id or ""
    if machine_of(last) == UNKNOWN:
        known = "imported; machine unknown" if last.imported else "machine unknown"
    elif is_elsewhere(last):
        known = "behind a URL; machine unknown"
    elif name_only(last):
        known = "known by its name only"
    dates = [record.created_at for record in group]
    return Machine(
        fingerprint=name,
        cpu_model=about.cpu_model or "unknown",
        generation=known,
        features=about.cpu_features,
        usable_cpus=about.usable_cpus,
        ram_bytes=about.ram_bytes,
        gpu=", ".join(about.gpu),
        os_family=about.os_family or "unknown",
        runs=len(group),
        flagged=sum(bool(said(record)) for record in group),
        unfinished=sum(record.status != "completed" for record in group),
        first=min(dates),
        last=max(dates),
    )


def _measured(group: Sequence[Record]) -> Measured:
    last = group[-1]
    return Measured(
        candidate=last.candidate.name,
        digest=last.candidate.digest,
        suite=f"{last.suite.name} version {last.suite.version}",
        machine=machine_of(last),
        build=build_name(last),
        runs=len(group),
        statuses=tuple(Counter(str(record.status) for record in group).most_common()),
        items=max(sum(task.n for task in record.accuracy.values()) for record in group),
        last=max(record.created_at for record in group),
    )

"""Measured under the same conditions? One answer, for the board, comparisons and the gate.

A candidate is what is measured (its digest); conditions are where and how: machine, build of the
runtime, budget. Times and memory of unlike conditions are never laid side by side; accuracy on the
same items may be, and it is said, since other kernels change some choices. Threads that nobody
chose follow from machine and budget; chosen ones are part of the candidate.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from leaderboard.units import gib
from runners.records.record import Record

UNKNOWN = "unknown"
"""The machine of a record that does not say where it was made."""
ELSEWHERE = "remote:"
"""Beginning of the fingerprint of a model that runs behind a URL: host and port follow, and the
fingerprint of the machine that asked."""


class Place(NamedTuple):
    """Machine, suite and budget that the rows of one table share."""

    machine: str
    """Fingerprint, or UNKNOWN."""
    suite: str
    """Digest."""
    budget: str
    """The budget as JSON; empty without one."""


class Conditions(NamedTuple):
    """Conditions that runs of one candidate must share to be repeats of each other."""

    place: Place
    build: str
    """The runtime's, e.g. `llamacpp-3f2a90c1`."""
    devices: tuple[str, ...] = ()
    """GPUs that a part of the model was on, which one setting may choose otherwise another time."""


def conditions(record: Record) -> Conditions:
    """Conditions under which a run was measured."""
    budget = "" if record.budget is None else json.dumps(record.budget.said(), sort_keys=True)
    place = Place(machine=machine_of(record), suite=record.suite.digest, budget=budget)
    return Conditions(place=place, build=build_of(record), devices=devices_of(record))


def devices_of(record: Record) -> tuple[str, ...]:
    """The GPUs that a part of a run's model was on, by their products' names."""
    return tuple(one.description or one.name for one in record.gpu.devices) if record.gpu else ()


def machine_of(record: Record) -> str:
    """The fingerprint of the machine that a run was made on; UNKNOWN where the record has none."""
    return record.machine.fingerprint or UNKNOWN


def build_of(record: Record) -> str:
    """Name of the build of its runtime that measured a run; it differs where the build does.

    A record that does not name its compiled libraries is of another build than one that does.
    """
    by = record.software
    said = json.dumps([by.runtime_version, by.runtime_build, by.runtime_digest, by.left_out])
    return f"{record.candidate.runtime}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def why_unlike(reference: Record, other: Record) -> str:
    """Why times and memory of two runs may not be compared; empty where they may.

    Runs of different runtimes have different builds by nature, and may.
    """
    a, b = conditions(reference), conditions(other)
    if UNKNOWN in (a.place.machine, b.place.machine):
        return "measured on a machine that is not known"
    if a.place.machine != b.place.machine:
        return f"measured on unlike machines ({_both(map(machine_in_full, (reference, other)))})"
    if a.place.budget != b.place.budget:
        return f"measured under different budgets ({_both(map(budget_name, (reference, other)))})"
    if reference.candidate.digest == other.candidate.digest and a.devices != b.devices:
        names = _both(", ".join(one.devices) or "no GPU" for one in (a, b))
        return f"measured on unlike GPUs ({names})"
    if reference.candidate.runtime == other.candidate.runtime and a.build != b.build:
        names = _both(map(build_name, (reference, other)))
        return f"measured with two builds of {reference.candidate.runtime} ({names})"
    return ""


def is_elsewhere(record: Record) -> bool:
    """True where the model was asked over a network, so that its machine is not known."""
    return machine_of(record).startswith(ELSEWHERE)


def name_only(record: Record) -> bool:
    """True where the machine is known by its processor's name, which generations may share."""
    known = machine_of(record) != UNKNOWN and not is_elsewhere(record)
    return known and not record.machine.cpu_id


def machine_name(record: Record) -> str:
    """A machine in short: `AMD EPYC, 2 cores, 24 GiB`."""
    about = record.machine
    parts = [about.cpu_model] if about.cpu_model else []
    if cores := about.usable_cpus:
        parts.append(f"{cores} core{'s' if cores != 1 else ''}")
    if about.ram_bytes is not None:
        parts.append(f"{gib(about.ram_bytes):.0f} GiB")
    parts += about.gpu
    if parts:
        return ", ".join(parts)
    if machine_of(record) == UNKNOWN:
        return "imported; machine unknown" if record.imported else "machine unknown"
    if is_elsewhere(record):
        return f"elsewhere, {machine_of(record).removeprefix(ELSEWHERE).split()[0]}"
    return f"machine {machine_of(record)}"


def machine_in_full(record: Record) -> str:
    """A machine with what tells it from another of its name, and its fingerprint's start.

    `AMD EPYC, 2 cores, 24 GiB, family 26 model 2 stepping 1 · 1a1335`; an early record's machine
    is `known by its name only`.
    """
    name = machine_name(record)
    if machine_of(record) == UNKNOWN:
        return name
    if is_elsewhere(record):
        return f"{name} (asked {' '.join(machine_of(record).split()[1:])[:11]})"
    told = "known by its name only"
    if not name_only(record):
        told = re.sub(r"^\w+ (?=family )", "", record.machine.cpu_id or "")
    return f"{name}, {told} \N{MIDDLE DOT} {machine_of(record)[:6]}"


def build_name(record: Record) -> str:
    """A build in words: `llamacpp 0.3.36, build 3f2a90`, and what was left out of it."""
    software = record.software
    if record.imported:
        return f"{record.candidate.runtime}, build unknown"
    known = software.runtime_digest
    parts = [
        f"{record.candidate.runtime} {software.runtime_version or 'of unknown version'}",
        f"build {known[:6]}" if known else "build unknown",
    ]
    left_out = software.left_out
    return ", ".join([*parts, f"left out: {left_out}"] if left_out else parts)


def suite_in_full(record: Record) -> str:
    """Name, version and the beginning of the digest: `core v2 · 0cb23d`."""
    suite = record.suite
    return f"{suite.name} v{suite.version} \N{MIDDLE DOT} {suite.digest[:6]}"


def budget_name(record: Record) -> str:
    """A budget in words: its name, else what it limits."""
    budget = record.budget
    if budget is None:
        return "no budget"
    said = budget.said()
    return budget.name or ", ".join(f"{key} {said[key]}" for key in sorted(said))


def _both(names: Iterable[str]) -> str:
    return "; ".join(names)
